using System.Net;

namespace VibePN.Config;

/// <summary>The table <c>[node]</c>, every key of which has a default.</summary>
public sealed record NodeSettings
{
    public const int DefaultPort = 51820;

    /// <summary>Told to peers; the host name, made to fit the rule for names, when the file has none.</summary>
    public required string Name { get; init; }

    /// <summary>Port 0: any.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.IPv6Any, DefaultPort);

    public string Socket { get; init; } = "/run/vibepn/vibepn.sock";

    /// <summary>Metrics and web page; null: off.</summary>
    public IPEndPoint? Metrics { get; init; } = new(IPAddress.Loopback, 9000);

    /// <summary>The OpenTelemetry collector that metrics are sent to, <c>http://HOST:PORT[/PATH]</c>; null: none.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The directory that the daemon writes to.</summary>
    public string State { get; init; } = "/var/lib/vibepn";

    public TrustMode Trust { get; init; } = TrustMode.Pinned;
}
