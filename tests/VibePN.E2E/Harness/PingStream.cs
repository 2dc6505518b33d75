using System.Globalization;

namespace VibePN.E2E.Harness;

/// <summary>A hundred echo requests a second in the background, and when their answers came. Disposal ends it.</summary>
internal sealed class PingStream : IDisposable
{
    private readonly RunningProgram _ping;

    public PingStream(TestHost from, string address) => _ping = from.Start("ping", "-D", "-n", "-i", "0.01", address);

    /// <summary>Waits for the first answer after a moment.</summary>
    /// <param name="after">By <see cref="Clock"/>.</param>
    /// <returns>When it came.</returns>
    /// <exception cref="TimeoutException">None came.</exception>
    public TimeSpan FirstAnswer(TimeSpan after, TimeSpan limit)
    {
        TimeSpan first = TimeSpan.Zero;
        Wait.Until(limit, "an answer to a ping", () => (first = Answers().FirstOrDefault(at => at > after)) > TimeSpan.Zero);
        return first;
    }

    /// <summary>The clock of <c>ping -D</c>.</summary>
    public static TimeSpan Clock() => TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch;

    public void Dispose() => _ping.Dispose();

    private IEnumerable<TimeSpan> Answers() =>
        from line in _ping.Lines
        where line.StartsWith('[') && line.Contains(" bytes from ", StringComparison.Ordinal)
        select TimeSpan.FromSeconds(double.Parse(line[1..line.IndexOf(']', StringComparison.Ordinal)], CultureInfo.InvariantCulture));
}
