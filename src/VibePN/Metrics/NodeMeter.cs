// Long because it is the list of all metrics; docs/metrics.md has the same list, and a test compares the two.
using System.Diagnostics.Metrics;
using VibePN.Api;
using VibePN.Routing;

namespace VibePN.Metrics;

/// <summary>The node's metrics as observable instruments, under the names that Prometheus knows them by. All read one sample.</summary>
public sealed class NodeMeter : IDisposable
{
    /// <summary>What <see cref="NodeSnapshot.Handshakes"/> may count: told as 0 before the first, so that the first can raise an alert.</summary>
    private static readonly string[] HandshakeResults =
        ["dialed", "up", "refused", "refusedByPeer", "refusedByUs", "timedOut", "unreachable", "lost", "protocolRefused"];

    private readonly Func<NodeSample> _sample;

    /// <param name="sample">The latest; asked for by each instrument, so it must not change while they are read.</param>
    public NodeMeter(Func<NodeSample> sample)
    {
        _sample = sample;
        AddNode();
        AddNetworks();
        AddPeers();
        AddQueues();
        AddRepair();
    }

    public Meter Meter { get; } = new("VibePN");

    private NodeSnapshot Node => _sample().Node;

    public void Dispose() => Meter.Dispose();

    private void AddNode()
    {
        Gauge("vibepn_build_info", "Versions of the daemon and of what it has loaded; always 1.", () =>
        [
            new(1, [Label("version", _sample().Version), Label("ngtcp2", _sample().Ngtcp2), Label("gnutls", _sample().GnuTls)]),
        ]);
        Gauge("vibepn_uptime_seconds", "Since the start of the node.", () => [new((Node.At.Nanos - Node.StartedAt.Nanos) / 1e9)]);
        Gauge("vibepn_resident_memory_bytes", "Resident memory of the process.", () => [new(_sample().ResidentBytes)]);
        Counter("vibepn_loop_allocated_bytes_total", "Managed bytes that the packet thread has allocated: stands still while packets flow.", () => [new(_sample().LoopAllocatedBytes)]);
        Counter("vibepn_loop_turns_total", "Times that the packet thread woke up.", () => [new(_sample().LoopTurns)]);
        Gauge(
            "vibepn_certificate_expiry_timestamp_seconds",
            "Last second of the own certificate, since 1970-01-01 UTC.",
            () => _sample().CertificateNotAfterUtcSeconds is { } seconds ? [new(seconds)] : []);
        Gauge("vibepn_connections", "QUIC connections that exist, in any state.", () => [new(Node.Connections)]);
        Counter(
            "vibepn_handshakes_total",
            "Attempts to connect by result.",
            () => HandshakeResults.Union(Node.Handshakes.Keys).Select(result => new Measurement<long>(Node.Handshakes.GetValueOrDefault(result), Label("result", result))));
        Gauge("vibepn_introduced_peers", "Peers that are known by introduction alone.", () => [new(Node.Peers.Count(peer => peer.Trust == Config.PeerTrust.Introduction))]);
        Counter("vibepn_retries_sent_total", "Dialers that were asked to prove their address first.", () => [new((long)Node.Endpoint.RetriesSent)]);
        Counter("vibepn_stateless_resets_sent_total", "Answers to packets of connections that are not known here.", () => [new((long)Node.Endpoint.StatelessResetsSent)]);
        Counter("vibepn_datagrams_dropped_total", "UDP datagrams dropped before they belonged to a connection, by reason.", () => EndpointDto.AllDrops(Node.Endpoint)
            .Select(drop => new Measurement<long>(drop.Count, Label("reason", drop.Reason))));
        Counter("vibepn_drops_total", "IP packets dropped anywhere in the node, by reason.", () => Enum.GetValues<DropReason>()
            .Select(reason => new Measurement<long>((long)Node.Drops.GetValueOrDefault(reason), Label("reason", DropReasons.NameOf(reason)))));
    }

    private void AddNetworks()
    {
        Gauge("vibepn_network_mtu_bytes", "Largest packet on the network's interface.", () => Node.Networks
            .Select(network => new Measurement<double>(network.MtuBytes, Label("network", network.Name), Label("interface", network.Interface))));
        Gauge("vibepn_network_routes", "Addresses and routes that connected peers claim, by what is made of them.", () => Node.Networks
            .SelectMany(network => RouteStates.Select(state => new Measurement<double>(
                network.Routes.Count(route => !route.IsFormer && StateOf(route) == state), Label("network", network.Name), Label("state", state)))));
        Counter("vibepn_network_drops_total", "IP packets dropped in the network, before or after they had a peer, by reason.", () => Node.Networks
            .SelectMany(network => Enum.GetValues<DropReason>().Select(reason => new Measurement<long>(
                (long)network.Drops.GetValueOrDefault(reason), Label("network", network.Name), Label("reason", DropReasons.NameOf(reason))))));
    }

    private void AddPeers()
    {
        PeerGauge("vibepn_peer_up", "1 when the peer is connected, else 0.", peer => peer.Condition == PeerCondition.Up ? 1 : 0);
        PeerCounters("vibepn_peer_bytes_total", "Bytes of IP packets from (in) and to (out) the peer.", "direction", peer => [("in", (long)peer.BytesIn), ("out", (long)peer.BytesOut)]);
        PeerCounters("vibepn_peer_packets_total", "IP packets from (in) and to (out) the peer.", "direction", peer => [("in", (long)peer.PacketsIn), ("out", (long)peer.PacketsOut)]);
        PeerGauge("vibepn_peer_rtt_seconds", "Smoothed round trip to the peer.", peer => peer.Quic?.SmoothedRtt.TotalSeconds);
        PeerGauge("vibepn_peer_rtt_min_seconds", "Shortest round trip of the present connection.", peer => peer.Quic?.MinRtt.TotalSeconds);
        PeerGauge("vibepn_peer_echo_seconds", "Round trip of the last keepalive, through both nodes.", peer => peer.EchoRtt?.TotalSeconds);
        PeerGauge("vibepn_peer_unanswered_seconds", "For how long packets to the peer have gone unanswered; 0: they are answered.", peer => peer.Quic is null ? null : peer.Unanswered?.TotalSeconds ?? 0);
        PeerGauge("vibepn_peer_loss_ratio", "Share of the datagrams of the present connection that were lost on the way to the peer, 0 to 1.", LossOf);
        PeerCounters(
            "vibepn_peer_datagrams_total",
            "Datagrams of the present connection by what became of them.",
            "result",
            peer => peer.Quic is { } quic ? [("acknowledged", (long)quic.DatagramsAcked), ("lost", (long)quic.DatagramsLost)] : []);
        PeerGauge("vibepn_peer_mtu_bytes", "The largest IP packet that the path to the peer carries whole.", peer => peer.MtuBytes);
        PeerCounter("vibepn_peer_black_holes_total", "Times that the path of the present connection was found to lose what it had carried.", peer => peer.Quic?.BlackHoles);
        PeerGauge("vibepn_peer_congestion_window_bytes", "Congestion window of the present connection.", peer => peer.Quic?.CongestionWindowBytes);
        PeerGauge("vibepn_peer_in_flight_bytes", "Sent and not yet acknowledged.", peer => peer.Quic?.BytesInFlight);
        PeerCounter("vibepn_peer_doubts_total", "Times that packets went unanswered while the peer was connected.", peer => peer.Doubts);
        PeerCounter("vibepn_peer_unresponsive_total", "Connections that ended because nobody answered on them.", peer => peer.Unresponsive);
        PeerCounter("vibepn_peer_routes_refused_total", "Addresses and routes that the peer claimed and was refused, each time one was new.", peer => peer.RoutesRefused);
        PeerCounter("vibepn_peer_introductions_refused_total", "Members that the peer introduced and that were not taken, each time.", peer => peer.IntroductionsRefused);
    }

    private void AddQueues()
    {
        PeerGauge("vibepn_peer_queue_bytes", "What waits until the line to the peer takes it.", peer => peer.Queue.Bytes);
        PeerGauge("vibepn_peer_queue_wait_seconds", "How long the oldest of it has waited.", peer => peer.Queue.Wait.TotalSeconds);
        PeerGauge("vibepn_peer_queue_wait_max_seconds", "The longest wait of the last 5 to 10 s.", peer => peer.Queue.MaxWait.TotalSeconds);
        PeerCounter("vibepn_peer_queue_marked_total", "Packets marked CE (ECN) instead of being dropped.", peer => (long)peer.Queue.Marked);
        PeerCounters(
            "vibepn_peer_queue_dropped_total",
            "Packets dropped in the queue: their flow waited too long (codel), or it was full.",
            "reason",
            peer => [("codel", (long)peer.Queue.DroppedByCoDel), ("full", (long)peer.Queue.DroppedFull)]);
    }

    private void AddRepair()
    {
        PeerGauge("vibepn_peer_repair_on", "1 while packets to the peer are numbered and sent again when they are lost.", peer => peer.Repair is { } repair ? repair.IsOn ? 1 : 0 : null);
        PeerCounter("vibepn_peer_resent_packets_total", "Out: lost packets sent again on the present connection.", peer => (long?)peer.Repair?.Resent);
        PeerCounter("vibepn_peer_given_up_packets_total", "Out: lost packets that were too old to be sent again.", peer => (long?)peer.Repair?.GivenUp);
        PeerCounter("vibepn_peer_repaired_packets_total", "In: packets that came again while others waited for them.", peer => (long?)peer.Repair?.Repaired);
        PeerCounter("vibepn_peer_missed_packets_total", "In: packets whose wait ended without them.", peer => (long?)peer.Repair?.Missed);
        PeerCounter("vibepn_peer_rebuilt_packets_total", "In: lost packets that were made from parity.", peer => (long?)peer.Parity?.Counts.Rebuilt);
        PeerCounter("vibepn_peer_parity_packets_total", "Out: packets of parity.", peer => (long?)peer.Parity?.Counts.Written);
    }

    private static readonly string[] RouteStates = ["used", "standBy", "refused"];

    private static string StateOf(Route route) => route.IsUsed ? "used" : route.IsStandBy ? "standBy" : "refused";

    private static double? LossOf(PeerSnapshot peer)
    {
        var settled = peer.Quic is { } quic ? quic.DatagramsAcked + quic.DatagramsLost : 0;
        return settled > 0 ? peer.Quic!.Value.DatagramsLost / (double)settled : null;
    }

    private static KeyValuePair<string, object?> Label(string name, string? value) => new(name, value);

    private void Gauge(string name, string help, Func<IEnumerable<Measurement<double>>> read) => Meter.CreateObservableGauge(name, read, description: help);

    private void Counter(string name, string help, Func<IEnumerable<Measurement<long>>> read) => Meter.CreateObservableCounter(name, read, description: help);

    /// <param name="read">Null: nothing is told of this peer.</param>
    private void PeerGauge(string name, string help, Func<PeerSnapshot, double?> read) => Gauge(name, help, () => Node.Peers
        .Select(peer => (peer.Name, Value: read(peer))).Where(peer => peer.Value is not null)
        .Select(peer => new Measurement<double>(peer.Value!.Value, Label("peer", peer.Name))));

    private void PeerCounter(string name, string help, Func<PeerSnapshot, long?> read) => Counter(name, help, () => Node.Peers
        .Select(peer => (peer.Name, Value: read(peer))).Where(peer => peer.Value is not null)
        .Select(peer => new Measurement<long>(peer.Value!.Value, Label("peer", peer.Name))));

    private void PeerCounters(string name, string help, string label, Func<PeerSnapshot, (string Word, long Count)[]> read) => Counter(name, help, () => Node.Peers
        .SelectMany(peer => read(peer).Select(value => new Measurement<long>(value.Count, Label("peer", peer.Name), Label(label, value.Word)))));
}
