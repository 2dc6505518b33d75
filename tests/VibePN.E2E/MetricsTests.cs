using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>The metrics address of real daemons. Rate of the traffic during reloads: environment variable RELOAD_MBITS, small by default.</summary>
public sealed class MetricsTests : IDisposable
{
    private const int Tries = 3;
    private const int Port = 9000;
    private const string Address = "127.0.0.1:9000";

    private static readonly double s_mbits = double.Parse(Environment.GetEnvironmentVariable("RELOAD_MBITS") ?? "8", CultureInfo.InvariantCulture);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly TestBed _bed = new();
    private readonly TestNode _one;
    private readonly TestNode _two;

    public MetricsTests()
    {
        try
        {
            _one = _bed.AddNode("one");
            _two = _bed.AddNode("two");
            new ConfigBuilder(_two).Corp().Peer(_one).Start();
        }
        catch
        {
            _bed.Dispose();
            throw;
        }
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Scrape_BesideTraffic_ShowsIt()
    {
        StartOne(Address);
        Assert.Equal(Address, _one.Status()["metrics"]!.GetValue<string>());
        Wait.Until(s_patience, "the peer is up", () => Value("vibepn_peer_up{peer=\"two\"}") == 1);
        double before = Value("vibepn_peer_bytes_total{peer=\"two\",direction=\"out\"}");
        Assert.Equal(0, _one.Host.Run("ping", "-n", "-q", "-c", "20", "-i", "0.01", "-s", "1000", _two.Inner).ExitCode);
        Wait.Until(s_patience, "20 pings of 1,000 bytes are counted", () => Value("vibepn_peer_bytes_total{peer=\"two\",direction=\"out\"}") >= before + 20_000);
        Assert.InRange(Value("vibepn_peer_rtt_seconds{peer=\"two\"}"), 1e-6, 10);
        Assert.InRange(Value("vibepn_resident_memory_bytes"), 1 << 20, 1 << 28);
        Assert.True(Value("vibepn_network_routes{network=\"corp\",state=\"used\"}") >= 1, Scrape());
        double expiry = Value("vibepn_certificate_expiry_timestamp_seconds");
        Assert.True(expiry > 1_700_000_000, Scrape());
        Outcome rotated = _one.Host.Run(TestBed.Executable, "rotate-key", "--config", _one.ConfigPath, "--socket", _one.SocketPath);
        Assert.True(rotated.ExitCode == 0, rotated.ToString());
        Wait.Until(s_patience, "the successor's end is shown", () => Value("vibepn_certificate_expiry_timestamp_seconds") > expiry);
    }

    [Fact]
    public void Request_ThatIsNotForReadingHere_IsRefused()
    {
        StartOne(Address);
        (string head, string body) = Ask("GET /metrics", "localhost:9000");
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        Assert.Contains("Content-Type: text/plain; version=0.0.4; charset=utf-8", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("X-Content-Type-Options: nosniff", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Access-Control", head, StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith("# HELP vibepn_build_info ", body, StringComparison.Ordinal);

        (head, body) = Ask("GET /metrics", "attacker.example:9000");
        Assert.StartsWith("HTTP/1.1 403 ", head, StringComparison.Ordinal);
        Assert.Contains("rebinding", body, StringComparison.Ordinal);
        Assert.DoesNotContain("vibepn_", body, StringComparison.Ordinal);

        (head, body) = Ask("HEAD /metrics", Address);
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        Assert.Empty(body);
        Assert.StartsWith("HTTP/1.1 405 ", Ask("POST /metrics", Address).Head, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 404 ", Ask("GET /v1/status", Address).Head, StringComparison.Ordinal);
        Assert.Contains("/metrics", Ask("GET /", Address).Body, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 4", Ask("GET /" + new string('a', 10_000), Address).Head, StringComparison.Ordinal);

        // Many connections that say nothing: those beyond a bound are closed, and after them it works as before.
        List<Socket> idle = [.. Enumerable.Range(0, 64).Select(_ => Connect())];
        Wait.Until(s_patience, "the last of them is closed", () => idle[^1].Poll(0, SelectMode.SelectRead));
        idle.ForEach(socket => socket.Dispose());
        Wait.Until(s_patience, "it answers", () => IsServed(Port));
    }

    [Fact]
    public void Collector_InTheConfig_GetsTheMetricsOrTheReasonIsToldUntilItIsTakenOut()
    {
        using Socket listener = _one.Host.TcpSocket(AddressFamily.InterNetwork);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 4318));
        listener.Listen();
        _ = OneSending("http://127.0.0.1:4318").Start();
        using (Socket collector = listener.Accept())
        {
            collector.ReceiveTimeout = (int)s_patience.TotalMilliseconds;
            StringBuilder request = new();
            byte[] buffer = new byte[65_536];
            for (int read; !request.ToString().EndsWith("]}]}]}", StringComparison.Ordinal) && (read = collector.Receive(buffer)) > 0;)
            {
                _ = request.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }

            _ = collector.Send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"u8);
            Assert.StartsWith("POST /v1/metrics HTTP/1.0\r\n", request.ToString(), StringComparison.Ordinal);
            Assert.Contains("\"vibepn_peer_up\"", request.ToString(), StringComparison.Ordinal);
        }

        OneSending("http://127.0.0.1:4319/v1/metrics").Write();
        Assert.Equal(0, _one.Control("reload").ExitCode);
        Wait.Until(s_patience, "nobody there is a warning", () =>
            _one.Status()["warnings"]!.ToJsonString().Contains("collector at http://127.0.0.1:4319/v1/metrics: Connection refused", StringComparison.Ordinal));
        OneSending("").Write();
        Assert.Equal(0, _one.Control("reload").ExitCode);
        Assert.Empty(_one.Status()["warnings"]!.AsArray());

        ConfigBuilder OneSending(string to) => new ConfigBuilder(_one) { NodeLines = $"otlp = \"{to}\"" }.Corp().Peer(_two);
    }

    [Fact]
    public void Address_InUseByAnotherProgram_IsAWarningUntilItIsFree()
    {
        using (Socket other = _one.Host.TcpSocket(AddressFamily.InterNetwork))
        {
            other.Bind(new IPEndPoint(IPAddress.Loopback, Port));
            other.Listen();
            StartOne(Address);
            _one.WaitForTrafficTo(_two, s_patience);
            Assert.Null(_one.Status()["metrics"]);
            Assert.Contains($"{Address} is in use by another program", _one.Status()["warnings"]!.ToJsonString(), StringComparison.Ordinal);
            Assert.Equal(1, _one.CountLog($"{Address} is in use by another program"));
        }

        Wait.Until(s_patience, "it is served after all", () => IsServed(Port));
        Assert.Empty(_one.Status()["warnings"]!.AsArray());

        // A reload that brings one in use is refused as a whole.
        using Socket taken = _one.Host.TcpSocket(AddressFamily.InterNetwork);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 9100));
        taken.Listen();
        OneAt("127.0.0.1:9100").Write();
        Outcome reload = _one.Control("reload");
        Assert.True(reload.ExitCode == 1, reload.ToString());
        Assert.Contains("127.0.0.1:9100 is in use by another program", reload.Errors, StringComparison.Ordinal);
        Assert.True(IsServed(Port));
    }

    [Fact]
    public void Reload_MovesRemovesAndAddsTheAddress_TrafficLosesNothing()
    {
        StartOne(Address);
        _one.WaitForTrafficTo(_two, s_patience);
        List<string> results = [];
        for (int i = 0; i < Tries; i++)
        {
            using UdpFlow flow = new(_one.Host, _two.Host, _two.Inner, s_mbits);
            Wait.For(TimeSpan.FromSeconds(0.5));
            ReloadTo("127.0.0.1:9001");
            Assert.True(IsServed(9001) && !IsServed(Port));
            ReloadTo("0.0.0.0:9001");
            Assert.True(IsServed(9001));
            ReloadTo("");
            Assert.False(IsServed(9001));
            ReloadTo(Address);
            Assert.True(IsServed(Port));
            Wait.For(TimeSpan.FromSeconds(0.5));
            (int sent, int lost) = flow.End();
            results.Add(string.Create(CultureInfo.InvariantCulture, $"{lost} of {sent} lost at {s_mbits} Mbit/s"));
            TestContext.Current.TestOutputHelper?.WriteLine(results[^1]);
            if (lost == 0)
            {
                return;
            }
        }

        Assert.Fail(string.Join("; ", results));
    }

    [Fact]
    public void Change_ThatNobodyConfirms_GoesBack()
    {
        StartOne(Address);
        OneAt("127.0.0.1:9001").Write();
        Outcome reload = _one.Control("reload", "--confirm-within", "2s");
        Assert.True(reload.ExitCode == 0, reload.ToString());
        Assert.Equal("127.0.0.1:9001", _one.Status()["metrics"]!.GetValue<string>());

        // Somebody takes the old address meanwhile: no reason not to go back.
        using (Socket other = _one.Host.TcpSocket(AddressFamily.InterNetwork))
        {
            other.Bind(new IPEndPoint(IPAddress.Loopback, Port));
            other.Listen();
            Wait.Until(s_patience, "it is undone", () => _one.CountLog("Nobody confirmed the config in time; undone:") == 1);
            Assert.Null(_one.Status()["metrics"]);
            Assert.False(IsServed(9001));
        }

        Wait.Until(s_patience, "the old address is served again", () => IsServed(Port));
    }

    private ConfigBuilder OneAt(string metrics) => new ConfigBuilder(_one) { Metrics = metrics }.Corp().Peer(_two);

    private void StartOne(string metrics) => OneAt(metrics).Start();

    private void ReloadTo(string metrics)
    {
        OneAt(metrics).Write();
        Outcome reload = _one.Control("reload");
        Assert.True(reload.ExitCode == 0, reload.ToString());
        Assert.Contains("metrics", reload.Output, StringComparison.Ordinal);
        Assert.Equal(metrics.Length == 0 ? null : metrics, _one.Status()["metrics"]?.GetValue<string>());
    }

    private string Scrape() => Ask("GET /metrics", Address).Body;

    private double Value(string series) => Scrape().Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
        ? double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture)
        : double.NaN;

    private bool IsServed(int port)
    {
        try
        {
            return Ask("GET /metrics", Address, port).Head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal);
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private Socket Connect(int port = Port)
    {
        Socket socket = _one.Host.TcpSocket(AddressFamily.InterNetwork);
        try
        {
            socket.ReceiveTimeout = 10_000;
            socket.Connect(IPAddress.Loopback, port);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private (string Head, string Body) Ask(string what, string host, int port = Port)
    {
        using Socket socket = Connect(port);
        _ = socket.Send(Encoding.ASCII.GetBytes($"{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        using MemoryStream answer = new();
        byte[] buffer = new byte[16 * 1024];
        for (int count = socket.Receive(buffer); count > 0; count = socket.Receive(buffer))
        {
            answer.Write(buffer, 0, count);
        }

        string[] parts = Encoding.UTF8.GetString(answer.ToArray()).Split("\r\n\r\n", 2);
        return (parts[0], parts.Length > 1 ? parts[1] : "");
    }
}
