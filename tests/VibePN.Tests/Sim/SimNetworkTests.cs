using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>The rules that a simulation checks can be broken: each is seen to fail once.</summary>
public sealed class SimNetworkTests
{
    [Theory]
    [InlineData("corp", "10.42.0.1", true, 1, null)]
    [InlineData("corp", "10.42.0.1", true, 2, "twice")]
    [InlineData("corp", "10.42.0.1", false, 1, "a forgery")]
    [InlineData("lab", "10.42.0.1", true, 1, "in network corp")]
    [InlineData("corp", "10.42.0.9", true, 1, "does not own its destination")]
    public void Ledger_PacketThatMustNotArrive_EndsTheRun(string network, string destination, bool mayArrive, int times, string? violation)
    {
        using var sim = new SimNetwork(1);
        var host = sim.AddHost("a", 1);
        var packet = sim.Ledger.Stamp(network, "10.42.0.2", destination, mayArrive: mayArrive);
        for (var i = 0; i < times; i++)
        {
            host.Deliver(0, packet, checksumPartial: false);
        }

        var failure = Record.Exception(() => sim.Run(TimeSpan.FromSeconds(1)));

        Assert.Equal(violation is null, failure is null);
        Assert.Contains(violation ?? "", failure?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Nat_RebindsAndStrangersCome_NothingGetsIn()
    {
        using var sim = new SimNetwork(1);
        var a = sim.AddHost("a", 1);
        var b = sim.AddHost("b", 2);
        var nat = sim.AddNat(b, 2);
        var before = nat.Mapping;
        sim.Carry(a, before, 0, new byte[1200]);
        sim.Carry(b, a.EndPoint, 0, new byte[30]);
        nat.Rebind();
        sim.Carry(a, before, 0, new byte[1200]);
        sim.Carry(a, nat.Mapping, 0, new byte[1200]);
        sim.Run(TimeSpan.FromSeconds(1));

        Assert.NotEqual(before, nat.Mapping);
        var stats = b.Snapshot.Endpoint;
        Assert.Equal(0UL, stats.DroppedMalformed + stats.DroppedUnknownConnection);
        Assert.Equal(1UL, a.Snapshot.Endpoint.DroppedUnknownConnection + a.Snapshot.Endpoint.DroppedMalformed);
    }
}
