using Tomlyn;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>
/// From text to <see cref="TomlTable"/>. Tomlyn parses; names that are set twice are found here, so that they can be told together with
/// everything that the binder finds.
/// </summary>
internal static class TomlTree
{
    /// <returns>Null when the syntax is wrong: nothing in the file can then be relied on.</returns>
    public static TomlTable? Parse(string text, ConfigErrors errors)
    {
        DocumentSyntax document;
        try
        {
            document = SyntaxParser.Parse(text, sourceName: null, validate: false);
        }
        catch (TomlException failure)
        {
            // Nesting too deep is thrown, not collected.
            errors.Add($"no TOML that can be read: {failure.Message.Split('.')[0]}");
            return null;
        }
        catch (ArgumentException)
        {
            // The parser's own mistake while it words a message about an escape that is broken or stands for no character.
            errors.Add("no TOML that can be read: a \\u or \\U escape in a string is broken, or stands for no character");
            return null;
        }

        if (ReportDiagnostics(document, errors))
        {
            return null;
        }

        TomlTable root = new(new Position(1, 1), isOpen: false);
        AddKeyValues(root, document.KeyValues, errors);
        foreach (TableSyntaxBase table in document.Tables)
        {
            if (table.Name is not null && OpenTable(root, table, errors) is { } opened)
            {
                AddKeyValues(opened, table.Items, errors);
            }
        }

        if (!errors.Any)
        {
            // Rules of redefinition rarer than those above.
            _ = ReportDiagnostics(SyntaxParser.Parse(text, sourceName: null, validate: true), errors);
        }

        return root;
    }

    private static bool ReportDiagnostics(DocumentSyntax document, ConfigErrors errors)
    {
        int lastLine = -1;
        foreach (DiagnosticMessage diagnostic in document.Diagnostics)
        {
            // One mistake makes the parser stumble several times; the first on its line is the one to mend.
            if (diagnostic.Kind == DiagnosticMessageKind.Error && diagnostic.Span.Start.Line != lastLine)
            {
                lastLine = diagnostic.Span.Start.Line;
                errors.Add(new Position(lastLine + 1, diagnostic.Span.Start.Column + 1), $"no TOML: {diagnostic.Message}");
            }
        }

        return document.HasErrors;
    }

    private static void AddKeyValues(TomlTable table, IEnumerable<KeyValueSyntax> items, ConfigErrors errors)
    {
        foreach (KeyValueSyntax item in items)
        {
            if (item.Key is null || item.Value is null)
            {
                continue;
            }

            List<(string Name, Position At)> path = PathOf(item.Key);
            if (Descend(table, path, errors, inHeader: false) is { } target)
            {
                AddUnique(target, path[^1], Convert(item.Value, errors), errors);
            }
        }
    }

    private static TomlNode Convert(ValueSyntax value, ConfigErrors errors)
    {
        switch (value)
        {
            case ArraySyntax array:
                TomlArray list = new(Position.Of(array), ofTables: false);
                list.Items.AddRange(array.Items.Where(item => item.Value is not null).Select(item => Convert(item.Value!, errors)));
                return list;
            case InlineTableSyntax inline:
                TomlTable table = new(Position.Of(inline), isOpen: false);
                AddKeyValues(table, inline.Items.Where(item => item.KeyValue is not null).Select(item => item.KeyValue!), errors);
                return table;
            default:
                return new TomlScalar(value);
        }
    }

    /// <summary>The table that a header opens; null when it may not (told).</summary>
    private static TomlTable? OpenTable(TomlTable root, TableSyntaxBase header, ConfigErrors errors)
    {
        List<(string Name, Position At)> path = PathOf(header.Name!);
        if (Descend(root, path, errors, inHeader: true) is not { } parent)
        {
            return null;
        }

        (string name, Position at) = path[^1];
        TomlNode? present = parent.Find(name)?.Value;
        if (header is TableArraySyntax)
        {
            if (present is null)
            {
                present = new TomlArray(at, ofTables: true);
                parent.Entries.Add(new TomlEntry(name, at, present));
            }

            if (present is TomlArray { OfTables: true } array)
            {
                TomlTable element = new(at, isOpen: false);
                array.Items.Add(element);
                return element;
            }
        }
        else if (present is null)
        {
            TomlTable table = new(at, isOpen: false);
            parent.Entries.Add(new TomlEntry(name, at, table));
            return table;
        }
        else if (present is TomlTable { IsOpen: true } open)
        {
            open.IsOpen = false;
            return open;
        }

        errors.Add(at, $"'{name}' is already there as {present!.Kind} (line {present.At.Line}); remove one of them");
        return null;
    }

    /// <summary>The table that holds the last name of <paramref name="path"/>, made where missing; null when a value is in the way (told).</summary>
    private static TomlTable? Descend(TomlTable from, List<(string Name, Position At)> path, ConfigErrors errors, bool inHeader)
    {
        TomlTable table = from;
        foreach ((string name, Position at) in path[..^1])
        {
            TomlNode? next = table.Find(name)?.Value;
            if (next is null)
            {
                next = new TomlTable(at, isOpen: inHeader);
                table.Entries.Add(new TomlEntry(name, at, next));
            }

            if (inHeader && next is TomlArray { OfTables: true } array)
            {
                next = array.Items[^1];
            }

            if (next is not TomlTable child)
            {
                errors.Add(at, $"'{name}' is already there as {next.Kind} (line {next.At.Line}); it cannot be a table as well");
                return null;
            }

            table = child;
        }

        return table;
    }

    private static void AddUnique(TomlTable table, (string Name, Position At) key, TomlNode value, ConfigErrors errors)
    {
        if (table.Find(key.Name) is { } first)
        {
            errors.Add(key.At, $"'{key.Name}' is set twice, first on line {first.At.Line}; remove one of them");
            return;
        }

        table.Entries.Add(new TomlEntry(key.Name, key.At, value));
    }

    private static List<(string Name, Position At)> PathOf(KeySyntax key)
    {
        List<(string, Position)> path = [(NameOf(key.Key), Position.Of(key))];
        foreach (DottedKeyItemSyntax item in key.DotKeys)
        {
            path.Add((NameOf(item.Key), item.Key is null ? Position.Of(item) : Position.Of(item.Key)));
        }

        return path;
    }

    internal static string NameOf(BareKeyOrStringValueSyntax? key) => key switch
    {
        BareKeySyntax bare => bare.Key?.Text ?? "",
        StringValueSyntax text => text.Value ?? "",
        _ => "",
    };
}
