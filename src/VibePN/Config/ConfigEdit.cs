using System.Globalization;
using System.Text;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>
/// Changes to a config file as splices of its text at the places that the syntax tree names: every other line, comments and order
/// included, stays as it is. Nothing is written that does not load.
/// </summary>
public static class ConfigEdit
{
    /// <summary>Reads, edits, checks and replaces the file; somebody else's change in between is not lost.</summary>
    /// <exception cref="ConfigException">The file or the result is wrong; nothing was written.</exception>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static NodeConfig Apply(string path, Func<string, string> edit)
    {
        _ = ConfigFile.Load(path);
        string before = ConfigFile.ReadText(path);
        string after = edit(before);
        NodeConfig config = ConfigFile.Parse(after, path);
        AtomicFile.Write(path, after, mode: default, beforeRename: () =>
        {
            if (ConfigFile.ReadText(path) != before)
            {
                throw new ConfigException(new ConfigError(path, 0, 0, "was changed by somebody else just now; try again"));
            }
        });
        return config;
    }

    /// <summary>Adds an entry after the last one, or at the end.</summary>
    public static string AddPeer(string text, PeerConfig peer)
    {
        string newline = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        string entry = Render(peer, newline);
        TableSyntaxBase? last = PeerTables(text).LastOrDefault();
        int at = last is null ? text.Length : AfterOwnComments(text, EndOf(text, last));
        string before = text[..at];
        if (before.Length > 0 && !before.EndsWith('\n'))
        {
            before += newline;
        }

        string gap = before.Length == 0 ? "" : newline;
        return before + gap + entry + text[at..];
    }

    /// <summary>Takes out the entry's lines, and the blank line in front of it. Comments above it stay.</summary>
    /// <exception cref="KeyNotFoundException">There is no such <c>[[peers]]</c> entry.</exception>
    public static string RemovePeer(string text, string name)
    {
        TableSyntaxBase table = PeerTables(text).FirstOrDefault(table => NameOf(table) == name)
            ?? throw new KeyNotFoundException($"there is no [[peers]] entry named '{name}'");
        int start = StartOfLine(text, table.Span.Start.Offset);
        int end = EndOf(text, table);
        int blank = start == 0 ? start : StartOfLine(text, start - 1);
        if (text[blank..start].Trim().Length == 0)
        {
            start = blank;
        }

        return text.Remove(start, end - start);
    }

    private static IEnumerable<TableSyntaxBase> PeerTables(string text) =>
        SyntaxParser.Parse(text, sourceName: null, validate: false).Tables
            .Where(table => table is TableArraySyntax { Name: { DotKeys.ChildrenCount: 0 } key } && TomlTree.NameOf(key.Key) == "peers");

    private static string? NameOf(TableSyntaxBase table)
    {
        foreach (KeyValueSyntax item in table.Items)
        {
            if (item.Key is { DotKeys.ChildrenCount: 0 } key && TomlTree.NameOf(key.Key) == "name" && item.Value is StringValueSyntax value)
            {
                return value.Value?.Trim();
            }
        }

        return null;
    }

    /// <summary>Behind the line end of the table's last line, whether or not the tree counts a comment there.</summary>
    private static int EndOf(string text, TableSyntaxBase table)
    {
        int end = table.Span.Offset + table.Span.Length;
        if (end > 0 && text[end - 1] == '\n')
        {
            return end;
        }

        int newline = text.IndexOf('\n', end);
        return newline < 0 ? text.Length : newline + 1;
    }

    /// <summary>
    /// Comment lines right below an entry are its own (keys that are switched off) unless a table header follows them at once:
    /// then they speak of that.
    /// </summary>
    private static int AfterOwnComments(string text, int end)
    {
        int at = end;
        while (at < text.Length)
        {
            int newline = text.IndexOf('\n', at);
            int next = newline < 0 ? text.Length : newline + 1;
            ReadOnlySpan<char> line = text.AsSpan(at, next - at).Trim();
            if (line.IsEmpty)
            {
                return at;
            }

            if (line[0] != '#')
            {
                return end;
            }

            at = next;
        }

        return at;
    }

    private static int StartOfLine(string text, int at) => at == 0 ? 0 : text.LastIndexOf('\n', at - 1) + 1;

    private static string Render(PeerConfig peer, string newline)
    {
        StringBuilder entry = new();
        _ = entry.Append("[[peers]]").Append(newline).Append("name = ").Append(Quote(peer.Name)).Append(newline);
        if (peer.Address is { } address)
        {
            _ = entry.Append("address = ").Append(Quote(address.ToString())).Append(newline);
        }

        if (peer.Fingerprint is { } pin)
        {
            _ = entry.Append("fingerprint = ").Append(Quote(pin.ToString())).Append(newline);
        }

        _ = entry.Append("networks = ").Append(List(peer.Networks)).Append(newline);
        if (peer.AllowRoutes.Count > 0)
        {
            _ = entry.Append("allow_routes = ").Append(List(peer.AllowRoutes.Select(route => route.ToString()))).Append(newline);
        }

        if (peer.Addresses.Count > 0)
        {
            _ = entry.Append("addresses = ").Append(List(peer.Addresses.Select(owned => owned.ToString()))).Append(newline);
        }

        return entry.ToString();
    }

    private static string List(IEnumerable<string> items) => $"[{string.Join(", ", items.Select(Quote))}]";

    /// <summary>A TOML basic string (TOML 1.0, "String").</summary>
    public static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' or '\\' => quoted.Append('\\').Append(c),
                < ' ' or (char)0x7f => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}"),
                _ => quoted.Append(c),
            };
        }

        return quoted.Append('"').ToString();
    }
}
