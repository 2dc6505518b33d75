using System.Net;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Routing;

public sealed class RouteTableTests
{
    private static readonly PeerId Alice = Id(1);
    private static readonly PeerId Bob = Id(2);

    private readonly AddressBook _book = new();
    private long _now;
    private readonly RouteTable _table;

    public RouteTableTests()
    {
        _table = new RouteTable([], _book, acceptRoutes: false);
        Configure();
    }

    [Theory]
    [InlineData("10.42.0.1/32", RouteVerdict.OwnAddress)]
    [InlineData("10.42.0.0/32", RouteVerdict.ReservedAddress)]
    [InlineData("10.42.0.255/32", RouteVerdict.ReservedAddress)]
    [InlineData("10.43.0.1/32", RouteVerdict.NotAllowed)]
    [InlineData("10.42.0.2/32", RouteVerdict.Used)]
    [InlineData("fd42::2/128", RouteVerdict.Used)]
    [InlineData("fd42::1/128", RouteVerdict.OwnAddress)]
    public void Replace_OwnAddressOfAPeer_IsJudged(string prefix, RouteVerdict expected) =>
        Assert.Equal(expected, Claim(Alice, RouteSource.Address, prefix).Single().Verdict);

    [Theory]
    [InlineData("10.42.0.0/24")]
    [InlineData("10.0.0.0/8")]
    [InlineData("0.0.0.0/0")]
    [InlineData("192.168.1.0/24")]
    [InlineData("10.42.0.9/32")]
    public void Replace_AnnouncedWithoutAllowance_IsRefused(string prefix) =>
        Assert.Equal(RouteVerdict.NotAllowed, Claim(Alice, RouteSource.Announced, prefix).Single().Verdict);

    [Fact]
    public void Replace_AnnouncedInsideAllowance_IsUsed()
    {
        var rights = new PeerRights(Alice, [], [Prefix("192.168.0.0/16")]);

        var routes = _table.Replace(rights, RouteSource.Announced, [(Prefix("192.168.3.0/24"), 5)], 0);

        Assert.True(routes.Single().IsUsed);
        Assert.Equal("alice", Lookup("192.168.3.7"));
    }

    [Fact]
    public void Replace_RestOfThePrefix_IsWhatNobodyElseHasOrHad()
    {
        Assert.True(Claim(Alice, RouteSource.Rest, "10.42.0.0/24").Single().IsUsed);
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");
        _table.RecordOwners(_now);

        Assert.Equal(("alice", "bob"), (Lookup("10.42.0.77"), Lookup("10.42.0.9")));
        Assert.All(["10.42.0.1", "10.42.0.0", "10.42.0.255", "10.43.0.1"], address => Assert.Null(Lookup(address)));

        // Kept for who was there, for its time.
        _table.Remove(Bob, _now);
        Assert.Null(Lookup("10.42.0.9"));
        _now += AddressBook.MemorySeconds;
        _table.Judge(_now);
        Assert.Equal("alice", Lookup("10.42.0.9"));
        _table.Remove(Alice, _now);
        Assert.Null(Lookup("10.42.0.77"));
    }

    [Fact]
    public void Replace_RestOfThePrefix_OfTwoPeersOneHasIt()
    {
        Claim(Bob, RouteSource.Rest, "10.42.0.0/24");
        Claim(Alice, RouteSource.Rest, "10.42.0.0/24");

        Assert.Single(_table.Routes, route => route.IsUsed);
        Assert.Equal(RouteVerdict.OtherPeerIsBetter, _table.Routes.Single(route => !route.IsUsed).Verdict);
        Assert.Equal(RouteVerdict.NotAllowed, Claim(Alice, RouteSource.Rest, "10.43.0.0/24").Single().Verdict);
        var listed = new PeerRights(Alice, [IpKey.FromIPAddress(IPAddress.Parse("10.42.0.5"))], []);
        Assert.Equal(RouteVerdict.NotInEntry, _table.Replace(listed, RouteSource.Rest, [(Prefix("10.42.0.0/24"), 0)], _now).Single().Verdict);
    }

    [Fact]
    public void Replace_AddressOfAnotherPeer_FirstComerKeepsIt()
    {
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");

        var later = Claim(Alice, RouteSource.Address, "10.42.0.9/32");

        Assert.Equal(RouteVerdict.AddressInUse, later.Single().Verdict);
        Assert.Equal("bob", Lookup("10.42.0.9"));
    }

    [Fact]
    public void Remove_HolderOfAddress_NextClaimantGetsIt()
    {
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");
        Claim(Alice, RouteSource.Address, "10.42.0.9/32");

        _table.Remove(Bob, _now);

        Assert.Equal("alice", Lookup("10.42.0.9"));
    }

    [Theory]
    [InlineData(AddressBook.MemorySeconds - 1, RouteVerdict.AddressRemembered)]
    [InlineData(AddressBook.MemorySeconds, RouteVerdict.Used)]
    public void Replace_AddressOfOneWhoIsAway_KeptForThirtyDays(long later, RouteVerdict expected)
    {
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");
        _table.RecordOwners(_now);
        _table.Remove(Bob, _now);

        _now = later;

        Assert.Equal(expected, Claim(Alice, RouteSource.Address, "10.42.0.9/32").Single().Verdict);
        Assert.True(Claim(Bob, RouteSource.Address, "10.42.0.9/32").Single().IsUsed || expected == RouteVerdict.Used);
    }

    [Fact]
    public void Replace_EntryListsARememberedAddress_EntryWins()
    {
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");
        _table.RecordOwners(_now);
        _table.Remove(Bob, _now);

        var routes = _table.Replace(new PeerRights(Alice, [Address("10.42.0.9")], []), RouteSource.Address, [(Prefix("10.42.0.9/32"), 0)], _now);

        Assert.True(routes.Single().IsUsed);
    }

    [Fact]
    public void Record_MoreThanTheShare_LongestUnseenIsForgotten()
    {
        for (var i = 0; i <= Limits.AddressesPerPeerAndNetwork; i++)
        {
            _book.Record(Address($"10.42.0.{10 + i}"), Bob, i);
        }

        Assert.Equal(Limits.AddressesPerPeerAndNetwork, _book.Owners.Count());
        Assert.DoesNotContain(_book.Owners, owner => owner.Address == Address("10.42.0.10"));
    }

    [Theory]
    [InlineData(Limits.AddressesPerPeerAndNetwork, 0)]
    [InlineData(Limits.AddressesPerPeerAndNetwork + 1, 1)]
    public void Replace_ManyAddresses_OnlyTheShareIsUsed(int count, int refused)
    {
        var routes = Claim(Alice, RouteSource.Address, [.. Enumerable.Range(10, count).Select(i => $"10.42.0.{i}/32")]);

        Assert.Equal(refused, routes.Count(route => route.Verdict == RouteVerdict.TooManyAddresses));
    }

    [Fact]
    public void Replace_EntryListsAddresses_OthersAreRefused()
    {
        var rights = new PeerRights(Alice, [Address("10.42.0.7")], []);

        var routes = _table.Replace(rights, RouteSource.Address, [(Prefix("10.42.0.7/32"), 0), (Prefix("10.42.0.8/32"), 0)], 0);

        Assert.Equal([RouteVerdict.Used, RouteVerdict.NotInEntry], routes.Select(route => route.Verdict));
    }

    [Fact]
    public void Replace_SamePrefixFromTwo_SmallerMetricWins()
    {
        var allowed = Prefix("192.168.0.0/16");
        _table.Replace(new PeerRights(Alice, [], [allowed]), RouteSource.Announced, [(allowed, 10)], 0);
        _table.Replace(new PeerRights(Bob, [], [allowed]), RouteSource.Announced, [(allowed, 5)], 0);

        Assert.Equal("bob", Lookup("192.168.1.1"));
        Assert.Contains(_table.Routes, route => route.Peer == Alice && route.Verdict == RouteVerdict.OtherPeerIsBetter);
    }

    [Fact]
    public void Replace_SameOffersAgain_VersionStands()
    {
        Claim(Alice, RouteSource.Address, "10.42.0.2/32");
        var version = _table.Version;

        Claim(Alice, RouteSource.Address, "10.42.0.2/32");

        Assert.Equal(version, _table.Version);
    }

    [Fact]
    public void Replace_MoreAddressesThanTheShareAllInTheEntry_AllUsed()
    {
        string[] listed = ["10.42.0.2", "10.42.0.3", "10.42.0.4", "10.42.0.5", "10.42.0.6"];

        var routes = _table.Replace(
            new PeerRights(Alice, [.. listed.Select(Address)], []),
            RouteSource.Address,
            [.. listed.Select(address => (Prefix(address + "/32"), 0u))],
            _now);

        Assert.All(routes, route => Assert.True(route.IsUsed));
    }

    [Fact]
    public void Remove_HolderThatTheBookRemembers_NextClaimantDoesNotInherit()
    {
        Claim(Bob, RouteSource.Address, "10.42.0.9/32");
        _table.RecordOwners(_now);
        Assert.Equal(RouteVerdict.AddressInUse, Claim(Alice, RouteSource.Address, "10.42.0.9/32").Single().Verdict);

        _table.Remove(Bob, _now);

        Assert.Equal(RouteVerdict.AddressRemembered, _table.Routes.Single().Verdict);
        Assert.Null(Lookup("10.42.0.9"));
    }

    [Fact]
    public void Configure_EntryListsAnAddress_KeptForItAlsoWhileItIsAway()
    {
        Configure(Address("10.42.0.9"));

        Assert.Equal(RouteVerdict.AddressReserved, Claim(Alice, RouteSource.Address, "10.42.0.9/32").Single().Verdict);
        Assert.Equal(
            RouteVerdict.AddressReserved,
            _table.Replace(new PeerRights(Alice, [], [Prefix("10.42.0.0/24")]), RouteSource.Announced, [(Prefix("10.42.0.9/32"), 0)], _now).Single().Verdict);
        Assert.True(_table.Replace(new PeerRights(Bob, [Address("10.42.0.9")], []), RouteSource.Address, [(Prefix("10.42.0.9/32"), 0)], _now).Single().IsUsed);
    }

    [Fact]
    public void Configure_WhileAClaimIsUsed_ClaimIsJudgedAnew()
    {
        Claim(Alice, RouteSource.Address, "10.42.0.9/32");
        var version = _table.Version;
        Configure(Address("10.42.0.9"));

        _table.Judge(_now);

        Assert.Equal(RouteVerdict.AddressReserved, _table.Routes.Single().Verdict);
        Assert.NotEqual(version, _table.Version);
        Assert.Null(Lookup("10.42.0.9"));
    }

    [Fact]
    public void Remove_PeerWithRefusedClaims_TheyStayInSightUntilItClaimsAnew()
    {
        Claim(Alice, RouteSource.Address, "10.42.0.9/32");
        Claim(Alice, RouteSource.Announced, "10.0.0.0/8", "0.0.0.0/0");

        _table.Remove(Alice, _now);

        Assert.Equal(["10.0.0.0/8", "0.0.0.0/0"], _table.Routes.Select(route => route.Prefix.ToString()));
        Assert.All(_table.Routes, route => Assert.True(route is { IsFormer: true, IsUsed: false, Verdict: RouteVerdict.NotAllowed }));

        Claim(Alice, RouteSource.Address);
        Assert.Empty(_table.Routes);
    }

    [Fact]
    public void Forget_PeerWithRefusedClaims_NothingStays()
    {
        Claim(Alice, RouteSource.Announced, "10.0.0.0/8");

        _table.Forget(Alice, _now);

        Assert.Empty(_table.Routes);
    }

    private static PeerId Id(byte number)
    {
        var bytes = new byte[32];
        bytes[0] = number;
        return PeerId.Parse(Convert.ToHexStringLower(bytes));
    }

    private static Prefix Prefix(string text) => VibePN.Routing.Prefix.FromIPNetwork(IPNetwork.Parse(text));

    private static IpKey Address(string text) => IpKey.FromIPAddress(IPAddress.Parse(text));

    private void Configure(params IpKey[] reserved) => _table.Configure(
        [Prefix("10.42.0.0/24"), Prefix("fd42::/64")],
        [Address("10.42.0.1"), Address("fd42::1")],
        reserved.ToHashSet(),
        newAcceptRoutes: true);

    private IReadOnlyList<Route> Claim(PeerId peer, RouteSource source, params string[] prefixes) =>
        _table.Replace(new PeerRights(peer, [], []), source, [.. prefixes.Select(prefix => (Prefix(prefix), 0u))], _now);

    private string? Lookup(string address) =>
        _table.Build(peer => peer == Alice ? "alice" : "bob").Lookup(Address(address));
}
