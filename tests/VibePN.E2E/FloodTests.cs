using System.Globalization;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Strangers' first packets, from addresses that they do not have, as many as one core sends.</summary>
public sealed class FloodTests : IDisposable
{
    private const int PerSecond = 100_000;

    /// <summary>Half-open handshakes are bounded in number and time; they are all that a flood may cost.</summary>
    private const long MaxGrowthBytes = 48 << 20;

    /// <summary>Once the first of them have timed out (3 s), no more comes to it.</summary>
    private const long MaxLaterGrowthBytes = 8 << 20;

    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(5);

    private readonly TestBed _bed = new();
    private readonly TestNode _target;
    private readonly TestNode _peer;
    private readonly TestHost _stranger;

    public FloodTests()
    {
        _target = _bed.AddNode("target");
        _peer = _bed.AddNode("peer");
        _stranger = _bed.AddHost("stranger");
        _target.Trust(_peer, dial: false).Start();
        _peer.Trust(_target).Start();
        _peer.WaitForTrafficTo(_target, TimeSpan.FromSeconds(10));
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void KnownPeer_DuringAFlood_KeepsTalkingAndMemoryStaysFlat()
    {
        long before = Resident();
        using Flood flood = new(_stranger, _target, PerSecond, s_duration);
        using PingRun ping = new(_peer.Host, _target.Inner, TimeSpan.FromSeconds(9));
        Wait.For(s_settled);
        long settled = Resident(), peak = settled;
        while (flood.IsRunning)
        {
            peak = Math.Max(peak, Resident());
            Wait.For(TimeSpan.FromMilliseconds(200));
        }

        (int sent, int answered) = ping.End();
        Report(flood, $"memory {before >> 10} KiB before, {settled >> 10} KiB in the middle, {peak >> 10} KiB at most, {Resident() >> 10} KiB after; {answered} of {sent} pings answered");
        Assert.True(answered >= sent * 0.8 && sent > 50, $"{answered} of {sent} pings answered");
        Assert.True(peak - before < MaxGrowthBytes, $"{before} bytes before, {peak} at most");
        Assert.True(peak - settled < MaxLaterGrowthBytes, $"{settled} bytes in the middle, {peak} at most");
    }

    /// <summary>The target forgets all connections; its peers come back with the token of their former connection.</summary>
    [Fact]
    public void KnownPeer_WhoseConnectionIsLostDuringAFlood_IsBackBeforeItEnds()
    {
        using Flood flood = new(_stranger, _target, PerSecond, s_duration);
        Wait.For(TimeSpan.FromSeconds(2));
        _target.Kill();
        _target.Launch();

        TimeSpan back = _peer.WaitForTrafficTo(_target, TimeSpan.FromSeconds(7));

        Assert.True(flood.IsRunning);
        flood.WaitForEnd();
        Report(flood, string.Create(CultureInfo.InvariantCulture, $"back after {back.TotalSeconds:F2} s"));
        Assert.True(_peer.Host.CanPing(_target.Inner));
    }

    /// <summary>It has lost its token: of five first packets one is answered with a Retry, so this may take some attempts.</summary>
    [Fact]
    public void KnownPeer_ThatRestartsWithoutItsTokenDuringAFlood_ConnectsNevertheless()
    {
        using Flood flood = new(_stranger, _target, PerSecond, TimeSpan.FromSeconds(30));
        Wait.For(TimeSpan.FromSeconds(2));
        _peer.Kill();
        File.Delete(Path.Combine(_peer.Folder, "state", "tokens.json"));
        _peer.Launch();

        TimeSpan back = _peer.WaitForTrafficTo(_target, TimeSpan.FromSeconds(27));

        Assert.True(flood.IsRunning);
        flood.WaitForEnd();
        Report(flood, string.Create(CultureInfo.InvariantCulture, $"back after {back.TotalSeconds:F2} s"));
    }

    private long Resident() => _target.ResidentBytes();

    private void Report(Flood flood, string result)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{flood.SentPerSecond:F0} packets per second sent; {result}\n{_target.CpuSeconds():F2} s of a core used; {_target.Status()["endpoint"]}"));
        Assert.True(flood.SentPerSecond > 10_000, "the sender is too slow for a flood");
    }
}
