using System.Globalization;

namespace VibePN.E2E.Harness;

/// <summary>A host between two others that passes their daemons' datagrams on with delay and loss: the relay of the benchmarks.</summary>
internal sealed class Line : IDisposable
{
    private readonly TestHost _host;
    private readonly TestHost _left;
    private readonly TestHost _right;
    private RunningProgram? _program;

    /// <param name="bed">Gets the host.</param>
    /// <param name="left">It dials.</param>
    /// <param name="right">It is dialed.</param>
    public Line(TestBed bed, TestHost left, TestHost right)
    {
        (_host, _left, _right) = (bed.AddHost("line"), left, right);
        _host.Ip("address", "add", RightAddress + "/24", "dev", "wire");
    }

    /// <summary>Where the left one dials.</summary>
    public string Address => string.Create(CultureInfo.InvariantCulture, $"{_host.Address}:{TestNode.Port}");

    private static string RightAddress => "192.0.2.200";

    /// <summary>Ends what is under way and begins anew.</summary>
    /// <param name="settings"><c>delay-ms=10</c>, <c>loss=0.01</c>, …; each for both directions.</param>
    public void Play(params string[] settings)
    {
        _program?.Dispose();
        string folder = Path.Combine(TestBed.Root!, "bench", "VibePN.Bench", "bin");
        string relay = Directory.EnumerateFiles(folder, "VibePN.Bench", SearchOption.AllDirectories).OrderByDescending(File.GetLastWriteTimeUtc).First();
        _program = _host.Start([
            relay, "relay", "left=" + _host.Address, "right=" + RightAddress, "left-peer=" + _left.Address, "right-peer=" + _right.Address,
            "ports=" + TestNode.Port.ToString(CultureInfo.InvariantCulture), .. settings]);
        Wait.Until(TimeSpan.FromSeconds(15), "the line stands", () => _program.Output.Contains("ready", StringComparison.Ordinal));
    }

    public void Dispose() => _program?.Dispose();
}
