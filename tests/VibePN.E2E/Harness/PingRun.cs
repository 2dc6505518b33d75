using System.Globalization;
using System.Text.RegularExpressions;

namespace VibePN.E2E.Harness;

/// <summary>Ten echo requests a second in the background, until asked how it went. Disposal ends it.</summary>
internal sealed partial class PingRun : IDisposable
{
    private readonly RunningProgram _ping;

    public PingRun(TestHost from, string address, TimeSpan atMost) =>
        _ping = from.Start("ping", "-n", "-q", "-i", "0.1", "-W", "2", "-c", ((int)(atMost.TotalSeconds * 10)).ToString(CultureInfo.InvariantCulture), address);

    public bool IsRunning => !_ping.HasExited;

    /// <summary>Ends it.</summary>
    public (int Sent, int Answered) End()
    {
        if (IsRunning)
        {
            _ping.Signal(Signal.Interrupt);
        }

        return _ping.WaitForExit(TimeSpan.FromSeconds(10)) ? CountsOf(_ping.Output + _ping.Errors) : throw new TimeoutException("ping does not end");
    }

    public static (int Sent, int Answered) CountsOf(string output)
    {
        Match counts = Counts().Match(output);
        if (!counts.Success)
        {
            throw new InvalidOperationException($"no result of ping: {output}");
        }

        return (int.Parse(counts.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(counts.Groups[2].Value, CultureInfo.InvariantCulture));
    }

    public void Dispose() => _ping.Dispose();

    [GeneratedRegex("([0-9]+) packets transmitted, ([0-9]+) received")]
    private static partial Regex Counts();
}
