using VibePN.Api;
using VibePN.Doctor;
using VibePN.Doctor.Facts;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>What peers see of a host, and what that says of the way.</summary>
public sealed class NetcheckTests
{
    [Theory]
    [InlineData(NatKind.None, "203.0.113.1:51820", "203.0.113.1:51820")]
    [InlineData(NatKind.None, "[::ffff:203.0.113.1]:51820")]
    [InlineData(NatKind.None, "192.168.10.1:51820", "203.0.113.1:51820")]
    [InlineData(NatKind.Unknown)]
    [InlineData(NatKind.Unknown, "198.51.100.9:4001")]
    [InlineData(NatKind.EndpointIndependent, "198.51.100.9:4001", "198.51.100.9:4001")]
    [InlineData(NatKind.EndpointIndependent, "203.0.113.1:51820", "198.51.100.9:4001", "198.51.100.9:4001")]
    [InlineData(NatKind.EndpointDependent, "198.51.100.9:4001", "198.51.100.9:4002")]
    [InlineData(NatKind.EndpointDependent, "198.51.100.9:4001", "198.51.100.10:4001")]
    [InlineData(NatKind.EndpointDependent, "198.51.100.9:4001", "198.51.100.9:4001", "198.51.100.9:4003")]
    [InlineData(NatKind.None, "203.0.113.1:51820", "not an address")]
    public void Nat_AsPeersSeeIt_IsNamed(NatKind expected, params string[] seen) => Assert.Equal(expected, Netcheck.Judge(Seen(seen)).Nat);

    [Fact]
    public void Nat_TwoPeersAtOneAddressWithOneMapping_StaysUnknown()
    {
        HostFacts facts = Seen("198.51.100.9:4001", "198.51.100.9:4001");
        facts = facts.WithStatus(status => status with { Peers = [.. status.Peers.Select(peer => peer with { Address = "203.0.113.50:51820" })] });

        Assert.Equal(NatKind.Unknown, Netcheck.Judge(facts).Nat);
    }

    [Fact]
    public void Nat_OneMappingInEachFamily_IsNoneOfEach()
    {
        NetcheckDto answer = Netcheck.Judge(Seen("198.51.100.9:4001", "[2001:db8::9]:51820", "198.51.100.9:4001"));

        Assert.Equal(NatKind.EndpointIndependent, answer.Nat);
        Assert.All(answer.Seen, seen => Assert.True(seen.Translated));
    }

    [Fact]
    public void Reachable_APeerHasDialed_IsTold()
    {
        HostFacts facts = Seen("203.0.113.1:51820", "203.0.113.1:51820");
        Assert.Null(Netcheck.Judge(facts).Reachable);

        facts = facts.WithStatus(status => status with { Peers = [status.Peers[0], status.Peers[1] with { Dialed = false }] });
        NetcheckDto answer = Netcheck.Judge(facts);
        Assert.True(answer.Reachable);
        Assert.Contains("peer1 has dialed", answer.Steps.Single(step => step.Check == "reachable").What, StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_OfTunnelLoopbackAndLinkLocal_AreLeftOut() =>
        Assert.Equal(["203.0.113.1", "192.168.10.1"], Netcheck.Judge(HealthyHost.Facts).Addresses);

    [Fact]
    public void Daemon_None_IsAnErrorWithItsCure()
    {
        NetcheckDto answer = Netcheck.Judge(HealthyHost.Facts.WithoutDaemon());

        Assert.Equal(FindingSeverity.Error, answer.Severity);
        Assert.Contains("start", answer.Steps.Single(step => step.Check == "daemon").Cure, StringComparison.Ordinal);
        Assert.Empty(answer.Seen);
    }

    [Fact]
    public void Path_UnansweredAndCapped_AreTold()
    {
        HostFacts facts = Seen("203.0.113.1:51820", "203.0.113.1:51820", "203.0.113.1:51820").WithStatus(status => status with
        {
            Peers = [status.Peers[0] with { UnansweredMillis = 700 }, status.Peers[1] with { MtuState = MtuState.Capped, MtuBytes = 1200 }, status.Peers[2]],
        });

        FindingDto[] paths = [.. Netcheck.Judge(facts).Steps.Where(step => step.Check == "path")];
        Assert.Equal([FindingSeverity.Warning, FindingSeverity.Info, FindingSeverity.Ok], paths.Select(path => path.Severity));
        Assert.Contains("1200", paths[1].What, StringComparison.Ordinal);
    }

    /// <summary>Connected peers peer0, peer1 … at addresses of their own, that see this host so.</summary>
    private static HostFacts Seen(params string[] seen) => HealthyHost.Facts.WithStatus(status => status with
    {
        Peers =
        [
            .. seen.Select((at, i) => new PeerDto
            {
                Name = $"peer{i}",
                State = PeerState.Connected,
                Address = $"203.0.113.{10 + i}:51820",
                SeenAs = at,
                Dialed = true,
                RttMillis = 4.2,
                MtuBytes = 1420,
                MtuState = MtuState.Settled,
            }),
        ],
    });
}
