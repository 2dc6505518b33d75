using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using VibePN.Api;

namespace VibePN.Metrics;

/// <summary>
/// What the page is told, as server-sent events (HTML standard, §9.2): <c>node</c> each second, <c>routes</c> when they have changed. The
/// documents are JSON on one line in plain ASCII; characters that mean something in HTML or to a script are escaped too.
/// </summary>
public static class PageEvents
{
    private static readonly JsonWriterOptions s_options = new() { Indented = false, Encoder = JavaScriptEncoder.Default };

    /// <param name="nowUtc">The wall clock at the sample.</param>
    public static byte[] Node(NodeSample sample, DateTimeOffset nowUtc) => Event("node", json =>
    {
        var node = sample.Node;
        json.WriteString("name", node.Name);
        json.WriteString("id", node.Self.ToString());
        json.WriteString("version", sample.Version);
        json.WriteNumber("at", Seconds(node.At.Nanos));
        json.WriteNumber("up", Seconds(node.At.Nanos - node.StartedAt.Nanos));
        json.WriteNumber("rss", sample.ResidentBytes);
        Drops(json, node.Drops);
        json.WriteStartArray("networks");
        foreach (var network in node.Networks)
        {
            json.WriteStartObject();
            json.WriteString("name", network.Name);
            json.WriteString("interface", network.Interface);
            json.WriteNumber("mtu", network.MtuBytes);
            Strings(json, "addresses", network.OwnAddresses.Select(address => address.ToString()));
            Drops(json, network.Drops);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("peers");
        foreach (var peer in SnapshotMapper.Peers(node, nowUtc).Peers)
        {
            Peer(json, peer, nowUtc);
        }

        json.WriteEndArray();
    });

    public static byte[] Routes(NodeSample sample) => Event("routes", json =>
    {
        json.WriteStartArray("routes");
        foreach (var route in SnapshotMapper.Routes(sample.Node).Routes)
        {
            json.WriteStartObject();
            json.WriteString("network", route.Network);
            json.WriteString("prefix", route.Prefix);
            Text(json, "peer", route.Peer);
            json.WriteString("source", route.Source);
            if (route.Metric is { } metric)
            {
                json.WriteNumber("metric", metric);
            }

            json.WriteBoolean("used", route.Used);
            json.WriteString("state", route.Used ? "used" : route.Former ? "former" : route.StandBy ? "stand-by" : "refused");
            Text(json, "why", route.Why);
            Text(json, "conflict", route.Conflict);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static void Peer(Utf8JsonWriter json, PeerDto peer, DateTimeOffset nowUtc)
    {
        json.WriteStartObject();
        json.WriteString("name", peer.Name);
        Text(json, "id", peer.Id);
        json.WriteString("state", peer.State switch
        {
            PeerState.Connected => "connected",
            PeerState.Dialing => "dialing",
            PeerState.RefusedByPeer => "refused by peer",
            PeerState.RefusedByUs => "refused by us",
            PeerState.Unreachable => "unreachable",
            _ => "waiting",
        });
        Text(json, "reason", peer.Reason);
        Text(json, "address", peer.Address);
        Text(json, "protocol", peer.Protocol);
        Strings(json, "networks", peer.Networks);
        Strings(json, "addresses", peer.Addresses);
        Number(json, "rtt", peer.RttMillis);
        Number(json, "loss", peer.Loss);
        Number(json, "mtu", peer.MtuBytes);
        Number(json, "age", peer.SinceUtc is { } since ? (nowUtc - since).TotalSeconds : null);
        json.WriteNumber("in", peer.BytesIn);
        json.WriteNumber("out", peer.BytesOut);
        if (peer.Queue.Bytes > 0)
        {
            json.WriteNumber("queue", peer.Queue.Bytes);
            json.WriteNumber("wait", Math.Round(peer.Queue.WaitMillis, 3));
        }

        if (peer.Queue.DroppedByCoDel + peer.Queue.DroppedFull is > 0 and var dropped)
        {
            json.WriteNumber("dropped", dropped);
        }

        if (peer.RoutesRefused > 0)
        {
            json.WriteNumber("refused", peer.RoutesRefused);
        }

        json.WriteEndObject();
    }

    private static byte[] Event(string name, Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> output = new(4096);
        output.Write("event: "u8);
        output.Write(System.Text.Encoding.ASCII.GetBytes(name));
        output.Write("\ndata: "u8);
        using (Utf8JsonWriter json = new(output, s_options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        output.Write("\n\n"u8);
        return output.WrittenSpan.ToArray();
    }

    private static void Drops(Utf8JsonWriter json, IReadOnlyDictionary<DropReason, ulong> drops)
    {
        json.WriteStartObject("drops");
        foreach (var (reason, count) in drops)
        {
            if (count > 0)
            {
                json.WriteNumber(DropReasons.NameOf(reason), count);
            }
        }

        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
        {
            json.WriteNumber(name, Math.Round(number, 6));
        }
    }

    private static double Seconds(ulong nanos) => Math.Round(nanos / 1e9, 3);
}
