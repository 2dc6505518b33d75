using System.Globalization;
using System.Net;

namespace VibePN.Bench.Relay;

/// <summary>What <see cref="RelayProgram"/> is to do; on the command line as <c>name=value</c>.</summary>
internal sealed record RelayOptions
{
    public required IPAddress Left { get; init; }

    public required IPAddress Right { get; init; }

    /// <summary>Whom the left socket hears and tells; likewise on the right.</summary>
    public required IPAddress LeftPeer { get; init; }

    public required IPAddress RightPeer { get; init; }

    /// <summary>Each is relayed to the same port on the other side.</summary>
    public required IReadOnlyList<int> Ports { get; init; }

    public required LineSettings Line { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <exception cref="FormatException">A name that is unknown or missing, or a value that does not parse.</exception>
    public static RelayOptions Parse(IEnumerable<string> arguments)
    {
        Dictionary<string, string> values = [];
        foreach (var argument in arguments)
        {
            var parts = argument.Split('=', 2);
            if (parts.Length != 2 || !values.TryAdd(parts[0], parts[1]))
            {
                throw new FormatException($"`{argument}`: name=value expected, each name once");
            }
        }

        RelayOptions options = new()
        {
            Left = IPAddress.Parse(Take("left")),
            Right = IPAddress.Parse(Take("right")),
            LeftPeer = IPAddress.Parse(Take("left-peer")),
            RightPeer = IPAddress.Parse(Take("right-peer")),
            Ports = [.. Take("ports").Split(',').Select(port => int.Parse(port, CultureInfo.InvariantCulture))],
            Seed = (ulong)Number("seed", 1),
            Line = new LineSettings
            {
                Delay = TimeSpan.FromMilliseconds(Number("delay-ms", 0)),
                Jitter = TimeSpan.FromMilliseconds(Number("jitter-ms", 0)),
                Loss = Number("loss", 0),
                Reorder = Number("reorder", 0),
                BytesPerSecond = Number("rate-mbit", 0) * 125_000,
                QueueBytes = (int)Number("queue-kib", 256) * 1024,
            },
        };
        return values.Count == 0 ? options : throw new FormatException($"unknown: {string.Join(", ", values.Keys)}");

        string Take(string name) => values.Remove(name, out var value) ? value : throw new FormatException($"{name}=… is missing");

        double Number(string name, double fallback) =>
            values.Remove(name, out var value) ? double.Parse(value, NumberStyles.Float, CultureInfo.InvariantCulture) : fallback;
    }
}
