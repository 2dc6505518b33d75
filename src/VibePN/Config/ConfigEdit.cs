using System.Globalization;
using System.Text;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>
/// Changes to a config file's text as splices at the places that the syntax tree names: every line outside of the entry that is meant,
/// comments, order and blank lines included, stays as it is, and so do line ends, a byte order mark and a missing last line end.
/// The text must load; that the result does is for the caller to see (<see cref="ConfigFileEdit"/> does).
/// </summary>
/// <param name="text">The whole file.</param>
/// <param name="path">Names it in errors.</param>
public sealed class ConfigEdit(string text, string path)
{
    private const string Mark = "\uFEFF";

    private readonly string _mark = text.StartsWith('\uFEFF') ? Mark : "";
    private string _text = text.StartsWith('\uFEFF') ? text[1..] : text;

    /// <summary>The whole file as edited so far.</summary>
    public string Text => _mark + _text;

    /// <summary>Adds an entry after the last one, or at the end.</summary>
    /// <exception cref="ConfigException">There is one of that name, or the file lists its peers in a way that cannot be added to.</exception>
    public void AddPeer(PeerConfig peer)
    {
        RefuseInlinePeers();
        List<TableSyntaxBase> tables = PeerTables();
        if (tables.Find(table => NameOf(table) == peer.Name) is { } present)
        {
            throw At(present, $"there is a peer '{peer.Name}' already; --update changes it, 'vibepn remove-peer {peer.Name}' takes it out");
        }

        string[] lines = ["[[peers]]", $"name = {Quote(peer.Name)}", .. KeysOf(peer).Select(key => $"{key.Key} = {key.Value}")];
        InsertBlock(tables.Count == 0 ? _text.Length : AfterOwnComments(EndOf(tables[^1])), lines);
    }

    /// <summary>Adds a table <c>[networks.NAME]</c> at the end, with <c>export = true</c>.</summary>
    /// <param name="addresses">The own ones; empty: automatic.</param>
    public void AddNetwork(string name, IReadOnlyList<string> prefixes, IReadOnlyList<string> addresses)
    {
        List<string> lines = [$"[networks.{name}]", $"prefix = {Quote(prefixes[0])}"];
        if (prefixes.Count > 1)
        {
            lines.Add($"prefixes = {List(prefixes.Skip(1))}");
        }

        lines.Add($"address = {(addresses.Count switch { 0 => Quote("auto"), 1 => Quote(addresses[0]), _ => List(addresses) })}");
        lines.Add("export = true");
        InsertBlock(_text.Length, [.. lines]);
    }

    /// <summary>Sets those keys of an entry that <see cref="KeysOf"/> names for <paramref name="peer"/>; all others stay.</summary>
    /// <exception cref="ConfigException">There is no such <c>[[peers]]</c> entry.</exception>
    public void UpdatePeer(PeerConfig peer)
    {
        foreach ((string key, string value) in KeysOf(peer))
        {
            SetKey(FindPeer(peer.Name), key, value);
        }
    }

    /// <summary>Sets <c>introduces</c> of an entry.</summary>
    /// <exception cref="ConfigException">There is no such <c>[[peers]]</c> entry.</exception>
    public void SetIntroduces(string name, bool value) => SetKey(FindPeer(name), "introduces", value ? "true" : "false");

    /// <summary>Takes out the entry's lines, and the blank line in front of it. Comments above it stay.</summary>
    /// <exception cref="ConfigException">There is no such <c>[[peers]]</c> entry.</exception>
    public void RemovePeer(string name)
    {
        TableSyntaxBase table = FindPeer(name);
        int start = StartOfLine(table.Span.Start.Offset);
        int end = EndOf(table);
        int blank = start == 0 ? start : StartOfLine(start - 1);
        if (_text.AsSpan(blank, start - blank).IsWhiteSpace())
        {
            start = blank;
        }

        if (end == _text.Length && !_text.EndsWith('\n'))
        {
            // The line before is the last one now, and has no line end either.
            start -= start > 1 && _text[start - 2] == '\r' ? 2 : Math.Min(start, 1);
        }

        _text = _text.Remove(start, end - start);
    }

    /// <summary>The keys of an entry beside its name, with their values in TOML: those that say something.</summary>
    public static IEnumerable<KeyValuePair<string, string>> KeysOf(PeerConfig peer)
    {
        if (peer.Address is { } address)
        {
            yield return new("address", peer.MoreAddresses.Count == 0 ? Quote(address.ToString()) : List(peer.DialAddresses.Select(each => each.ToString())));
        }

        if (peer.Fingerprint is { } pin)
        {
            yield return new("fingerprint", Quote(pin.ToString()));
        }

        if (peer.Networks.Count > 0)
        {
            yield return new("networks", List(peer.Networks));
        }

        if (peer.AllowRoutes.Count > 0)
        {
            yield return new("allow_routes", List(peer.AllowRoutes.Select(route => route.ToString())));
        }

        if (peer.Addresses.Count > 0)
        {
            yield return new("addresses", List(peer.Addresses.Select(owned => owned.ToString())));
        }

        if (peer.Introduces)
        {
            yield return new("introduces", "true");
        }
    }

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

    /// <summary>A TOML array of basic strings.</summary>
    public static string List(IEnumerable<string> items) => $"[{string.Join(", ", items.Select(Quote))}]";

    private DocumentSyntax Parse() => SyntaxParser.Parse(_text, sourceName: null, validate: false);

    private List<TableSyntaxBase> PeerTables() =>
        [.. Parse().Tables.Where(table => table is TableArraySyntax { Name: { } key } && IsKey(key, "peers"))];

    private TableSyntaxBase FindPeer(string name)
    {
        RefuseInlinePeers();
        List<TableSyntaxBase> tables = PeerTables();
        if (tables.Find(table => NameOf(table) == name) is { } found)
        {
            return found;
        }

        string[] names = [.. tables.Select(NameOf).OfType<string>()];
        string advice = Nearest.To(name, names) is { } near ? $"did you mean '{near}'?"
            : names.Length == 0 ? "there are none"
            : $"the file has {string.Join(", ", names)}";
        throw new ConfigException(new ConfigError(path, 0, 0, $"there is no peer '{name}'; {advice}"));
    }

    /// <summary><c>peers = [{ … }]</c> loads, but has no lines of its own for each entry.</summary>
    private void RefuseInlinePeers()
    {
        if (Parse().KeyValues.FirstOrDefault(item => item.Key is { } key && IsKey(key, "peers")) is { } inline)
        {
            throw At(inline, "'peers' is a list in one value here, which commands do not edit; write each peer as a table of its own under [[peers]]");
        }
    }

    private ConfigException At(SyntaxNodeBase node, string message)
    {
        Position at = Position.Of(node);
        return new ConfigException(new ConfigError(path, at.Line, at.Column, message));
    }

    private static bool IsKey(KeySyntax key, string name) => key.DotKeys.ChildrenCount == 0 && TomlTree.NameOf(key.Key) == name;

    private static KeyValueSyntax? FindKey(TableSyntaxBase table, string name) =>
        table.Items.FirstOrDefault(item => item is { Key: { } key, Value: not null } && IsKey(key, name));

    private static string? NameOf(TableSyntaxBase table) => (FindKey(table, "name")?.Value as StringValueSyntax)?.Value?.Trim();

    /// <summary>Replaces the value, or adds a line below the table's last key.</summary>
    private void SetKey(TableSyntaxBase table, string key, string value)
    {
        if (FindKey(table, key)?.Value is { } present)
        {
            _text = _text.Remove(present.Span.Offset, present.Span.Length).Insert(present.Span.Offset, value);
            return;
        }

        // The name is always there.
        KeyValueSyntax last = table.Items.Last();
        int start = StartOfLine(last.Span.Offset);
        string indent = _text[start..last.Span.Offset];
        InsertLines(EndOfLine(last.Value!.Span.Offset + last.Value.Span.Length), [indent + $"{key} = {value}"]);
    }

    /// <summary>A blank line and these.</summary>
    private void InsertBlock(int at, string[] lines) => InsertLines(at, at == 0 ? lines : ["", .. lines]);

    /// <param name="at">The start of a line, or the end of the text.</param>
    /// <param name="lines">Without their ends: they get those of the line before.</param>
    private void InsertLines(int at, string[] lines)
    {
        string newline = NewlineBefore(at);
        string block = string.Join(newline, lines);
        bool open = at > 0 && _text[at - 1] != '\n';
        _text = _text.Insert(at, open ? newline + block : block + newline);
    }

    private string NewlineBefore(int at)
    {
        int end = at == 0 ? -1 : _text.LastIndexOf('\n', at - 1);
        end = end < 0 ? _text.IndexOf('\n', StringComparison.Ordinal) : end;
        return end > 0 && _text[end - 1] == '\r' ? "\r\n" : "\n";
    }

    /// <summary>Behind the line end of the table's last line, whether or not the tree counts a comment there.</summary>
    private int EndOf(TableSyntaxBase table) => EndOfLine(table.Span.Offset + table.Span.Length);

    /// <summary>Behind the next line end, unless <paramref name="at"/> is behind one already.</summary>
    private int EndOfLine(int at)
    {
        if (at > 0 && _text[at - 1] == '\n')
        {
            return at;
        }

        int newline = _text.IndexOf('\n', at);
        return newline < 0 ? _text.Length : newline + 1;
    }

    /// <summary>
    /// Comment lines right below an entry are its own (keys that are switched off) unless a table header follows them at once:
    /// then they speak of that.
    /// </summary>
    private int AfterOwnComments(int end)
    {
        int at = end;
        while (at < _text.Length)
        {
            int newline = _text.IndexOf('\n', at);
            int next = newline < 0 ? _text.Length : newline + 1;
            ReadOnlySpan<char> line = _text.AsSpan(at, next - at).Trim();
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

    private int StartOfLine(int at) => at == 0 ? 0 : _text.LastIndexOf('\n', at - 1) + 1;
}
