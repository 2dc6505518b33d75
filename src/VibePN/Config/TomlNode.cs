using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>A value of the file with its place: what Tomlyn's syntax tree says, with dotted keys and table headers resolved.</summary>
internal abstract class TomlNode(Position at)
{
    public Position At { get; } = at;

    /// <summary>What it is, for "must be …, not …".</summary>
    public abstract string Kind { get; }
}

internal sealed class TomlScalar(ValueSyntax syntax) : TomlNode(Position.Of(syntax))
{
    public ValueSyntax Syntax { get; } = syntax;

    public override string Kind => Syntax switch
    {
        StringValueSyntax => "a text",
        IntegerValueSyntax => "a number",
        FloatValueSyntax => "a number",
        BooleanValueSyntax => "true or false",
        _ => "a date",
    };
}

internal sealed class TomlArray(Position at, bool ofTables) : TomlNode(at)
{
    /// <summary>Made by [[headers]], which may add to it.</summary>
    public bool OfTables { get; } = ofTables;

    public List<TomlNode> Items { get; } = [];

    public override string Kind => OfTables ? "a list of tables" : "a list";
}

/// <summary>A key, where it stands, and its value.</summary>
internal sealed record TomlEntry(string Key, Position At, TomlNode Value);

internal sealed class TomlTable(Position at, bool isOpen) : TomlNode(at)
{
    /// <summary>Only the path to another table so far: one header of its own may still come.</summary>
    public bool IsOpen { get; set; } = isOpen;

    /// <summary>In the file's order.</summary>
    public List<TomlEntry> Entries { get; } = [];

    public override string Kind => "a table";

    public TomlEntry? Find(string key) => Entries.Find(entry => entry.Key == key);
}
