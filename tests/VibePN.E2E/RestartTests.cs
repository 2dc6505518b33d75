using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>One node dials, the other only accepts: the harder case, as nobody but the dialer can mend it.</summary>
public sealed class RestartTests : IDisposable
{
    private static readonly TimeSpan s_recovery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly TestBed _bed = new();
    private readonly TestNode _acceptor;
    private readonly TestNode _dialer;

    public RestartTests()
    {
        _acceptor = _bed.AddNode("acceptor");
        _dialer = _bed.AddNode("dialer");
        _acceptor.Trust(_dialer, dial: false).Start();
        _dialer.Trust(_acceptor).Start();
        _dialer.WaitForTrafficTo(_acceptor, TimeSpan.FromSeconds(10));
        _acceptor.WaitForTrafficTo(_dialer, TimeSpan.FromSeconds(10));
    }

    public void Dispose() => _bed.Dispose();

    [Theory]
    [InlineData("acceptor", 0)]
    [InlineData("acceptor", 3)]
    [InlineData("dialer", 0)]
    [InlineData("dialer", 3)]
    public void Traffic_AfterKillAndRestart_IsBackWithinFiveSeconds(string which, int secondsDown)
    {
        TestNode killed = which == "acceptor" ? _acceptor : _dialer;

        // Again if it was too slow once: a lost packet costs a second, and so may a busy machine.
        TimeSpan took = TimeSpan.MaxValue;
        for (int tries = 3; tries > 0 && took > s_recovery; tries--)
        {
            killed.Kill();
            Wait.For(TimeSpan.FromSeconds(secondsDown));
            killed.Launch();
            TimeSpan there = _dialer.WaitForTrafficTo(_acceptor, s_patience);
            took = there + _acceptor.WaitForTrafficTo(_dialer, s_patience);
            TestContext.Current.TestOutputHelper?.WriteLine($"traffic after {took.TotalSeconds:F2} s");
        }

        Assert.True(took <= s_recovery, $"traffic after {took.TotalSeconds:F2} s");
    }

    [Theory]
    [InlineData("acceptor")]
    [InlineData("dialer")]
    public void Terminate_EndsCleanlyAndTellsThePeer(string which)
    {
        (TestNode ended, TestNode other) = which == "acceptor" ? (_acceptor, _dialer) : (_dialer, _acceptor);
        Assert.Contains(ended.Inner + "/32", UsedRoutes(other));

        ended.Daemon.Signal(Signal.Terminate);

        Wait.Until(TimeSpan.FromSeconds(5), "the peer knows", () => other.StateOf(ended) != "connected");
        Assert.True(ended.Daemon.WaitForExit(TimeSpan.FromSeconds(5)), "it still runs after 5 s");
        Assert.Equal(0, ended.Daemon.ExitCode);
        Assert.Empty(ended.Host.TunnelLinks());
        Assert.DoesNotContain("10.42.0.", ended.Host.Routes(), StringComparison.Ordinal);
        Assert.DoesNotContain("fd42:", ended.Host.Routes(), StringComparison.Ordinal);
        Assert.False(File.Exists(ended.SocketPath), "the socket is left");
        Assert.DoesNotContain(ended.Inner + "/32", UsedRoutes(other));
    }

    [Fact]
    public void Goodbye_EndsTheDaemonAndTellsThePeer()
    {
        Outcome goodbye = _acceptor.Control("goodbye");

        Assert.True(goodbye.ExitCode == 0, goodbye.ToString());
        Assert.True(_acceptor.Daemon.WaitForExit(TimeSpan.FromSeconds(5)), "it still runs after 5 s");
        Assert.Equal(0, _acceptor.Daemon.ExitCode);
        Wait.Until(TimeSpan.FromSeconds(5), "the peer knows", () => _dialer.StateOf(_acceptor) != "connected");
    }

    [Fact]
    public void SecondDaemon_WithTheSameConfig_FailsAndLeavesTheFirstAlone()
    {
        Outcome second = _acceptor.Host.Run(TestBed.Executable, "daemon", "--config", _acceptor.ConfigPath);

        Assert.True(second.ExitCode == 1, second.ToString());
        Assert.True(_dialer.Host.CanPing(_acceptor.Inner));
        Assert.Equal(0, _acceptor.Control("status").ExitCode);
    }

    private static IEnumerable<string> UsedRoutes(TestNode node) =>
        from route in node.Json("routes")["routes"]!.AsArray()
        where route["used"]!.GetValue<bool>()
        select route["prefix"]!.GetValue<string>();
}
