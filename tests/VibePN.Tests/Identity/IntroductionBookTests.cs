using System.Net;
using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

/// <summary>Introductions of nodes whose keys have successors: whichever of its keys anybody names, it is one node.</summary>
public sealed class IntroductionBookTests
{
    private const long Now = 1_800_000_000;

    private static readonly PeerId Self = Id(9);
    private static readonly PeerId Hub = Id(1);
    private static readonly PeerId HubLater = Id(2);
    private static readonly PeerId Carol = Id(3);
    private static readonly PeerId CarolLater = Id(4);

    private readonly IntroductionBook _book = new(IntroductionMemory.Empty, id => id == HubLater ? Hub : id == CarolLater ? Carol : id);

    /// <summary>The loop does it ten times a second while an introducer changes its mind: no walk through all for each.</summary>
    [Fact]
    public void Join_AtAllLimits_LooksAtEachAFewTimes()
    {
        int asked = 0;
        IntroductionBook book = new(
            new IntroductionMemory(
                [.. Enumerable.Range(0, Limits.Introduced).Select(i => new IntroducedPeer(Hub, PeerId.OfCertificate(BitConverter.GetBytes(i)), "p" + i, Now, Now) { Networks = ["corp"] })],
                [.. Enumerable.Range(1, Limits.KeptOut).Select(i => new KeptOutPeer(PeerId.OfCertificate(BitConverter.GetBytes(-i)), "k" + i, Now))],
                []),
            id =>
            {
                asked++;
                return id;
            });

        Assert.Equal(1 + Limits.Introduced, book.Join(File(Hub), Self).Peers.Count);

        Assert.InRange(asked, 1, 8 * (Limits.Introduced + Limits.KeptOut));
    }

    /// <summary>One introducer that names nowhere does not hide where the other says that the member is.</summary>
    [Fact]
    public void Join_TwoIntroducersNameManyAddresses_EachHasItsTurn()
    {
        IPEndPoint[] wrong = [.. Enumerable.Range(1, Limits.AddressesPerPeer).Select(port => new IPEndPoint(IPAddress.Parse("203.0.113.66"), port))];
        IPEndPoint[] right = [new IPEndPoint(IPAddress.Parse("203.0.113.2"), 51820)];
        IntroductionBook book = new(
            new IntroductionMemory(
                [
                    new IntroducedPeer(Id(5), Carol, "carol", Now - 1, Now) { Networks = ["corp"], EndPoints = wrong },
                    new IntroducedPeer(Hub, Carol, "carol", Now, Now) { Networks = ["corp"], EndPoints = right },
                ],
                [],
                []),
            id => id);
        NodeConfig file = File(Hub, ("five", Id(5)));
        file = file with { Peers = [.. file.Peers.Select(peer => peer with { Introduces = true })] };

        PeerConfig carol = Assert.Single(book.Join(file, Self).Peers, peer => peer.Trust == PeerTrust.Introduction);

        Assert.Equal(["203.0.113.66:1", "203.0.113.2:51820", "203.0.113.66:2"], carol.DialAddresses.Take(3).Select(address => address.ToString()));
    }

    [Fact]
    public void Join_FileNamesALaterKey_IsThePeerOfTheFileAlone()
    {
        Vouch(Hub, Carol);
        Assert.Equal(["hub", "carol"], Join(File(Hub)).Peers.Select(peer => peer.Name));
        Assert.Equal(["hub", "karl"], Join(File(Hub, ("karl", CarolLater))).Peers.Select(peer => peer.Name));
    }

    [Fact]
    public void Join_FileNamesALaterKeyOfTheIntroducer_ItsWordCountsStill()
    {
        Vouch(Hub, Carol);
        NodeConfig file = File(HubLater);

        Assert.False(_book.Prune(file.Peers));
        Assert.Equal(["hub", "carol"], Join(file).Peers.Select(peer => peer.Name));
        Assert.True(_book.Withdraw(HubLater, Carol));
        Assert.Equal(["hub"], Join(file).Peers.Select(peer => peer.Name));
    }

    [Fact]
    public void Join_TwoIntroducersNameTwoKeysOfOneNode_IsOnePeer()
    {
        Vouch(Hub, Carol);
        Vouch(Id(5), CarolLater, "five");
        NodeConfig file = File(Hub, ("five", Id(5)));
        file = file with { Peers = [.. file.Peers.Select(peer => peer with { Introduces = true })] };

        PeerConfig carol = Assert.Single(Join(file).Peers, peer => peer.Trust == PeerTrust.Introduction);
        Assert.Equal(["hub", "five"], carol.IntroducedBy);
    }

    [Fact]
    public void KeepOut_AnyOfItsKeys_KeepsTheNodeOut()
    {
        Vouch(Hub, Carol);
        Assert.NotNull(_book.KeepOut(CarolLater, "carol", Now));
        Assert.True(_book.IsKeptOut(Carol));
        Assert.Equal(["hub"], Join(File(Hub)).Peers.Select(peer => peer.Name));
        Assert.Null(_book.KeepOut(Carol, "carol", Now));
        Assert.True(_book.LetIn(Carol));
        Assert.Equal(["hub", "carol"], Join(File(Hub)).Peers.Select(peer => peer.Name));
    }

    [Fact]
    public void Take_AnotherKeyOfTheIntroducer_IsPointless() =>
        Assert.Equal(IntroductionVerdict.Pointless, Vouch(Hub, HubLater));

    [Fact]
    public void Complete_ByALaterKey_EndsWhatWasSaidByTheFirst()
    {
        Vouch(Hub, Carol);
        Assert.Equal(1, _book.Complete(HubLater, new HashSet<PeerId>()));
        Assert.False(_book.Has(Carol));
    }

    /// <summary>A successor that an introducer names before its owner has shown it here: the entry of the file is the owner's.</summary>
    [Theory]
    [InlineData(PeerTrust.Config, PeerTrust.Introduction, "zero", false)]
    [InlineData(PeerTrust.Introduction, PeerTrust.Config, "one", false)]
    [InlineData(PeerTrust.Introduction, PeerTrust.Introduction, "zero", false)]
    [InlineData(PeerTrust.Config, PeerTrust.Config, null, true)]
    [InlineData(PeerTrust.Config, PeerTrust.Invite, null, true)]
    public void Owner_OfAChainThatLeadsToTwoEntries_IsNotTheIntroducedOne(PeerTrust first, PeerTrust second, string? owner, bool isMixed)
    {
        NodeConfig config = File(Hub) with
        {
            Peers = [new PeerConfig { Name = "zero", Fingerprint = Carol, Trust = first }, new PeerConfig { Name = "one", Fingerprint = CarolLater, Trust = second }],
        };

        PeerConfig? found = TrustList.Create(config, Self).Owner(new Lineage([Carol, CarolLater], [Now]), out bool mixed);

        Assert.Equal((owner, isMixed), (found?.Name, mixed));
    }

    private static PeerId Id(int number) => PeerId.Parse(new string((char)('0' + number), 64));

    private static NodeConfig File(PeerId hub, params (string Name, PeerId Id)[] others)
    {
        string text = "[networks.corp]\nprefix = \"10.42.0.0/24\"\n" + Peer("hub", hub) + "introduces = true\n" + string.Concat(others.Select(other => Peer(other.Name, other.Id)));
        return ConfigFile.Parse($"[identity]\ncert = \"/c\"\nkey = \"/k\"\n{text}", "test.toml");
    }

    private static string Peer(string name, PeerId id) => $"[[peers]]\nname = \"{name}\"\nfingerprint = \"{id}\"\nnetworks = [\"corp\"]\n";

    private IntroductionVerdict Vouch(PeerId introducer, PeerId member, string name = "hub") => _book.Take(
        new PeerConfig { Name = name, Fingerprint = introducer, Networks = ["corp"], Introduces = true }, Self, member, "carol", ["corp"], [], _ => false, Now);

    private NodeConfig Join(NodeConfig file) => _book.Join(file, Self);
}
