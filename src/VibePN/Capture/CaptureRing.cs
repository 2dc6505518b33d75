namespace VibePN.Capture;

/// <summary>
/// What the packet path hands to whoever looks at it: a ring for one writer, the node's thread, and one reader, any other. The writer never waits and
/// never allocates; what finds no room is counted and forgotten.
/// </summary>
public sealed class CaptureRing
{
    private const int DefaultBytes = 4 << 20;
    private const int DefaultPackets = 8192;

    private readonly byte[] _bytes;
    private readonly Slot[] _slots;

    /// <summary>Packets ever added and taken; bytes ever reserved and given back, those skipped at the end of the ring included.</summary>
    private ulong _added;
    private ulong _taken;
    private long _reserved;
    private long _released;
    private ulong _lost;

    /// <param name="filter">What is wanted.</param>
    /// <param name="bytes">Room for packets. At least <see cref="CaptureFilter.MaxSnapBytes"/> are of use.</param>
    /// <param name="packets">Room for as many.</param>
    public CaptureRing(CaptureFilter filter, int bytes = DefaultBytes, int packets = DefaultPackets)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(packets);
        Filter = filter;
        _bytes = new byte[bytes];
        _slots = new Slot[packets];
    }

    public CaptureFilter Filter { get; }

    /// <summary>The writer's: a packet in two parts. False: there was no room.</summary>
    public bool TryAdd(in CapturedPacket packet, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var whole = headers.Length + payload.Length;
        var kept = Math.Min(whole, Filter.SnapBytes);
        var offset = (int)(_reserved % _bytes.Length);
        var at = offset + kept > _bytes.Length ? _reserved + _bytes.Length - offset : _reserved;
        if (kept > _bytes.Length
            || _added - Volatile.Read(ref _taken) == (ulong)_slots.Length
            || at + kept - Volatile.Read(ref _released) > _bytes.Length)
        {
            _lost++;
            return false;
        }

        var room = _bytes.AsSpan((int)(at % _bytes.Length), kept);
        var first = headers[..Math.Min(headers.Length, kept)];
        first.CopyTo(room);
        payload[..(kept - first.Length)].CopyTo(room[first.Length..]);
        ref var slot = ref _slots[_added % (ulong)_slots.Length];
        slot.Packet = packet;
        slot.Packet.WholeBytes = whole;
        slot.Packet.LostBefore = _lost;
        slot.At = at;
        slot.Kept = kept;
        _lost = 0;
        _reserved = at + kept;
        Volatile.Write(ref _added, _added + 1);
        return true;
    }

    /// <summary>The reader's: the oldest packet. The bytes may be changed, and are valid until <see cref="Release"/>.</summary>
    public bool TryPeek(out CapturedPacket packet, out Span<byte> bytes)
    {
        if (Volatile.Read(ref _added) == _taken)
        {
            packet = default;
            bytes = default;
            return false;
        }

        ref var slot = ref _slots[_taken % (ulong)_slots.Length];
        packet = slot.Packet;
        bytes = _bytes.AsSpan((int)(slot.At % _bytes.Length), slot.Kept);
        return true;
    }

    /// <summary>The reader's: gives the room of the oldest packet back.</summary>
    public void Release()
    {
        if (Volatile.Read(ref _added) == _taken)
        {
            throw new InvalidOperationException("there is no packet");
        }

        ref var slot = ref _slots[_taken % (ulong)_slots.Length];
        var end = slot.At + slot.Kept;
        slot = default;
        Volatile.Write(ref _released, end);
        Volatile.Write(ref _taken, _taken + 1);
    }

    private struct Slot
    {
        public CapturedPacket Packet;
        public long At;
        public int Kept;
    }
}
