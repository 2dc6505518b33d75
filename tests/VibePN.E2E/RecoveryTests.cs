using System.Globalization;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>
/// How long until the first packet passes after something broke: two rounds each, within a limit that a busy machine keeps.
/// RECOVERY_ROUNDS=20 measures, and then holds the 95th percentile to what is promised (docs/adr/0010).
/// </summary>
public sealed class RecoveryTests : IDisposable
{
    private const int DefaultRounds = 2;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly TestBed _bed = new();
    private readonly TestNode _acceptor;
    private readonly TestNode _dialer;

    public RecoveryTests()
    {
        _acceptor = _bed.AddNode("acceptor");
        _dialer = _bed.AddNode("dialer");
        _acceptor.Trust(_dialer, dial: false).Start();
        _dialer.Trust(_acceptor).Start();
        _dialer.WaitForTrafficTo(_acceptor, TimeSpan.FromSeconds(10));
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Traffic_AfterTheDialerChangesItsAddress_IsBack()
    {
        using PingStream pings = new(_dialer.Host, _acceptor.Inner);
        Measure(s_second, pings, round => Move(_dialer.Host, round));
    }

    [Fact]
    public void Traffic_AfterTheAcceptorChangesItsAddress_IsBack()
    {
        using PingStream pings = new(_dialer.Host, _acceptor.Inner);
        Measure(s_second, pings, round => Move(_acceptor.Host, round));
    }

    [Fact]
    public void Traffic_AfterThreeSecondsOfSilence_IsBack()
    {
        using PingStream pings = new(_dialer.Host, _acceptor.Inner);
        Measure(s_second, pings, _ => _bed.Silence(_acceptor.Host, isSilent: false), before: _ =>
        {
            _bed.Silence(_acceptor.Host, isSilent: true);
            Wait.For(3 * s_second);
        });
    }

    [Theory]
    [InlineData("acceptor")]
    [InlineData("dialer")]
    public void Traffic_AfterOneIsKilledAndRestarted_IsBack(string which)
    {
        (TestNode killed, TestNode other) = which == "acceptor" ? (_acceptor, _dialer) : (_dialer, _acceptor);
        using PingStream pings = new(other.Host, killed.Inner);
        Measure(s_second, pings, _ => Restart(killed));
    }

    [Fact]
    public void Traffic_AfterBothAreKilledAndRestarted_IsBack()
    {
        using PingStream pings = new(_dialer.Host, _acceptor.Inner);
        Measure(2 * s_second, pings, _ => Restart(_acceptor, _dialer));
    }

    private static void Restart(params TestNode[] nodes)
    {
        foreach (TestNode node in nodes)
        {
            node.Kill();
        }

        foreach (TestNode node in nodes)
        {
            node.Launch();
        }
    }

    /// <summary>The host has another address from now on, and not the one before.</summary>
    private static void Move(TestHost host, int round)
    {
        string before = round == 0 ? host.Address : NewAddress(host, round - 1);
        host.Ip("address", "delete", before + "/24", "dev", "wire");
        host.Ip("address", "add", NewAddress(host, round) + "/24", "dev", "wire");
    }

    private static string NewAddress(TestHost host, int round) => string.Create(CultureInfo.InvariantCulture, $"192.0.2.{(host.Number * 100) + round}");

    private static void Measure(TimeSpan promised, PingStream pings, Action<int> strike, Action<int>? before = null)
    {
        int rounds = Environment.GetEnvironmentVariable("RECOVERY_ROUNDS") is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : DefaultRounds;
        List<TimeSpan> took = [];
        for (int round = 0; round < rounds; round++)
        {
            // Not always in the same part of anybody's intervals.
            Wait.For(s_second + TimeSpan.FromMilliseconds(37 * round));
            pings.FirstAnswer(PingStream.Clock(), s_patience);
            before?.Invoke(round);
            TimeSpan start = PingStream.Clock();
            strike(round);
            took.Add(pings.FirstAnswer(PingStream.Clock(), 2 * s_patience) - start);
        }

        took.Sort();
        TimeSpan p95 = took[(int)Math.Ceiling(0.95 * rounds) - 1];
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"first packet: p95 {p95.TotalMilliseconds:F0} ms of {rounds}: {string.Join(' ', took.Select(time => time.TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture)))}"));
        Assert.True(p95 <= (rounds > DefaultRounds ? promised : s_patience), $"the first packet came after {p95.TotalMilliseconds:F0} ms");
    }
}
