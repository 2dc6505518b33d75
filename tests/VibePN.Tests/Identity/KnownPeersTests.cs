using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

public sealed class KnownPeersTests
{
    private static readonly PeerId One = PeerId.Parse(new string('1', 64));
    private static readonly PeerId Two = PeerId.Parse(new string('2', 64));

    [Fact]
    public void Join_Invited_ComesBehindTheFileInNetworksThatItStillHas()
    {
        NodeConfig known = KnownPeers.Join(File(""), [new RememberedPeer("bob", One, PeerTrust.Invite, 1) { Networks = ["corp", "gone"] }]);

        PeerConfig bob = Assert.Single(known.Peers);
        Assert.Equal(("bob", One, PeerTrust.Invite), (bob.Name, bob.Fingerprint!.Value, bob.Trust));
        Assert.Equal(["corp"], bob.Networks);
    }

    [Fact]
    public void Join_NameOfTheFile_StaysWithTheFile()
    {
        NodeConfig file = File($"[[peers]]\nname = \"bob\"\nfingerprint = \"{Two}\"\n");
        NodeConfig known = KnownPeers.Join(file, [new RememberedPeer("bob", One, PeerTrust.Invite, 1)]);

        Assert.Equal(["bob", "bob-2"], known.Peers.Select(peer => peer.Name));
        Assert.Equal(Two, known.Peers[0].Fingerprint);
    }

    [Fact]
    public void Join_PinnedByTheFile_IsThereOnceAndPruned()
    {
        NodeConfig file = File($"[[peers]]\nname = \"robert\"\nfingerprint = \"{One}\"\n");
        RememberedPeer[] remembered = [new("bob", One, PeerTrust.Invite, 1), new("eve", Two, PeerTrust.Invite, 1)];

        Assert.Equal(["robert", "eve"], KnownPeers.Join(file, remembered).Peers.Select(peer => peer.Name));
        Assert.Equal(["eve"], KnownPeers.Prune(file, remembered, []).Select(peer => peer.Name));
    }

    [Theory]
    [InlineData("tofu", true)]
    [InlineData("pinned", false)]
    public void Join_FirstUse_OnlyWhereItIsSwitchedOn(string mode, bool isUsed)
    {
        NodeConfig file = File($"[node]\ntrust = \"{mode}\"\n[[peers]]\nname = \"bob\"\naddress = \"h:1\"\n");
        PeerConfig bob = Assert.Single(KnownPeers.Join(file, [new RememberedPeer("bob", One, PeerTrust.FirstUse, 1)]).Peers);

        Assert.Equal(isUsed ? One : null, bob.Fingerprint);
    }

    [Fact]
    public void FreeName_LongOnesAreCut()
    {
        string longest = new('x', Names.MaxLength);

        Assert.Equal(new string('x', 30) + "-2", KnownPeers.FreeName(longest, name => name == longest));
        Assert.True(Names.IsValid(KnownPeers.FreeName("a", name => name.Length < 4)));
    }

    private static NodeConfig File(string more) => ConfigFile.Parse(Config.ConfigTexts.Least + more, "f");

    /// <summary>An inviter that has another key now is the one that the config has.</summary>
    [Fact]
    public void Find_ByAnotherKeyOfTheNode_IsItsEntry()
    {
        PeerId first = PeerId.Parse(new string('1', 64));
        PeerId second = PeerId.Parse(new string('2', 64));
        NodeConfig file = ConfigFile.Parse(
            $"""
            [identity]
            cert = "c"
            key = "k"
            [[peers]]
            name = "hub"
            fingerprint = "{second}"
            networks = ["corp"]
            [networks.corp]
            prefix = "10.42.0.0/24"
            """,
            "/etc/vibepn/config.toml");
        using TemporaryDirectory state = new();
        Assert.Empty(NodeLineages.Read(state.Path));
        Assert.Null(KnownPeers.Find(file, first, []));
        new NodeTrustFile(state.Path).Save(TrustMemory.Empty with { Lineages = [new Lineage([first, second], [1])] });

        Assert.Equal("hub", KnownPeers.Find(file, first, NodeLineages.Read(state.Path))?.Name);
        Assert.Equal("hub", KnownPeers.Find(file, second, [])?.Name);
        Assert.Null(KnownPeers.Find(file, PeerId.Parse(new string('3', 64)), NodeLineages.Read(state.Path)));
        string damaged = Path.Combine(state.Path, "lineages.json");
        System.IO.File.WriteAllText(damaged, "{");
        Assert.Empty(NodeLineages.Read(state.Path));
        Assert.True(System.IO.File.Exists(damaged));
    }
}
