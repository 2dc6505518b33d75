namespace VibePN.Linux.Tests;

public sealed class TunSelfTestTests
{
    [Fact]
    public void Run_ThisKernel_PassesQuicklyAndLeavesNothing()
    {
        var before = Directory.GetFiles("/proc/self/fd").Length;
        var start = BootClock.Nanos();

        var (tcp, udp) = TunSelfTest.Run();

        Assert.Null(tcp);
        Assert.Null(udp);
        Assert.InRange((BootClock.Nanos() - start) / 1_000_000, 0ul, 4_000ul);
        Assert.Equal(0, HostNetwork.InterfaceIndex("vibepn-test"));
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 20);
    }

    [Fact]
    public void Run_WithoutCapabilities_IsInconclusive() => NetNs.RunWithoutCapabilities(() => Assert.Equal((null, null), TunSelfTest.Run()));

    [Fact]
    public void Trial_OneForSeveralInterfaces_CountsAlsoWhenItsNamespaceHasGone() => NetNs.Run(() =>
    {
        using var trial = TunTrial.Start();
        var options = new TunOptions { Offloads = true, Trial = trial };
        using var first = TunDevice.Open("vpn-one", options);
        trial.Dispose();
        trial.Join();
        using var second = TunDevice.Open("vpn-two", options);

        Assert.True(first.HasOffloads && first.HasUdpOffload);
        Assert.True(second.HasOffloads && second.HasUdpOffload);
        Assert.Equal((null, null), trial.Verdict());
        Assert.Equal(0, HostNetwork.InterfaceIndex("vibepn-test"));
    });

    [Fact]
    public void Trial_WithoutCapabilities_DoesNotWait() => NetNs.RunWithoutCapabilities(() =>
    {
        using var trial = TunTrial.Start();

        Assert.Equal((null, null), trial.Verdict());
        trial.Join();
    });

    [Fact]
    public void DisableOffloads_AtRunTime_SaysWhy() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions { Offloads = true });
        Assert.True(tun.HasOffloads && tun.HasUdpOffload);
        Assert.Null(tun.OffloadsInactiveReason);
        Assert.Null(tun.UdpOffloadInactiveReason);

        tun.DisableOffloads("because");

        Assert.False(tun.HasOffloads || tun.HasUdpOffload);
        Assert.Equal("because", tun.OffloadsInactiveReason);
    });

    [Fact]
    public void Open_SwitchedOff_SaysSo() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open("vpn-test", new TunOptions());
        Assert.Equal("switched off", tun.OffloadsInactiveReason);
    });
}
