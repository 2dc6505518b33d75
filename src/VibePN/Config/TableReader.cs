using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>A text and where it stands; white space around it is dropped.</summary>
internal readonly record struct Located(string Value, Position At);

/// <summary>
/// Takes the keys of one table, each with the type that it must have. A key asked for is a key known: <see cref="Finish"/> reports all others.
/// </summary>
/// <param name="table">The table.</param>
/// <param name="where">How messages name it, such as "[node]".</param>
/// <param name="errors">Where mistakes go.</param>
internal sealed class TableReader(TomlTable table, string where, ConfigErrors errors)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public Position At => table.At;

    public string Where { get; } = where;

    public Located? Text(string key) =>
        Take<StringValueSyntax>(key, "a text in quotes") is { } found ? new Located(found.Syntax.Value?.Trim() ?? "", found.At) : null;

    /// <summary>As <see cref="Text"/>; absent or empty is an error.</summary>
    public Located? RequiredText(string key)
    {
        bool present = table.Find(key) is not null;
        Located? text = Text(key);
        if (!present)
        {
            errors.Add(At, $"{Where} needs '{key}'");
        }
        else if (text is { Value: "" } empty)
        {
            errors.Add(empty.At, $"'{key}' is empty");
            return null;
        }

        return text;
    }

    public bool Flag(string key, bool otherwise) =>
        Take<BooleanValueSyntax>(key, "true or false") is { } found ? found.Syntax.Value : otherwise;

    public List<Located> Texts(string key) => Find(key) switch
    {
        null => [],
        TomlArray { OfTables: false } array => ItemsOf(key, array),
        { } other => Mistyped<List<Located>>(key, "a list of texts", other) ?? [],
    };

    /// <summary>A text, which counts as a list of one, or a list.</summary>
    public List<Located>? TextOrTexts(string key) => Find(key) switch
    {
        null => null,
        TomlArray { OfTables: false } array => ItemsOf(key, array),
        TomlScalar { Syntax: StringValueSyntax } => [Text(key)!.Value],
        { } other => Mistyped<List<Located>>(key, "a text or a list of texts", other),
    };

    public (long Value, Position At)? Number(string key) => Find(key) switch
    {
        null => null,
        TomlScalar { Syntax: IntegerValueSyntax number } scalar => (number.Value, scalar.At),
        { } other => Mistyped<(long, Position)?>(key, "a whole number", other),
    };

    /// <summary>A whole number, or one given text (null is then returned, as for an absent key).</summary>
    public (long Value, Position At)? NumberOr(string key, string word) => Find(key) switch
    {
        null => null,
        TomlScalar { Syntax: IntegerValueSyntax number } scalar => (number.Value, scalar.At),
        TomlScalar { Syntax: StringValueSyntax text } when text.Value == word => null,
        { } other => Mistyped<(long, Position)?>(key, $"a whole number or \"{word}\"", other),
    };

    public TableReader? Table(string key, string name) => Find(key) switch
    {
        null => null,
        TomlTable child => new TableReader(child, name, errors),
        { } other => Mistyped<TableReader>(key, $"a table: write {name}", other),
    };

    public List<TableReader> Tables(string key, string name)
    {
        List<TableReader> tables = [];
        TomlNode? node = Find(key);
        if (node is TomlArray array)
        {
            foreach (TomlNode item in array.Items)
            {
                if (item is TomlTable child)
                {
                    tables.Add(new TableReader(child, name, errors));
                }
                else
                {
                    errors.Add(item.At, $"'{key}' is a list of tables, not of {item.Kind}; write {name}");
                }
            }
        }
        else if (node is not null)
        {
            _ = Mistyped<object>(key, $"a list of tables: write {name}", node);
        }

        return tables;
    }

    /// <summary>The names of all keys, for tables whose keys are chosen by the user.</summary>
    public IEnumerable<Located> Keys => table.Entries.Select(entry => new Located(entry.Key, entry.At));

    public bool Has(string key) => table.Find(key) is not null;

    /// <summary>Reports the keys that nobody asked for.</summary>
    public void Finish()
    {
        foreach (TomlEntry entry in table.Entries.Where(entry => !_known.Contains(entry.Key)))
        {
            string advice = Nearest.To(entry.Key, _known) is { } near
                ? $"did you mean '{near}'?"
                : $"known are {string.Join(", ", _known.Order(StringComparer.Ordinal))}";
            errors.Add(entry.At, $"{Where} has no key '{entry.Key}'; {advice}");
        }
    }

    private TomlNode? Find(string key)
    {
        _ = _known.Add(key);
        return table.Find(key)?.Value;
    }

    private (T Syntax, Position At)? Take<T>(string key, string wanted)
        where T : ValueSyntax => Find(key) switch
        {
            null => null,
            TomlScalar { Syntax: T syntax } scalar => (syntax, scalar.At),
            { } other => Mistyped<(T, Position)?>(key, wanted, other),
        };

    private List<Located> ItemsOf(string key, TomlArray array)
    {
        List<Located> items = [];
        foreach (TomlNode item in array.Items)
        {
            if (item is TomlScalar { Syntax: StringValueSyntax text })
            {
                Located located = new(text.Value?.Trim() ?? "", item.At);
                if (items.Exists(other => other.Value == located.Value))
                {
                    errors.Add(item.At, $"'{located.Value}' is listed twice in '{key}'");
                }
                else
                {
                    items.Add(located);
                }
            }
            else
            {
                errors.Add(item.At, $"'{key}' must be a list of texts in quotes, but this is {item.Kind}");
            }
        }

        return items;
    }

    private T? Mistyped<T>(string key, string wanted, TomlNode found)
    {
        errors.Add(found.At, $"'{key}' must be {wanted}, not {found.Kind}");
        return default;
    }
}
