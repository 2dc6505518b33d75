using System.Runtime.CompilerServices;
using VibePN.Capture;
using VibePN.Linux;
using VibePN.Peers;

namespace VibePN;

// Looking at the packets: the path's own calls cost a comparison while nobody does.
internal sealed partial class Node
{
    /// <summary>Where packets are copied to; null: nobody looks.</summary>
    public CaptureRing? Capture { get; set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CaptureOut(NodeNetwork network, Peer peer, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload, bool checksumPartial)
    {
        if (Capture is { } ring)
        {
            Copy(ring, network, peer.Name, isOut: true, reason: null, 1, headers, payload, checksumPartial);
        }
    }

    /// <param name="peer">Null: this node itself, which answers for a packet that goes no further.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CaptureIn(NodeNetwork network, Peer? peer, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        if (Capture is { } ring)
        {
            Copy(ring, network, peer?.Name, isOut: false, reason: null, 1, packet, default, checksumPartial);
        }
    }

    /// <summary>Counts what goes no further on its way out.</summary>
    /// <param name="frame">As the host gave it: maybe a super-packet, maybe no packet at all.</param>
    private void DropOut(NodeNetwork network, Peer? peer, DropReason reason, ReadOnlySpan<byte> frame, int packets = 1, bool checksumPartial = false)
    {
        network.Counters.Drop(reason, packets);
        if (Capture is { } ring)
        {
            Copy(ring, network, peer?.Name, isOut: true, reason, packets, frame, default, checksumPartial);
        }
    }

    /// <summary>Counts what a queue dropped, which does not know whose it is.</summary>
    private void DropQueued(int index, DropReason reason, int packets, ReadOnlySpan<byte> frame)
    {
        var network = _networks[index];
        network.Counters.Drop(reason, packets);
        if (Capture is { } ring)
        {
            var peer = IpHeader.TryParse(frame, out var ip) ? network.Forwarding.Lookup(ip.Destination) : null;
            Copy(ring, network, peer?.Name, isOut: true, reason, packets, frame, default, checksumPartial: false);
        }
    }

    /// <summary>Counts what goes no further on its way in.</summary>
    private void DropIn(NodeNetwork network, Peer peer, DropReason reason, ReadOnlySpan<byte> packet, bool checksumPartial = false)
    {
        network.Counters.Drop(reason);
        if (Capture is { } ring)
        {
            Copy(ring, network, peer.Name, isOut: false, reason, 1, packet, default, checksumPartial);
        }
    }

    private void Copy(
        CaptureRing ring,
        NodeNetwork network,
        string? peer,
        bool isOut,
        DropReason? reason,
        int packets,
        ReadOnlySpan<byte> headers,
        ReadOnlySpan<byte> payload,
        bool checksumPartial)
    {
        var filter = ring.Filter;
        if ((filter.DroppedOnly && reason is null) || (filter.Peer is { } wanted && wanted != peer) || (filter.Network is { } named && named != network.Name))
        {
            return;
        }

        _ = ring.TryAdd(
            new CapturedPacket
            {
                Network = network.Name,
                Interface = network.Config.Interface,
                Peer = peer,
                IsOut = isOut,
                Reason = reason,
                Packets = packets,
                Nanos = _now.Nanos,
                ChecksumPartial = checksumPartial,
            },
            headers,
            payload);
    }
}
