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
            ConfigEdit.AddPeer(Text, NewPeer));
    }

    [Fact]
    public void AddPeer_CommentOfTheNextTableRightBelow_StaysWithIt()
    {
        string edited = ConfigEdit.AddPeer("[[peers]]\nname = \"a\"\n# The office.\n[networks.corp]\n", NewPeer);

        Assert.EndsWith("# The office.\n[networks.corp]\n", edited, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[node]\nname = \"x\"")]
    [InlineData("[node]\r\nname = \"x\"\r\n")]
    public void AddPeer_NoEntryYet_GoesToTheEndInTheFilesOwnLineEnds(string text)
    {
        string edited = ConfigEdit.AddPeer(text, NewPeer);

        Assert.StartsWith(text, edited, StringComparison.Ordinal);
        Assert.Contains("[[peers]]", edited, StringComparison.Ordinal);
        Assert.Equal(text.Contains('\r'), edited.Contains('\r'));
        Assert.DoesNotContain(edited.Split("\r\n"), line => text.Contains('\r') && line.Contains('\n'));
    }

    [Fact]
    public void RemovePeer_Unknown_Throws() =>
        Assert.Throws<KeyNotFoundException>(() => ConfigEdit.RemovePeer(ConfigTexts.Full, "nobody"));

    [Fact]
    public void RandomEdits_KeepEveryOtherLine()
    {
        const int Seed = 4711;
        Random random = new(Seed);
        for (int round = 0; round < 500; round++)
        {
            string text = RandomFile(random, out List<string> names);
            string context = $"seed {Seed}, round {round}:\n{text}";

            string added = ConfigEdit.AddPeer(text, NewPeer);
            NodeConfig config = ConfigFile.Parse(added, "f");
            Assert.True(names.Append("added").Order().SequenceEqual(config.Peers.Select(peer => peer.Name).Order()), context);
            Assert.True(IsSubsequence(text, added), context);

            Assert.True(ConfigEdit.RemovePeer(added, "added") == text, context);

            if (names.Count > 0)
            {
                string victim = names[random.Next(names.Count)];
                string removed = ConfigEdit.RemovePeer(text, victim);
                Assert.True(names.Where(name => name != victim).SequenceEqual(ConfigFile.Parse(removed, "f").Peers.Select(peer => peer.Name)), context);
                Assert.True(IsSubsequence(removed, text), context);
                Assert.True(
                    removed.Split('\n').Count(line => line.StartsWith('#')) == text.Split('\n').Count(line => line.StartsWith('#')),
                    "a comment outside of the entry was lost: " + context);
            }
        }
    }

    [Fact]
    public void Apply_ResultDoesNotLoad_LeavesTheFileAlone()
    {
        using TemporaryDirectory directory = new();
        string file = directory.File("config.toml");
        File.WriteAllText(file, ConfigTexts.Full);

        _ = Assert.Throws<ConfigException>(() => ConfigEdit.Apply(file, text => ConfigEdit.AddPeer(text, NewPeer with { Networks = ["nowhere"] })));

        Assert.Equal(ConfigTexts.Full, File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(directory.Path));
    }

    [Fact]
    public void Apply_KeepsModeAndLinkAndLeavesABackup()
    {
        using TemporaryDirectory directory = new();
        string file = directory.File("real.toml");
        string link = directory.File("config.toml");
        File.WriteAllText(file, ConfigTexts.Full);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(file, Mode);
        _ = File.CreateSymbolicLink(link, file);

        _ = ConfigEdit.Apply(link, text => ConfigEdit.AddPeer(text, NewPeer));

        Assert.Equal(2, ConfigFile.Load(file).Peers.Count);
        Assert.Equal(file, new FileInfo(link).LinkTarget);
        Assert.Equal(Mode, File.GetUnixFileMode(file));
        Assert.Equal(ConfigTexts.Full, File.ReadAllText(file + ".bak"));
        Assert.Equal(3, Directory.GetFileSystemEntries(directory.Path).Length);
    }

    [Fact]
    public void Apply_FileChangedMeanwhile_GivesUp()
    {
        using TemporaryDirectory directory = new();
        string file = directory.File("config.toml");
        File.WriteAllText(file, ConfigTexts.Full);

        ConfigException failure = Assert.Throws<ConfigException>(() => ConfigEdit.Apply(file, text =>
        {
            File.AppendAllText(file, "# somebody else\n");
            return ConfigEdit.AddPeer(text, NewPeer);
        }));

        Assert.Contains("changed by somebody else", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("# somebody else\n", File.ReadAllText(file), StringComparison.Ordinal);
    }

    private static string RandomFile(Random random, out List<string> names)
    {
        List<string> blocks =
        [
            "[identity]\ncert = \"c\"\nkey = \"k\" # é 😀\n",
            "[networks.corp]\nprefix = \"10.42.0.0/24\"\n",
            "# a comment\n# of two lines\n[node]\nname = \"x\"\n",
        ];
        names = [];
        for (int i = random.Next(4); i > 0; i--)
        {
            string name = $"p{i}";
            bool spread = random.Next(2) == 0;
            blocks.Add($"[[peers]]{(random.Next(2) == 0 ? " # head" : "")}\nname = \"{name}\"\naddress = \"h{i}:1\"\n{(spread ? "networks = [\n  \"corp\", # here\n]\n" : "")}");
        }

        string[] shuffled = [.. blocks];
        random.Shuffle(shuffled);
        names.AddRange(shuffled.Where(block => block.StartsWith("[[", StringComparison.Ordinal)).Select(block => block.Split("name = \"")[1].Split('"')[0]));
        string[] gaps = ["", "\n", "\n\n", "# note\n", "\n# note\n\n", "# note\n\n"];
        return string.Concat(shuffled.Select(block => gaps[random.Next(gaps.Length)] + block)) + gaps[random.Next(gaps.Length)];
    }

    private static bool IsSubsequence(string part, string whole)
    {
        Queue<string> wanted = new(part.Split('\n'));
        foreach (string line in whole.Split('\n'))
        {
            if (wanted.Count > 0 && wanted.Peek() == line)
            {
                _ = wanted.Dequeue();
            }
        }

        return wanted.Count == 0;
    }
}
