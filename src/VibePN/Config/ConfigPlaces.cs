namespace VibePN.Config;

/// <summary>Where the keys of a config file stand, for what is found wrong only after it was read.</summary>
internal sealed class ConfigPlaces
{
    private readonly string _path;
    private readonly TomlTable? _root;

    /// <param name="text">Of the file; one that is no TOML has no places.</param>
    /// <param name="path">As it is to be told.</param>
    public ConfigPlaces(string text, string path)
    {
        _path = path;
        _root = TomlTree.Parse(text, new ConfigErrors(path));
    }

    /// <summary>FILE:LINE of the key at the end of the path, or of the innermost table on the way that is there.</summary>
    public string Of(params ReadOnlySpan<string> keys) => Within(_root, keys, at: null);

    /// <summary>Likewise in the entry of a peer.</summary>
    public string OfPeer(string name, params ReadOnlySpan<string> keys)
    {
        TomlArray? peers = _root?.Find("peers")?.Value as TomlArray;
        TomlTable? entry = peers?.Items.OfType<TomlTable>()
            .FirstOrDefault(table => table.Find("name")?.Value is TomlScalar { Syntax: Tomlyn.Syntax.StringValueSyntax text } && text.Value == name);
        return Within(entry, keys, entry?.At);
    }

    private string Within(TomlTable? table, ReadOnlySpan<string> keys, Position? at)
    {
        foreach (string key in keys)
        {
            if (table?.Find(key) is not { } entry)
            {
                break;
            }

            at = entry.At;
            table = entry.Value as TomlTable;
        }

        return at is { } found ? $"{_path}:{found.Line}" : _path;
    }
}
