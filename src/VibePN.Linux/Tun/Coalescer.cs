using System.Buffers.Binary;
using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Packets for one TUN: neighbours of a flow become one super-packet, everything else passes through. The order within a flow is kept.
/// Buffers are allocated once. One thread.
/// </summary>
/// <remarks>
/// A flow has at most one open frame, to which its next packet may be appended (compare net/ipv4/tcp_offload.c). It is closed by a packet
/// that does not continue it, by a shorter one, by PSH, and when 65,535 bytes would be passed. Frames leave in the order in which they
/// were begun.
/// </remarks>
public sealed unsafe class Coalescer : IDisposable
{
    private const int MaxFrameBytes = 65_535;
    private const int MaxFrames = 1024;

    /// <summary>More bytes than this do not wait: they would only push each other out of the processor's cache.</summary>
    private const int MaxWaitingBytes = 512 * 1024;

    private const byte TcpPsh = 0x08;
    private const byte TcpFlagsMask = unchecked((byte)~TcpPsh);

    private readonly NativeBuffer _data;
    private readonly CoalesceSlot[] _slots;

    /// <summary>The hash of the flow whose open frame the slot is; 0: closed.</summary>
    private readonly int[] _open;
    private int _bytes;
    private bool _tcp;
    private bool _udp;

    /// <param name="frames">Frames kept until the next flush, 1…1024; of large ones fewer.</param>
    /// <param name="tcp">Coalesce TCP; the TUN should have offloads.</param>
    /// <param name="udp">Coalesce UDP; the TUN must have the UDP offload.</param>
    public Coalescer(int frames, bool tcp, bool udp)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frames, MaxFrames);
        _data = new NativeBuffer((nuint)frames * TunBatch.SlotBytes);
        _slots = new CoalesceSlot[frames];
        _open = new int[frames];
        _tcp = tcp;
        _udp = udp;
    }

    /// <summary>Frames that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Why TCP or UDP is not coalesced any more although asked for; null otherwise.</summary>
    public string? InactiveReason { get; private set; }

    /// <summary>One frame, in output order. Borrowed until the next call of anything else.</summary>
    public TunFrame this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return Finish(index);
        }
    }

    /// <summary>Copies one packet.</summary>
    /// <param name="checksumPartial">The transport checksum was left out by the sender.</param>
    public CoalesceResult Add(ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        if (!IpHeader.TryParse(packet, out var ip) || packet.Length > MaxFrameBytes
            || (checksumPartial && !TransportChecksum.MayBePartial(ip, packet.Length)))
        {
            return CoalesceResult.Invalid;
        }

        var mayMerge = ip.Protocol == IpProtocol.Tcp ? _tcp : _udp;
        if (!CoalesceCandidate.TryCreate(packet, ip, checksumPartial, mayMerge, out var candidate))
        {
            if (IsFull)
            {
                return CoalesceResult.Full;
            }

            if (TransportChecksum.OffsetOf(ip.Protocol) >= 0)
            {
                // A flow that cannot be told: nothing that comes later may overtake this packet.
                _open.AsSpan(0, Count).Clear();
            }

            Begin(packet, ip.PayloadOffset, ip.Protocol, ip.Version == 4, checksumPartial);
            return CoalesceResult.Ok;
        }

        var open = FindOpen(packet, candidate);
        if (open >= 0)
        {
            if (candidate.IsMergeable && TryAppend(open, packet, candidate))
            {
                _bytes += packet.Length;
                return CoalesceResult.Ok;
            }

            if (IsFull)
            {
                return CoalesceResult.Full;
            }

            _open[open] = 0;
        }
        else if (IsFull)
        {
            return CoalesceResult.Full;
        }

        Begin(packet, candidate.TransportOffset, candidate.Protocol, candidate.IsV4, checksumPartial);
        if (candidate.IsMergeable)
        {
            OpenLast(packet, candidate);
        }

        return CoalesceResult.Ok;
    }

    /// <summary>
    /// Gives all frames to the host and forgets them. A super-packet that the kernel refuses goes packet by packet, and coalescing ends
    /// if that works. Frames that are lost are counted by the device.
    /// </summary>
    public void Flush(TunDevice tun)
    {
        ArgumentNullException.ThrowIfNull(tun);
        for (var i = 0; i < Count; i++)
        {
            var frame = Finish(i);
            var result = tun.Write(frame.Header, frame.Packet);
            if (result is TunWriteResult.Invalid or TunWriteResult.TooBig && frame.Header.NeedsChecksum
                && TunFallback.Write(tun, frame) && frame.Header.IsGso)
            {
                Disable(_slots[i].Protocol, result);
            }
        }

        Clear();
    }

    /// <summary>Forgets all frames.</summary>
    public void Clear()
    {
        _open.AsSpan(0, Count).Clear();
        Count = 0;
        _bytes = 0;
    }

    /// <summary>Forgets all frames and gives the buffers' memory back until it is needed again.</summary>
    public void Release()
    {
        Clear();
        _data.Release();
    }

    public void Dispose()
    {
        Clear();
        _data.Dispose();
    }

    private bool IsFull => Count == _slots.Length || _bytes >= MaxWaitingBytes;

    private Span<byte> Slot(int index) => new(_data.Start + ((nuint)index * TunBatch.SlotBytes), TunBatch.SlotBytes);

    private void Disable(byte protocol, TunWriteResult result)
    {
        InactiveReason ??= $"the kernel refused a super-packet ({result})";
        _tcp &= protocol != IpProtocol.Tcp;
        _udp &= protocol != IpProtocol.Udp;
    }

    private int FindOpen(ReadOnlySpan<byte> packet, in CoalesceCandidate candidate)
    {
        var open = _open.AsSpan(0, Count);
        var flow = CoalesceCandidate.FlowOf(packet, candidate.IsV4);
        while (true)
        {
            var index = open.LastIndexOf(candidate.Hash);
            if (index < 0)
            {
                return -1;
            }

            ref readonly var slot = ref _slots[index];
            if (slot.IsV4 == candidate.IsV4 && slot.Protocol == candidate.Protocol
                && CoalesceCandidate.FlowOf(Slot(index), slot.IsV4).SequenceEqual(flow))
            {
                return index;
            }

            open = open[..index];
        }
    }

    private void Begin(ReadOnlySpan<byte> packet, int transportOffset, byte protocol, bool isV4, bool checksumPartial)
    {
        packet.CopyTo(Slot(Count));
        _bytes += packet.Length;
        _open[Count] = 0;
        _slots[Count++] = new CoalesceSlot
        {
            Bytes = packet.Length,
            Packets = 1,
            TransportOffset = transportOffset,
            Protocol = protocol,
            IsV4 = isV4,
            IsPartial = checksumPartial,
        };
    }

    /// <summary>Makes the frame that was just begun the open one of its flow.</summary>
    private void OpenLast(ReadOnlySpan<byte> packet, in CoalesceCandidate candidate)
    {
        ref var slot = ref _slots[Count - 1];
        slot.HeaderBytes = candidate.HeaderBytes;
        slot.SegmentBytes = packet.Length - candidate.HeaderBytes;
        Continue(ref slot, packet, candidate);
        _open[Count - 1] = candidate.IsPushed ? 0 : candidate.Hash;
    }

    private bool TryAppend(int index, ReadOnlySpan<byte> packet, in CoalesceCandidate candidate)
    {
        ref var slot = ref _slots[index];
        var payload = packet[candidate.HeaderBytes..];
        var frame = Slot(index);
        var maxPackets = candidate.Protocol == IpProtocol.Udp ? GsoPlanner.MaxSegments : int.MaxValue;
        if (candidate.HeaderBytes != slot.HeaderBytes || payload.Length > slot.SegmentBytes || slot.Packets >= maxPackets
            || slot.Bytes + payload.Length > MaxFrameBytes || !IsContinuation(slot, frame, packet))
        {
            return false;
        }

        payload.CopyTo(frame[slot.Bytes..]);
        slot.Bytes += payload.Length;
        slot.Packets++;
        slot.IsFinished = false;
        if (candidate.IsPushed)
        {
            frame[slot.TransportOffset + 13] |= TcpPsh;
        }

        Continue(ref slot, packet, candidate);
        if (candidate.IsPushed || payload.Length < slot.SegmentBytes)
        {
            _open[index] = 0;
        }

        return true;
    }

    private static void Continue(ref CoalesceSlot slot, ReadOnlySpan<byte> packet, in CoalesceCandidate candidate)
    {
        if (candidate.IsV4)
        {
            slot.NextId = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + 1);
        }

        if (candidate.Protocol == IpProtocol.Tcp)
        {
            var sequence = BinaryPrimitives.ReadUInt32BigEndian(packet[(candidate.TransportOffset + 4)..]);
            slot.NextSequence = sequence + (uint)(packet.Length - candidate.HeaderBytes);
        }
    }

    /// <summary>Whether the headers are those that segmenting the longer frame would make. The flow is the same already.</summary>
    private static bool IsContinuation(in CoalesceSlot slot, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> packet)
    {
        if (slot.IsV4)
        {
            // Type of service; flags; time to live. With DF the identification says nothing (RFC 6864) and may stand still.
            var hasDf = (packet[6] & 0x40) != 0;
            var isNext = hasDf || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) == slot.NextId;
            if (frame[1] != packet[1] || frame[6] != packet[6] || frame[8] != packet[8] || !isNext)
            {
                return false;
            }
        }
        else if (!frame[..4].SequenceEqual(packet[..4]) || frame[7] != packet[7])
        {
            return false;
        }

        if (slot.Protocol == IpProtocol.Udp)
        {
            return true;
        }

        // Acknowledgement, header length; flags but PSH; window; options.
        var old = frame[slot.TransportOffset..slot.HeaderBytes];
        var tcp = packet[slot.TransportOffset..slot.HeaderBytes];
        return BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]) == slot.NextSequence
            && old.Slice(8, 5).SequenceEqual(tcp.Slice(8, 5))
            && ((old[13] ^ tcp[13]) & TcpFlagsMask) == 0
            && old.Slice(14, 2).SequenceEqual(tcp.Slice(14, 2))
            && old[20..].SequenceEqual(tcp[20..]);
    }

    private TunFrame Finish(int index)
    {
        ref var slot = ref _slots[index];
        var packet = Slot(index)[..slot.Bytes];
        if (slot.Packets == 1 && !slot.IsPartial)
        {
            return new TunFrame(default, packet);
        }

        var field = TransportChecksum.OffsetOf(slot.Protocol);
        if (!slot.IsFinished)
        {
            slot.IsFinished = true;
            Complete(slot, packet, field);
        }

        var type = slot.Packets == 1 ? VirtioGsoType.None
            : slot.Protocol == IpProtocol.Udp ? VirtioGsoType.UdpL4
            : slot.IsV4 ? VirtioGsoType.TcpV4 : VirtioGsoType.TcpV6;
        var header = new VirtioNetHeader(
            VirtioNetBits.NeedsChecksum,
            type,
            (ushort)(slot.Packets == 1 ? 0 : slot.HeaderBytes),
            (ushort)(slot.Packets == 1 ? 0 : slot.SegmentBytes),
            (ushort)slot.TransportOffset,
            (ushort)field);
        return new TunFrame(header, packet);
    }

    /// <summary>Writes the lengths and checksums of the frame; the transport checksum stays partial.</summary>
    private static void Complete(in CoalesceSlot slot, Span<byte> packet, int field)
    {
        var transport = packet[slot.TransportOffset..];
        if (slot.Packets > 1)
        {
            if (slot.IsV4)
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
                packet[10] = 0;
                packet[11] = 0;
                MemoryMarshal.Write(packet[10..], Checksum.Compute(packet[..slot.TransportOffset]));
            }
            else
            {
                BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - slot.TransportOffset));
            }

            if (slot.Protocol == IpProtocol.Udp)
            {
                BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
            }
        }

        // Never what the sender wrote: the sum is ours to know.
        var addresses = slot.IsV4 ? packet.Slice(12, 8) : packet.Slice(8, 32);
        var half = addresses.Length / 2;
        var pseudo = Checksum.PseudoHeader(addresses[..half], addresses[half..], slot.Protocol, transport.Length);
        MemoryMarshal.Write(transport[field..], Checksum.Fold(pseudo));
    }
}
