using System.Net;
using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class ConfigEditTests
{
    private static readonly PeerConfig NewPeer = new()
    {
        Name = "added",
        Address = new HostPort("2001:db8::7", 51820),
        Fingerprint = PeerId.Parse(ConfigTexts.OtherPin),
        Networks = ["corp"],
        AllowRoutes = [IPNetwork.Parse("192.168.20.0/24")],
    };

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 8)];

    [Fact]
    public void AddPeer_AfterTheLastEntry_KeepsTheCommentsWithTheirEntries()
    {
        const string Text = """
            [[peers]]
            name = "a" # first
            # address = "h:1"

            # The office.
            [networks.corp]
            prefix = "10.42.0.0/24"
            """;

        Assert.Equal(
            """
            [[peers]]
            name = "a" # first
            # address = "h:1"

            [[peers]]
            name = "added"
            address = "[2001:db8::7]:51820"
            fingerprint = "00000000000000000000000000000000000000000000000000000000000000aa"
            networks = ["corp"]
            allow_routes = ["192.168.20.0/24"]

            # The office.
            [networks.corp]
            prefix = "10.42.0.0/24"
            """,
            Add(Text));
    }

    [Fact]
    public void AddNetwork_AndAPeerWithAddresses_LoadAndTouchNothingElse()
    {
        const string Text = "# top\n" + ConfigTexts.Least + "\n# the end, without a line end";
        ConfigEdit edit = new(Text, "f");
        edit.AddNetwork("lab", ["10.43.0.0/24", "fd43::/64"], ["10.43.0.9", "fd43::9"]);
        edit.AddPeer(NewPeer with { Networks = ["lab"], MoreAddresses = [new HostPort("vpn.example.com", 443)] });

        NodeConfig config = ConfigFile.Parse(edit.Text, "f");
        Assert.StartsWith(Text, edit.Text, StringComparison.Ordinal);
        NetworkConfig lab = config.Networks.Single(network => network.Name == "lab");
        Assert.Equal(["10.43.0.0/24", "fd43::/64"], lab.Prefixes.Select(prefix => prefix.ToString()));
        Assert.Equal(["10.43.0.9", "fd43::9"], lab.Addresses.Select(address => address!.ToString()));
        Assert.True(lab.Export);
        Assert.Equal(["[2001:db8::7]:51820", "vpn.example.com:443"], Assert.Single(config.Peers).DialAddresses.Select(address => address.ToString()));
    }

    [Fact]
    public void AddNetwork_Automatic_SaysSo()
    {
        ConfigEdit edit = new(ConfigTexts.Least, "f");
        edit.AddNetwork("lab", ["10.43.0.0/24"], []);

        Assert.EndsWith("[networks.lab]\nprefix = \"10.43.0.0/24\"\naddress = \"auto\"\nexport = true\n", edit.Text, StringComparison.Ordinal);
        Assert.Null(ConfigFile.Parse(edit.Text, "f").Networks[^1].Addresses[0]);
    }

    [Fact]
    public void AddPeer_CommentOfTheNextTableRightBelow_StaysWithIt() =>
        Assert.EndsWith("# The office.\n[networks.corp]\n", Add("[[peers]]\nname = \"a\"\n# The office.\n[networks.corp]\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("[node]\nname = \"x\"")]
    [InlineData("[node]\r\nname = \"x\"\r\n")]
    [InlineData("[node]\r\nname = \"x\"")]
    [InlineData("\uFEFF[node]\nname = \"x\"\n")]
    public void AddPeer_NoEntryYet_GoesToTheEndInTheFilesOwnLineEnds(string text)
    {
        string edited = Add(text);

        Assert.StartsWith(text, edited, StringComparison.Ordinal);
        Assert.Contains("[[peers]]", edited, StringComparison.Ordinal);
        Assert.Equal(text.Contains('\r'), edited.Contains('\r'));
        Assert.Equal(text.Length == 0 || text.EndsWith('\n'), edited.EndsWith('\n'));
        Assert.DoesNotContain(edited.Split("\r\n"), line => text.Contains('\r') && line.Contains('\n'));
    }

    [Fact]
    public void AddPeer_NameInUse_SaysWhereAndWhatToDo()
    {
        ConfigException failure = Assert.Throws<ConfigException>(() => Add("\n[[peers]]\nname = \"added\"\n"));

        Assert.StartsWith("f:2:1: there is a peer 'added' already", failure.Message, StringComparison.Ordinal);
        Assert.Contains("remove-peer", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddPeer_PeersInOneValue_SaysThatItCannot()
    {
        ConfigException failure = Assert.Throws<ConfigException>(() => Add("\npeers = [{ name = \"a\" }]\n"));

        Assert.StartsWith("f:2:1: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("[[peers]]", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RemovePeer_Mistyped_SaysWhoMayBeMeant()
    {
        ConfigEdit edit = new(ConfigTexts.Full, "f");

        Assert.Contains("did you mean 'node2'?", Assert.Throws<ConfigException>(() => edit.RemovePeer("node3")).Message, StringComparison.Ordinal);
        Assert.Equal(ConfigTexts.Full, edit.Text);
    }

    [Fact]
    public void UpdatePeer_ChangesWhatIsGivenAndKeepsTheRest()
    {
        const string Text = """
            [[peers]]
            name = "added" # ours
              networks = [ # two
                "corp",
              ] # end
            # fingerprint = "old"

            [networks.corp]
            """;
        ConfigEdit edit = new(Text, "f");

        edit.UpdatePeer(new PeerConfig { Name = "added", Address = new HostPort("h", 1), Networks = ["corp", "lab"] });

        Assert.Equal(
            """
            [[peers]]
            name = "added" # ours
              networks = ["corp", "lab"] # end
              address = "h:1"
            # fingerprint = "old"

            [networks.corp]
            """,
            edit.Text);
    }

    /// <summary>
    /// A hundred edits one after another, on files with comments in every place, both line ends, with and without a byte order mark and a
    /// last line end. Where the entry's lines are, the test finds out by itself.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void RandomEdits_TouchOnlyTheLinesOfTheEntry(int seed)
    {
        Random random = new(seed);
        string text = RandomFile(random);
        List<string> names = [.. ConfigFile.Parse(text, "f").Peers.Select(peer => peer.Name)];
        for (int round = 0; round < 100; round++)
        {
            ConfigEdit edit = new(text, "f");
            string context = $"seed {seed}, round {round}:\n{text}";
            string name = names.Count == 0 ? "" : names[random.Next(names.Count)];
            switch (names.Count == 0 ? 0 : random.Next(names.Count > 8 ? 3 : 4))
            {
                case 1:
                    edit.RemovePeer(name);
                    _ = names.Remove(name);
                    CheckRemoved(text, edit.Text, name, context);
                    break;
                case 2:
                    edit.UpdatePeer(RandomPeer(random, name));
                    CheckUpdated(text, edit.Text, name, context);
                    break;
                default:
                    name = $"n{round}";
                    edit.AddPeer(RandomPeer(random, name));
                    names.Add(name);
                    CheckRemoved(edit.Text, text, name, context);
                    ConfigEdit back = new(edit.Text, "f");
                    back.RemovePeer(name);
                    Assert.True(back.Text == text, "adding and removing left a trace: " + context);
                    break;
            }

            Assert.True(names.Order().SequenceEqual(ConfigFile.Parse(edit.Text, "f").Peers.Select(peer => peer.Name).Order()), context);
            text = edit.Text;
        }
    }

    private static string Add(string text)
    {
        ConfigEdit edit = new(text, "f");
        edit.AddPeer(NewPeer);
        return edit.Text;
    }

    /// <summary>What is gone is one run: the entry's lines, and at most one blank line in front.</summary>
    private static void CheckRemoved(string before, string after, string name, string context)
    {
        string[] old = Split(before);
        string[] now = Split(after);
        (int start, int end) = EntryOf(old, name);
        int blank = start > 0 && old[start - 1].Trim().Length == 0 ? 1 : 0;
        string[][] allowed = [[.. old[..start], .. old[end..]], [.. old[..(start - blank)], .. old[end..]]];
        Assert.True(allowed.Any(lines => lines.SequenceEqual(now)), $"more or less than the lines of '{name}' went, {context}\n--- became\n{after}");
    }

    private static void CheckUpdated(string before, string after, string name, string context)
    {
        string[] old = Split(before);
        string[] now = Split(after);
        (int start, int end) = EntryOf(old, name);
        (int newStart, int newEnd) = EntryOf(now, name);
        Assert.True(
            old.Take(start).SequenceEqual(now.Take(newStart)) && old.Skip(end).SequenceEqual(now.Skip(newEnd)),
            $"lines outside of '{name}' changed, {context}\n--- became\n{after}");
        Assert.True(
            old[start..end].Count(line => line.Contains('#') && !line.Contains("# in it", StringComparison.Ordinal)) == now[newStart..newEnd].Count(line => line.Contains('#') && !line.Contains("# in it", StringComparison.Ordinal)),
            $"a comment of '{name}' was lost, {context}\n--- became\n{after}");
    }

    /// <summary>From the header to the entry's last line that is neither blank nor a comment.</summary>
    private static (int Start, int End) EntryOf(string[] lines, string name)
    {
        int key = Array.FindIndex(lines, line => line.Trim().StartsWith($"name = \"{name}\"", StringComparison.Ordinal));
        int start = Array.FindLastIndex(lines, key, line => line.TrimStart().StartsWith("[[peers]]", StringComparison.Ordinal));
        int next = Array.FindIndex(lines, key, line => line.TrimStart().StartsWith('['));
        int end = next < 0 ? lines.Length - 1 : next;
        while (lines[end - 1].Trim() is "" or ['#', ..])
        {
            end--;
        }

        return (start, end);
    }

    /// <summary>The lines, between two that say what the file has beside them: a mark, which line ends, one behind the last line.</summary>
    private static string[] Split(string text)
    {
        string[] lines = text.TrimStart('\uFEFF').Split('\n');
        int carriageReturns = text.Count(c => c == '\r');
        string ends = carriageReturns == 0 ? "LF" : carriageReturns == lines.Length - 1 ? "CRLF" : "mixed";
        return
        [
            text.StartsWith('\uFEFF') ? $"mark {ends}" : ends,
            .. lines.Take(lines[^1].Length == 0 ? lines.Length - 1 : lines.Length).Select(line => line.TrimEnd('\r')),
            lines[^1].Length == 0 ? "last end" : "no last end",
        ];
    }

    private static PeerConfig RandomPeer(Random random, string name)
    {
        byte[] pin = new byte[32];
        random.NextBytes(pin);
        return new PeerConfig
        {
            Name = name,
            Address = random.Next(2) == 0 ? new HostPort($"h{random.Next(99)}.example", 7) : null,
            Fingerprint = PeerId.Parse(Convert.ToHexStringLower(pin)),
            Networks = random.Next(2) == 0 ? ["corp"] : ["corp", "lab"],
            AllowRoutes = random.Next(2) == 0 ? [] : [IPNetwork.Parse("192.168.20.0/24"), IPNetwork.Parse("fd00::/64")],
        };
    }

    private static string RandomFile(Random random)
    {
        List<string> blocks =
        [
            "[identity]\ncert = \"c\"\nkey = \"k\" # é 😀\n",
            "[networks.corp]\nprefix = \"10.42.0.0/24\"\n",
            "  [ networks . \"lab\" ] # here\n  prefix = '10.43.0.0/24'\n",
            "# a comment\n# of two lines\n[node]\nname = \"x\"\n",
        ];
        for (int i = random.Next(5); i > 0; i--)
        {
            bool spread = random.Next(2) == 0;
            string indent = random.Next(3) == 0 ? "\t" : "";
            string address = random.Next(3) == 0 ? $"# address = \"h{i}:1\" # 😀\n" : $"address = \"h{i}:1\" # é\n";
            blocks.Add(
                $"{indent}[[peers]]{(random.Next(2) == 0 ? " # head" : "")}\n{indent}name = \"p{i}\"\n{indent}{address}{indent}fingerprint = '{i:x64}' # 😀\n"
                + (spread ? "networks = [\n  \"corp\", # in it\n] # behind it\n" : ""));
        }

        string[] shuffled = [.. blocks];
        random.Shuffle(shuffled);
        string[] gaps = ["", "\n", "\n\n", "# note\n", "\n# note 😀\n\n", "# note\n\n"];
        string text = string.Concat(shuffled.Select(block => gaps[random.Next(gaps.Length)] + block)) + gaps[random.Next(gaps.Length)];
        text = random.Next(3) == 0 ? text.TrimEnd('\n') : text;
        text = random.Next(2) == 0 ? text : text.Replace("\n", "\r\n", StringComparison.Ordinal);
        return random.Next(2) == 0 ? text : '\uFEFF' + text;
    }
}
