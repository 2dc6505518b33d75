// Loss repair (docs/protocol.md, Order; docs/adr/0009): out, packets of ordered flows are numbered and kept until they are acknowledged while
// the path loses some, and those lost are sent again; in, each flow is put back in order within a bounded wait.
using VibePN.Control;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Flag: a sequence number stands in front of the packet.</summary>
    private const byte SequenceFlag = 4;

    /// <summary>A frame whose flow has no order to keep.</summary>
    private const int NoLane = -1;

    private readonly RepairMemory _repairMemory = new(Limits.RepairBytes, Limits.RepairBytesOfNode);

    /// <summary>Connections on which packets wait for others.</summary>
    private readonly List<PeerConnection> _reordering = [];

    /// <summary>When the first such wait ends, or earlier.</summary>
    private ulong _reorderDeadline = ulong.MaxValue;

    /// <summary>Bytes reserved for copies of packets, of all connections.</summary>
    public long RepairReservedBytes => _repairMemory.ReservedBytes;

    public override void OnDatagramAcked(QuicConnection connection, uint number) => ((PeerConnection)connection.Tag!).Repair?.OnAcked(number);

    public override void OnDatagramLost(QuicConnection connection, uint number) => ((PeerConnection)connection.Tag!).Repair?.OnLost(number);

    /// <summary>The largest packet that a numbered datagram holds: what TCP is told, so that repair may begin in the middle of a flow.</summary>
    private int OrderedMtuOf(PeerConnection link, NodeNetwork network) => Math.Min(
        MtuOf(link, network),
        _now.Nanos < link.CreatedNanos + PathSizeSettledNanos
            ? int.MaxValue
            : link.Quic.MaxDatagramBytes - VarInt.ByteCount(link.SendTags[network.Index]) - 1 - SequenceReserve(link));

    /// <summary>Bytes that a datagram of this flow to this peer may need for a sequence number: its host is told so much less.</summary>
    private static int SequenceReserve(PeerConnection link, ReadOnlySpan<byte> frame) =>
        link.LossMeter is not null && IpHeader.TryParse(frame[..Math.Min(IpHeader.DeclaredLength(frame), frame.Length)], out var ip)
            && ip.Protocol == IpProtocol.Tcp
            ? SequenceReserve(link)
            : 0;

    /// <summary>The same of TCP: for its number, and for what covers the packet by parity.</summary>
    private static int SequenceReserve(PeerConnection link) =>
        (link.LossMeter is null ? 0 : RepairSequence.Bytes) + (link.ParityMeter is null ? 0 : QuicConnection.ParityBytes);

    private int LaneOf(ReadOnlySpan<byte> frame)
    {
        // Of a frame that was begun, the header is that of the packet written last.
        frame = frame[..Math.Min(IpHeader.DeclaredLength(frame), frame.Length)];
        return IpHeader.TryParse(frame, out var ip) && RepairSequence.IsOrdered(ip, frame)
            ? RepairSender.LaneOf(FlowHash.Of(ip, frame, _flowSalt))
            : NoLane;
    }

    /// <summary>Writes one numbered packet; it fits. In front of it <see cref="_header"/> holds tag and flags.</summary>
    private DatagramWrite WriteOrdered(PeerConnection link, int lane, int prefixBytes, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var repair = link.Repair!;
        _header[prefixBytes - 1] |= SequenceFlag;
        repair.Peek(lane).Write(_header.AsSpan(prefixBytes));
        headers.CopyTo(_header.AsSpan(prefixBytes + RepairSequence.Bytes));
        var header = _header.AsSpan(0, prefixBytes + RepairSequence.Bytes + headers.Length);
        var result = WriteDatagram(link, header, payload);
        if (result is DatagramWrite.Written or DatagramWrite.Open)
        {
            repair.Sent(lane, link.Quic.LastDatagram, header, payload, _now.Nanos);
        }

        _header[prefixBytes - 1] &= unchecked((byte)~SequenceFlag);
        return result;
    }

    /// <summary>Sends again what was lost, ahead of everything that is new.</summary>
    /// <returns>False: some is left; the window, the pacer or the socket is full.</returns>
    private bool Resend(PeerConnection link)
    {
        var repair = link.Repair!;
        while (repair.TryPeekLost(_now.Nanos, out var datagram))
        {
            switch (WriteDatagram(link, datagram, default))
            {
                case DatagramWrite.Written or DatagramWrite.Open:
                    repair.Resend(link.Quic.LastDatagram, _whole);
                    break;
                case DatagramWrite.Blocked:
                    link.IsBlocked = !_udpBlocked;
                    return false;
                default:
                    // The path has become smaller, or the connection is over.
                    repair.GiveUp();
                    break;
            }
        }

        return true;
    }

    /// <summary>Looks at what the path loses, and begins or ends repair.</summary>
    private void CheckLoss(PeerConnection link, LossMeter meter)
    {
        var stats = link.Quic.GetStats();
        if (link.BlackHoles != link.Quic.BlackHoles)
        {
            link.BlackHoles = link.Quic.BlackHoles;
            meter.Forget(stats.DatagramsAcked, link.Quic.PathLosses);
        }

        var wasFound = meter is { IsOn: true, IsTrial: false };
        if (meter.Update(stats.DatagramsAcked, link.Quic.PathLosses, (ulong)stats.MinRtt.TotalNanoseconds, _now.Nanos, link.ParityMeter?.Hidden(_now.Nanos) ?? 0))
        {
            SwitchRepair(link, meter.IsOn);
        }

        CheckParity(link, stats);
        if (meter is { IsOn: true, IsTrial: false } != wasFound && MayLog(link.Peer!))
        {
            Log.RepairChanged(_logger, link.Peer!.Name, meter.IsOn ? "begins" : "ends", meter.Loss * 100, stats.MinRtt.TotalMilliseconds);
        }
    }

    /// <summary>A flow of TCP begins: what its first packets lose would cost it most.</summary>
    private void BeginTrial(PeerConnection link)
    {
        if (link.LossMeter is { IsUntried: true } meter && meter.BeginTrial((ulong)link.Quic.GetStats().MinRtt.TotalNanoseconds, _now.Nanos))
        {
            SwitchRepair(link, isOn: true);
        }
    }

    private void SwitchRepair(PeerConnection link, bool isOn)
    {
        link.Quic.TellsDatagrams = link.IsRepairing = isOn;
        if (isOn)
        {
            link.Repair ??= new RepairSender(_repairMemory);
        }
        else
        {
            link.Repair?.Release();
        }
    }

    private void OnOrderedPacketIn(PeerConnection link, NodeNetwork network, byte flags, ReadOnlySpan<byte> packet)
    {
        if (packet.Length <= RepairSequence.Bytes || (flags & FragmentFlag) != 0)
        {
            DropIn(network, link.Peer!, DropReason.InMalformed, packet);
            return;
        }

        var reorder = link.Reorder ??= new ReorderBuffer(_repairMemory);
        var sequence = RepairSequence.Read(packet);
        packet = packet[RepairSequence.Bytes..];
        ReorderResult result;
        while ((result = reorder.Add(sequence, network.Index, flags, packet, _now.Nanos)) == ReorderResult.Full)
        {
            DeliverReady(link);
        }

        switch (result)
        {
            case ReorderResult.Pass:
                OnWholePacketIn(link.Peer!, network, packet, (flags & ChecksumPartialFlag) != 0);
                DeliverReady(link);
                break;
            case ReorderResult.Held when link.ReorderNanos == ulong.MaxValue:
                link.ReorderNanos = _now.Nanos + WaitNanos(link);
                _reorderDeadline = Math.Min(_reorderDeadline, link.ReorderNanos);
                _reordering.Add(link);
                break;
            case ReorderResult.Duplicate:
                DropIn(network, link.Peer!, DropReason.InDuplicate, packet, (flags & ChecksumPartialFlag) != 0);
                break;
        }
    }

    private void DeliverReady(PeerConnection link)
    {
        while (link.Reorder!.TryTake(out var network, out var flags, out var packet))
        {
            OnWholePacketIn(link.Peer!, _networks[network], packet, (flags & ChecksumPartialFlag) != 0);
        }
    }

    /// <summary>
    /// The peer's packets come on another connection now. What waits on the one before, for packets that may never come there, goes to the host
    /// ahead of them.
    /// </summary>
    private void TakeOver(Peer peer, PeerConnection link)
    {
        if (peer.Carrier is { Reorder: { Count: > 0 } reorder } before)
        {
            reorder.ReleaseAll();
            DeliverReady(before);
        }

        peer.Carrier = link;
    }

    /// <summary>Ends the waits that have lasted long enough, and finds when the next one will have.</summary>
    private void RunReorderTimers()
    {
        _reorderDeadline = ulong.MaxValue;
        for (var i = _reordering.Count - 1; i >= 0; i--)
        {
            var link = _reordering[i];
            link.ReorderNanos = link.Reorder!.Expire(_now.Nanos, WaitNanos(link));
            DeliverReady(link);
            if (link.ReorderNanos == ulong.MaxValue)
            {
                _reordering[i] = _reordering[^1];
                _reordering.RemoveAt(_reordering.Count - 1);
            }

            _reorderDeadline = Math.Min(_reorderDeadline, link.ReorderNanos);
        }
    }

    /// <summary>The connection is over: what waits goes to the host as it is, and all memory back.</summary>
    private void EndRepair(PeerConnection link)
    {
        link.IsRepairing = false;
        link.Repair?.Release();
        if (link.Reorder is { } reorder)
        {
            reorder.ReleaseAll();
            DeliverReady(link);
            reorder.ReleaseMemory();
            _reordering.Remove(link);
            link.ReorderNanos = ulong.MaxValue;
        }
    }

    private static ulong WaitNanos(PeerConnection link) => RepairSequence.WaitNanos((ulong)link.Quic.GetStats().SmoothedRtt.TotalNanoseconds);

    private static RepairSnapshot? RepairOf(PeerConnection link) => link.LossMeter is not { } meter ? null : new RepairSnapshot
    {
        IsOn = link.IsRepairing,
        IsTrial = meter.IsTrial,
        ChangedNanos = meter.ChangedNanos,
        Loss = meter.Loss,
        Limit = meter.UsedLimit,
        Resent = link.Repair?.Resent ?? 0,
        GivenUp = link.Repair?.GivenUp ?? 0,
        Repaired = link.Reorder?.Repaired ?? 0,
        Late = link.Reorder?.Late ?? 0,
        Missed = link.Reorder?.Missed ?? 0,
        Held = link.Reorder?.Count ?? 0,
    };
}
