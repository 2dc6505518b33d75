namespace VibePN.Quic.Parity;

/// <summary>
/// Numbers the packets of a connection and adds them up, group by group. Belongs to one connection and outlives the phases of parity, since
/// numbers go on. Thread: the connection's. Times are nanoseconds.
/// </summary>
internal sealed class ParityEncoder
{
    /// <summary>Parity is never more than this part of a packet for each group of packets: traffic that closes its groups early has to save up.</summary>
    private const int CreditPerPacket = 3;
    private const int CreditPerGroup = 2;
    private const int MostCredit = 2 * CreditPerGroup;

    private readonly byte[] _sum = new byte[ParityFormat.MaxPacketBytes];
    private readonly byte[] _id = new byte[QuicLimits.ConnectionIdBytes];
    private byte _firstByte;

    /// <summary>Of <see cref="_sum"/>, in use.</summary>
    private int _sumBytes;
    private ushort _lengths;
    private ushort _next;
    private int _count;
    private ulong _openedNanos;
    private int _credit;

    /// <summary>Packets for one of parity, at most; 0: none is covered.</summary>
    public int Group { get; private set; }

    /// <summary>How long a group may stay open: later it would be of no use to QUIC, which finds lost what an eighth of a round trip overtook.</summary>
    public ulong MaxAgeNanos { get; private set; }

    /// <summary>The ECN bits of the packet covered last.</summary>
    public byte Ecn { get; private set; }

    /// <summary>Packets covered.</summary>
    public ulong Covered { get; private set; }

    /// <summary>Packets of parity.</summary>
    public ulong Written { get; private set; }

    /// <summary>When the open group is to be closed; 0: now, it is full; <see cref="ulong.MaxValue"/>: there is none.</summary>
    public ulong Deadline => _count == 0 ? ulong.MaxValue : _count >= Group ? 0 : _openedNanos + MaxAgeNanos;

    /// <param name="group">0 to <see cref="ParityFormat.MaxGroup"/>.</param>
    public void Set(int group, ulong maxAgeNanos)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)group, (uint)ParityFormat.MaxGroup, nameof(group));
        Group = group;
        MaxAgeNanos = maxAgeNanos;
        if (group == 0)
        {
            _count = 0;
        }
    }

    /// <summary>Makes a QUIC packet with a short header a covered one.</summary>
    /// <param name="buffer">The packet, and behind it room for the trailer.</param>
    /// <param name="bytes">Of the packet: more than <see cref="ParityFormat.HeadBytes"/>, at most <see cref="ParityFormat.MaxPacketBytes"/>.</param>
    /// <returns>Bytes to send.</returns>
    public int Cover(Span<byte> buffer, int bytes, byte ecn, ulong nowNanos)
    {
        var id = buffer.Slice(1, QuicLimits.ConnectionIdBytes);
        if (_count == 0 || !id.SequenceEqual(_id))
        {
            // Nothing covers what another id was in front of: ids change seldom.
            id.CopyTo(_id);
            _count = 0;
            _sumBytes = 0;
            _firstByte = 0;
            _lengths = 0;
            _openedNanos = nowNanos;
        }

        buffer[0] &= unchecked((byte)~ParityFormat.FixedBit);
        var rest = buffer[ParityFormat.HeadBytes..bytes];
        var common = Math.Min(rest.Length, _sumBytes);
        ParityFormat.Add(_sum, rest[..common]);
        rest[common..].CopyTo(_sum.AsSpan(common));
        _sumBytes = Math.Max(_sumBytes, rest.Length);
        _firstByte ^= buffer[0];
        _lengths ^= (ushort)bytes;
        Ecn = ecn;
        Covered++;
        _count++;
        _credit = Math.Min(_credit + CreditPerPacket, MostCredit * Group);
        ParityFormat.WriteTrailer(buffer[..(bytes + ParityFormat.TrailerBytes)], _next);
        _next = (ushort)((_next + 1) & ParityFormat.NumberMask);
        return bytes + ParityFormat.TrailerBytes;
    }

    /// <summary>Closes the open group if it is time to.</summary>
    /// <param name="datagram">Takes its parity.</param>
    /// <param name="maxBytes">What the path carries.</param>
    /// <returns>Bytes to send; 0: none.</returns>
    public int Close(Span<byte> datagram, int maxBytes, ulong nowNanos)
    {
        if (Deadline > nowNanos)
        {
            return 0;
        }

        ParityGroup group = new((ushort)((_next - _count) & ParityFormat.NumberMask), _count, 1, _lengths);
        _count = 0;
        var bytes = ParityFormat.HeadBytes + _sumBytes + ParityFormat.ParityTrailerBytes;
        if (bytes > Math.Min(maxBytes, datagram.Length) || _credit < CreditPerGroup * Group)
        {
            return 0;
        }

        _credit -= CreditPerGroup * Group;
        Written++;
        datagram[0] = _firstByte;
        _id.CopyTo(datagram[1..]);
        _sum.AsSpan(0, _sumBytes).CopyTo(datagram[ParityFormat.HeadBytes..]);
        ParityFormat.WriteGroup(datagram[..bytes], group);
        return bytes;
    }
}
