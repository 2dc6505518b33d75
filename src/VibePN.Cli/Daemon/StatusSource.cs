using System.Globalization;
using VibePN.Api;
using VibePN.Identity;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>What the API answers about the running node and its process.</summary>
internal sealed class StatusSource(NodeHost host, Reloader reloader, MetricsAddress metrics, MetricsPush push, TimeProvider clock)
{
    private readonly DateTimeOffset _started = clock.GetUtcNow();
    private readonly long _startedTicks = clock.GetTimestamp();

    public async Task<StatusDto> StatusAsync()
    {
        NodeSnapshot snapshot = await host.SnapshotAsync();
        (long allocated, long turns) = host.LoopLoad;
        (DateTimeOffset? expires, DateTimeOffset? oldUntil) = KeyTimes(host.Identity, clock.GetUtcNow());
        return new StatusDto
        {
            Version = ProductVersion.Text,
            Name = snapshot.Name,
            Id = snapshot.Self.ToString(),
            Key = host.Identity.Lineage.Current.ToString(),
            KeyExpiresUtc = expires,
            OldKeyUntilUtc = oldUntil,
            Pid = Environment.ProcessId,
            StartedUtc = _started,
            UptimeSeconds = clock.GetElapsedTime(_startedTicks).TotalSeconds,
            ResidentBytes = ResidentBytes(),
            Config = host.Config.Path,
            ConfirmByUtc = reloader.ConfirmBy,
            Listen = [host.LocalEndPoint.ToString()],
            Metrics = metrics.EndPoint?.ToString(),
            PacketProtection = host.PacketProtection,
            Libraries = LibrariesDto.OfThisProcess(),
            Loop = new LoopDto { AllocatedBytes = allocated, Turns = turns },
            Connections = snapshot.Connections,
            Endpoint = SnapshotMapper.Endpoint(snapshot),
            Handshakes = snapshot.Handshakes,
            Drops = SnapshotMapper.Drops(snapshot.Drops),
            Offloads = SnapshotMapper.Offloads(host.UdpObstacles),
            Networks = SnapshotMapper.Networks(snapshot, host.TunObstacles),
            Peers = SnapshotMapper.Peers(snapshot, clock.GetUtcNow()).Peers,
            KeptOut = SnapshotMapper.KeptOut(snapshot),
            Warnings = [.. reloader.Warnings, .. host.Config.Warnings.Select(warning => warning.ToString()), .. host.Warnings, .. metrics.Warnings, .. push.Warnings, .. KeyWarnings(expires)],
        };
    }

    public async Task<PeersDto> PeersAsync() => SnapshotMapper.Peers(await host.SnapshotAsync(), clock.GetUtcNow());

    /// <returns>Null: no such peer.</returns>
    public async Task<PeerHistoryDto?> PeerAsync(string name) =>
        await host.HistoryAsync(name) is { } history && await host.SnapshotAsync() is var snapshot && snapshot.Peers.Any(peer => peer.Name == name)
            ? SnapshotMapper.PeerHistory(snapshot, name, history, clock.GetUtcNow())
            : null;

    public async Task<RoutesDto> RoutesAsync() => SnapshotMapper.Routes(await host.SnapshotAsync());

    private static (DateTimeOffset? Expires, DateTimeOffset? OldUntil) KeyTimes(NodeIdentity identity, DateTimeOffset now)
    {
        DateTimeOffset? expires = NodeSample.NotAfterOf(identity) is { } seconds and <= Invite.LastUtcSeconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        DateTimeOffset? oldUntil = identity.Lineage.OverlapEnds is [.., var end] ? DateTimeOffset.FromUnixTimeSeconds(end) : null;
        return (expires, oldUntil > now ? oldUntil : null);
    }

    private IEnumerable<string> KeyWarnings(DateTimeOffset? expires) => expires is { } end && KeyLife.Words(end, clock.GetUtcNow()) is { } words
        ? [$"this node's certificate {words}; make a successor in time: vibepn rotate-key"]
        : [];

    /// <summary>VmRSS of proc(5), which is in KiB.</summary>
    public static long ResidentBytes() =>
        OwnProcess.StatusField("VmRSS")?.Replace("kB", "", StringComparison.Ordinal) is { } text
            && long.TryParse(text, NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long kib)
            ? kib * 1024
            : 0;
}
