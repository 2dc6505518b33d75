using System.Diagnostics;
using System.Globalization;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Random moments; the seed is in the output of a failure.</summary>
public sealed class CrashTests : IDisposable
{
    private const int Kills = 50;

    /// <summary>Simultaneous dials over real sockets; the simulation has ten times as many in virtual time.</summary>
    private const int Dials = 20;

    private readonly TestBed _bed = new();
    private readonly int _seed = Environment.TickCount;
    private readonly Random _random;

    public CrashTests()
    {
        _random = new Random(_seed);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {_seed}"));
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Host_AfterFiftyKillsAndACleanEnd_IsAsBefore()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        Wait.Until(TimeSpan.FromSeconds(15), "the kernel has settled its link-local address", () =>
            !one.Host.NetworkState().Contains("tentative", StringComparison.Ordinal));
        string before = one.Host.NetworkState();
        two.Trust(one).Start();
        one.Trust(two).Start();
        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(10));

        for (int i = 0; i < Kills; i++)
        {
            Wait.For(TimeSpan.FromMilliseconds(_random.Next(600)));
            one.Kill();
            Wait.Until(TimeSpan.FromSeconds(10), $"kill {i} leaves nothing\n{before}\n{one.Host.NetworkState()}", () => one.Host.NetworkState() == before);
            one.Launch();
        }

        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(10));
        Assert.NotEqual(before, one.Host.NetworkState());
        one.Stop();

        Assert.Equal(before, one.Host.NetworkState());
        Assert.Equal(["addresses.json"], Directory.GetFiles(Path.Combine(one.Folder, "state")).Select(Path.GetFileName).Where(name => name is not ("addresses.json.bak" or "tokens.json")));
    }

    [Fact]
    public void SimultaneousDials_WithRandomSkew_SettleOnOneConnection()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        one.Trust(two).Start();
        two.Trust(one).Start();
        List<double> seconds = [];
        for (int i = 0; i < Dials; i++)
        {
            one.Kill();
            two.Kill();
            (TestNode first, TestNode second) = i % 2 == 0 ? (one, two) : (two, one);
            first.Launch();
            Wait.For(TimeSpan.FromMilliseconds(_random.Next(700)));
            second.Launch();
            long start = Stopwatch.GetTimestamp();
            second.WaitUntilItAnswers();

            one.WaitForTrafficTo(two, TimeSpan.FromSeconds(15));
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);

            // Lines come through a pipe.
            Wait.For(TimeSpan.FromMilliseconds(200));
            int linesBefore = Ups(one) + Ups(two);
            Wait.Until(TimeSpan.FromSeconds(15), "one connection on each side", () => one.Connections() == 1 && two.Connections() == 1);

            Assert.Equal(linesBefore, Ups(one) + Ups(two));
            Assert.Equal("connected", one.StateOf(two));
            Assert.Equal("connected", two.StateOf(one));
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"start to traffic: {seconds.Average():F2} s on average, {seconds.Max():F2} s at most"));

        // A lost packet costs a second: one dial may be late, not most of them.
        Assert.True(seconds.Order().ElementAt(Dials / 2) < 2, $"start to traffic: {string.Join(", ", seconds)}");
    }

    private static int Ups(TestNode node) => node.CountLog("is connected at");
}
