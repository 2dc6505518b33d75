using System.Globalization;
using VibePN.Api;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>
/// A running daemon takes a changed config into use. Rate of the traffic meanwhile: environment variable RELOAD_MBITS; small by default,
/// so that the tests say the same on a busy machine.
/// </summary>
public sealed class ReloadTests : IDisposable
{
    private const int Tries = 3;
    private const int Cycles = 50;
    private const string Lab = """prefix = "10.43.0.0/24" """;

    private static readonly double s_mbits = double.Parse(Environment.GetEnvironmentVariable("RELOAD_MBITS") ?? "8", CultureInfo.InvariantCulture);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>The interface's until the path to the peer is known.</summary>
    private const string FirstMtu = "mtu 1420 ";

    private readonly TestBed _bed = new();
    private readonly TestNode _one;
    private readonly TestNode _two;

    public ReloadTests()
    {
        try
        {
            _one = _bed.AddNode("one");
            _two = _bed.AddNode("two");
            Plain(_one, _two).Start();
            Plain(_two, _one).Start();
            _one.WaitForTrafficTo(_two, s_patience);
            _two.WaitForTrafficTo(_one, s_patience);
        }
        catch
        {
            _bed.Dispose();
            throw;
        }
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void NetworkPeerAndRoute_ComeAndGo_OtherTrafficLosesNothing()
    {
        DateTimeOffset since = Since();
        Attempt("lost", (sent, lost) => lost == 0, () =>
        {
            using UdpFlow flow = new(_one.Host, _two.Host, _two.Inner, s_mbits);
            Wait.For(TimeSpan.FromSeconds(0.5));
            WithLab(_one, _two).Write();
            WithLab(_two, _one).Write();
            Assert.Contains("+ network lab: 10.43.0.0/24 on vpn-lab", Reload(_one), StringComparison.Ordinal);
            Reload(_two);
            _one.Host.WaitForPing("10.43.0.2");

            // A route, on both sides of it; by signal on one.
            WithLab(_one, _two, "routes = [\"192.168.77.0/24\"]").Write();
            WithLab(_two, _one, "", "allow_routes = [\"192.168.77.0/24\"]").Write();
            Reload(_one);
            _two.Daemon.Signal(Signal.Hangup);
            Wait.Until(s_patience, "the route is there", () => _two.Host.Routes().Contains("192.168.77.0/24 dev vpn-lab", StringComparison.Ordinal));
            WithLab(_one, _two).Write();
            Reload(_one);
            Wait.Until(s_patience, "the route is gone", () => !_two.Host.Routes().Contains("192.168.77.0/24", StringComparison.Ordinal));

            // A peer, and the network again.
            Outcome added = _one.Host.Run(
                TestBed.Executable, "add-peer", "--name", "three", "--fingerprint", new string('7', 64), "--networks", "corp", "--config", _one.ConfigPath);
            Assert.True(added.ExitCode == 0, added.ToString());
            Assert.Contains("+ peer three: dials us, networks corp", added.Output, StringComparison.Ordinal);
            Assert.Equal(2, _one.Json("peers")["peers"]!.AsArray().Count);
            Outcome removed = _one.Host.Run(TestBed.Executable, "remove-peer", "three", "--config", _one.ConfigPath);
            Assert.True(removed.ExitCode == 0 && removed.Output.Contains("- peer three", StringComparison.Ordinal), removed.ToString());
            Assert.Single(_one.Json("peers")["peers"]!.AsArray());
            Plain(_one, _two).Write();
            Plain(_two, _one).Write();
            string gone = Reload(_one);
            Assert.Contains("- network lab", gone, StringComparison.Ordinal);
            Reload(_two);
            Assert.Equal([TestNode.Interface], _one.Host.TunnelLinks());
            Assert.Equal([TestNode.Interface], _two.Host.TunnelLinks());
            Wait.For(TimeSpan.FromSeconds(0.5));
            return flow.End();
        });
        Assert.InRange((Since() - since).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(0.5));
    }

    [Fact]
    public void Port_Changed_LosesAtMostOneInAThousand()
    {
        int port = TestNode.Port;
        Attempt("lost", (sent, lost) => lost * 1000L <= sent, () =>
        {
            using UdpFlow there = new(_one.Host, _two.Host, _two.Inner, s_mbits);
            Wait.For(TimeSpan.FromSeconds(1));
            ListenOn(string.Create(CultureInfo.InvariantCulture, $"[::]:{++port}"));
            Wait.For(TimeSpan.FromSeconds(2));
            return there.End();
        });
        Assert.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{port}"), _two.PeerOf(_one)!["address"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("connected", _one.StateOf(_two));

        // Another address on the same port, and back.
        ListenOn(string.Create(CultureInfo.InvariantCulture, $"{_one.Host.Address}:{port}"));
        _one.Host.WaitForPing(_two.Inner);
        ListenOn(string.Create(CultureInfo.InvariantCulture, $"[::]:{port}"));
        _one.Host.WaitForPing(_two.Inner);
    }

    [Theory]
    [InlineData("peer two")]
    [InlineData("network corp")]
    public void Operator_WhoCutsHimselfOff_IsLetInAgain(string what)
    {
        bool isPeer = what.StartsWith("peer", StringComparison.Ordinal);
        ConfigBuilder without = isPeer
            ? new ConfigBuilder(_one).Corp()
            : new ConfigBuilder(_one).Network("lab", Lab).Peer(_two, "networks = [\"lab\"]");
        without.Write();
        Outcome reload = _one.Control("reload", "--confirm-within", "2s");
        Assert.True(reload.ExitCode == 0, reload.ToString());
        Assert.Contains("- " + what, reload.Output, StringComparison.Ordinal);
        Assert.Contains("vibepn confirm", reload.Output, StringComparison.Ordinal);
        Wait.Until(s_patience, "he is cut off", () =>
            _one.CountLog(isPeer ? "Peer two is disconnected: removed from the config" : "Interface vpn-corp is gone") == 1);

        // Nobody is there any more who could do anything.
        Wait.Until(s_patience, "it is undone", () => _one.CountLog("Nobody confirmed the config in time; undone: + " + what) == 1);
        _two.Host.WaitForPing(_one.Inner);
        Assert.Null(_one.Status()["confirmByUtc"]);
        Assert.Contains("is not in use", _one.Status()["warnings"]!.ToJsonString(), StringComparison.Ordinal);
        Outcome late = _one.Control("confirm");
        Assert.True(late.ExitCode == 1, late.ToString());

        // A start does not take the file either, until somebody asks for it.
        _one.Kill();
        _one.Launch();
        _one.WaitUntilItAnswers();
        _two.Host.WaitForPing(_one.Inner);
        Assert.Contains("- " + what, Reload(_one), StringComparison.Ordinal);
        Assert.Empty(_one.Status()["warnings"]!.AsArray());
    }

    [Fact]
    public void Daemon_ThatDiesBeforeTheConfirmation_StartsWithTheConfirmedConfig()
    {
        new ConfigBuilder(_one).Corp().Write();
        Outcome reload = _one.Control("reload", "--confirm-within", "10m");
        Assert.True(reload.ExitCode == 0, reload.ToString());
        Assert.NotNull(_one.Status()["confirmByUtc"]);

        _one.Kill();
        _one.Launch();
        _one.WaitUntilItAnswers();
        _two.Host.WaitForPing(_one.Inner);
        Assert.Null(_one.Status()["confirmByUtc"]);

        // Once more, and confirmed.
        Assert.Equal(0, _one.Control("reload", "--confirm-within", "10m").ExitCode);
        Assert.Equal(0, _one.Control("confirm").ExitCode);
        _one.Kill();
        _one.Launch();
        _one.WaitUntilItAnswers();
        Assert.Empty(_one.Json("peers")["peers"]!.AsArray());
    }

    [Fact]
    public void Config_ThatIsWrong_ChangesNothing()
    {
        WaitUntilSettled();
        string before = _one.Host.NetworkState();
        DateTimeOffset since = Since();
        string good = File.ReadAllText(_one.ConfigPath);

        void IsRefused(string text, params string[] reasons)
        {
            File.WriteAllText(_one.ConfigPath, text);
            foreach (string[] how in new string[][] { [], ["--confirm-within", "1s"], ["--dry-run"] })
            {
                Outcome reload = _one.Control("reload", how);
                Assert.True(reload.ExitCode == 1, reload.ToString());
                Assert.All(reasons, reason => Assert.Contains(reason, reload.Errors, StringComparison.Ordinal));
            }

            Assert.Equal(before, _one.Host.NetworkState());
            Assert.InRange((Since() - since).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(0.5));
            Assert.Single(_one.Status()["networks"]!.AsArray());
            Assert.Null(_one.Status()["confirmByUtc"]);
        }

        IsRefused(good + "\nexprot = true\n\n[networks.lab]\nmtu = 5\n", "config.toml:", "exprot", "lab", "mtu");
        IsRefused(good.Replace("[identity]", "[tuning]\nudp_gso = false\n[identity]", StringComparison.Ordinal), "udp_gso true → false", "restart");
        string withLab = good + "\n[networks.lab]\n" + Lab;
        _one.Host.Ip("link", "add", "vpn-lab", "type", "bridge");
        before = _one.Host.NetworkState();
        IsRefused(withLab, "vpn-lab", "in use");
        _one.Host.Ip("link", "delete", "vpn-lab");
        before = _one.Host.NetworkState();
        using System.Net.Sockets.Socket taken = _one.Host.UdpSocket();
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Any, 6999));
        IsRefused(withLab.Replace(":51820\"\nsocket", ":6999\"\nsocket", StringComparison.Ordinal), "6999", "another program uses this port");
        TestIdentity other = TestIdentity.Create("other");
        File.WriteAllText(_one.Folder + "/other.crt", other.CertificatePem);
        IsRefused(good.Replace("node.crt", "other.crt", StringComparison.Ordinal), other.Fingerprint, "restart");

        // It was never about the file that is good.
        File.WriteAllText(_one.ConfigPath, withLab);
        Outcome dry = _one.Control("reload", "--dry-run");
        Assert.True(dry.ExitCode == 0, dry.ToString());
        Assert.Contains("+ network lab", dry.Output, StringComparison.Ordinal);
        Assert.Equal(before, _one.Host.NetworkState());
        Assert.Contains("+ network lab", Reload(_one), StringComparison.Ordinal);
        Assert.Contains("no difference", Reload(_one), StringComparison.Ordinal);
        Assert.True(_one.Host.CanPing(_two.Inner));
        Assert.InRange((Since() - since).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(0.5));
        Assert.Equal(1, _one.CountLog($"uid 0 (root): + network lab"));
    }

    [Fact]
    public void Host_ThatRefusesInTheMiddle_HasEverythingAsBefore()
    {
        // Interfaces that come from now on take no IPv6.
        Assert.Equal(0, _one.Host.Run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6").ExitCode);
        WaitUntilSettled();
        string before = _one.Host.NetworkState();
        DateTimeOffset since = Since();
        new ConfigBuilder(_one) { Listen = "[::]:51999" }.Corp().Network("lab", "prefix = \"fd43::/64\"").Peer(_two, "networks = [\"corp\", \"lab\"]").Write();

        Outcome reload = _one.Control("reload", "--confirm-within", "1s");

        Assert.True(reload.ExitCode == 1, reload.ToString());
        Assert.Contains("vpn-lab", reload.Errors, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", reload.Errors, StringComparison.Ordinal);
        Assert.Equal(before, _one.Host.NetworkState());
        Assert.Equal("[::]:51820", _one.Status()["listen"]![0]!.GetValue<string>());
        Assert.Single(_one.Status()["networks"]!.AsArray());
        Assert.Null(_one.Status()["confirmByUtc"]);
        Assert.True(_two.Host.CanPing(_one.Inner));
        Assert.InRange((Since() - since).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(0.5));
        Plain(_one, _two).Write();
        Assert.Contains("no difference", Reload(_one), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Network_ThatComesAndGoes_LeavesNothing()
    {
        ApiClient api = new(_one.SocketPath);
        await CycleAsync(api, 5);
        WaitUntilSettled();
        (string Host, int Descriptors, int Threads) before = Resources();
        await CycleAsync(api, Cycles);
        Wait.Until(s_patience, $"as before: {before}, not {Resources()}", () =>
            Resources() is var after && after.Host == before.Host && after.Descriptors <= before.Descriptors && after.Threads <= before.Threads + 1);
        Assert.True(_one.Host.CanPing(_two.Inner));
    }

    private void WaitUntilSettled() => Wait.Until(s_patience, "the host's addresses and the interface's MTU are settled", () =>
        _one.Host.NetworkState() is var state && !state.Contains("tentative", StringComparison.Ordinal) && !state.Contains(FirstMtu, StringComparison.Ordinal));

    private async Task CycleAsync(ApiClient api, int times)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        for (int i = 0; i < times; i++)
        {
            WithLab(_one, _two).Write();
            Assert.Single((await api.ReloadAsync(new ReloadRequestDto(), cancel)).Changes, change => change.Change == "added");
            Plain(_one, _two).Write();
            Assert.Single((await api.ReloadAsync(new ReloadRequestDto(), cancel)).Changes, change => change.Change == "removed");
        }
    }

    private (string Host, int Descriptors, int Threads) Resources()
    {
        string proc = string.Create(CultureInfo.InvariantCulture, $"/proc/{_one.Daemon.Id}");
        return (_one.Host.NetworkState(), Directory.GetFiles(proc + "/fd").Length, Directory.GetDirectories(proc + "/task").Length);
    }

    private static ConfigBuilder Plain(TestNode node, TestNode peer) => new ConfigBuilder(node).Corp().Peer(peer);

    private static ConfigBuilder WithLab(TestNode node, TestNode peer, string networkLine = "", string peerLine = "") => new ConfigBuilder(node).Corp()
        .Network("lab", Lab, string.Create(CultureInfo.InvariantCulture, $"address = \"10.43.0.{node.Host.Number}\""), networkLine)
        .Peer(peer, "networks = [\"corp\", \"lab\"]", peerLine);

    private void ListenOn(string endPoint)
    {
        new ConfigBuilder(_one) { Listen = endPoint }.Corp().Peer(_two).Write();
        Assert.Contains("→ " + endPoint, Reload(_one), StringComparison.Ordinal);
        Assert.Equal(endPoint, _one.Status()["listen"]![0]!.GetValue<string>());
        Wait.Until(TimeSpan.FromSeconds(40), "the old socket is closed", () =>
            _one.Host.Run("ss", "-Huln").Output.Split('\n').Count(line => line.Contains(":518", StringComparison.Ordinal)) == 1);
    }

    private static string Reload(TestNode node)
    {
        Outcome outcome = node.Control("reload");
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome.Output;
    }

    /// <summary>When the connection came up, to some milliseconds.</summary>
    private DateTimeOffset Since() => _one.PeerOf(_two)!["sinceUtc"]!.GetValue<DateTimeOffset>();

    /// <summary>Again if it was not good once: a busy machine loses packets too, but not each time.</summary>
    private static void Attempt(string what, Func<int, int, bool> isGood, Func<(int Sent, int Lost)> run)
    {
        List<string> results = [];
        for (int i = 0; i < Tries; i++)
        {
            (int sent, int lost) = run();
            results.Add(string.Create(CultureInfo.InvariantCulture, $"{lost} of {sent} {what} at {s_mbits} Mbit/s"));
            TestContext.Current.TestOutputHelper?.WriteLine(results[^1]);
            if (isGood(sent, lost))
            {
                return;
            }
        }

        Assert.Fail(string.Join("; ", results));
    }
}
