using System.Runtime.InteropServices;

namespace VibePN.Quic.Parity;

/// <summary>
/// Remembers the covered packets that came last, and makes one that is missing from the parity of its group. Anything may be in what it is
/// given: what it makes of it is for QUIC to authenticate. Thread: the connection's.
/// </summary>
internal sealed unsafe class ParityDecoder
{
    /// <summary>Of all slots; pages that are not touched cost nothing.</summary>
    public const int MemoryBytes = ParityFormat.Window * SlotBytes;

    private const int SlotBytes = 2_048;

    /// <summary>By slot: the number of its packet.</summary>
    private readonly ushort[] _numbers = new ushort[ParityFormat.Window];

    /// <summary>By slot: the length of its packet; 0: it is empty.</summary>
    private readonly ushort[] _lengths = new ushort[ParityFormat.Window];

    /// <summary>By slot: its packet was made here.</summary>
    private readonly bool[] _isRebuilt = new bool[ParityFormat.Window];
    private byte* _slots = (byte*)NativeMemory.Alloc(MemoryBytes);

    /// <summary>Covered packets that came.</summary>
    public ulong Covered { get; private set; }

    /// <summary>Parity that came.</summary>
    public ulong Parity { get; private set; }

    /// <summary>Packets made from parity, without those that were only late.</summary>
    public ulong Rebuilt { get; private set; }

    /// <summary>Groups of which more than one packet was missing.</summary>
    public ulong Unsolved { get; private set; }

    /// <summary>Parity that does not fit the packets it names: damaged or forged.</summary>
    public ulong Unfit { get; private set; }

    /// <summary>A covered packet.</summary>
    /// <returns>As it was before it was covered, borrowed until the next call; empty: it cannot be one.</returns>
    public ReadOnlySpan<byte> Add(scoped ReadOnlySpan<byte> datagram)
    {
        var bytes = datagram.Length - ParityFormat.TrailerBytes;
        if (bytes is <= ParityFormat.HeadBytes or > ParityFormat.MaxPacketBytes)
        {
            return default;
        }

        Covered++;
        var number = ParityFormat.ReadNumber(datagram);
        var slot = number % ParityFormat.Window;
        if (_isRebuilt[slot] && _numbers[slot] == number)
        {
            // It was only late. QUIC knows how to tell that it has it.
            Rebuilt--;
        }

        return Put(slot, number, datagram[..bytes], isRebuilt: false);
    }

    /// <summary>Parity.</summary>
    /// <returns>The one packet of its group that is missing, borrowed until the next call; empty: none is, or more than one.</returns>
    public ReadOnlySpan<byte> Solve(scoped ReadOnlySpan<byte> datagram)
    {
        var most = datagram.Length - ParityFormat.ParityTrailerBytes;
        if (most is <= ParityFormat.HeadBytes or > ParityFormat.MaxPacketBytes)
        {
            return default;
        }

        Parity++;
        var group = ParityFormat.ReadGroup(datagram);
        int bytes = group.Lengths;
        var missing = -1;
        for (var place = 0; place < group.Count; place++)
        {
            var number = group.Number(place);
            var slot = number % ParityFormat.Window;
            if (_lengths[slot] != 0 && _numbers[slot] == number)
            {
                bytes ^= _lengths[slot];
            }
            else if (missing < 0)
            {
                missing = number;
            }
            else
            {
                Unsolved++;
                return default;
            }
        }

        if (missing < 0)
        {
            return default;
        }

        if (bytes <= ParityFormat.HeadBytes || bytes > most)
        {
            Unfit++;
            return default;
        }

        return Rebuild(group, (ushort)missing, datagram[..most], bytes);
    }

    public void Free()
    {
        NativeMemory.Free(_slots);
        _slots = null;
    }

    private ReadOnlySpan<byte> Rebuild(scoped in ParityGroup group, ushort missing, scoped ReadOnlySpan<byte> sum, int bytes)
    {
        var target = missing % ParityFormat.Window;
        var packet = new Span<byte>(_slots + (target * SlotBytes), sum.Length);
        sum.CopyTo(packet);
        for (var place = 0; place < group.Count; place++)
        {
            var slot = group.Number(place) % ParityFormat.Window;
            if (slot != target)
            {
                var other = new ReadOnlySpan<byte>(_slots + (slot * SlotBytes), Math.Min(_lengths[slot], sum.Length));
                packet[0] ^= other[0];
                ParityFormat.Add(packet[ParityFormat.HeadBytes..], other[ParityFormat.HeadBytes..]);
            }
        }

        // Behind the shorter of equal sums there is nothing left, or they were not of these packets.
        if (packet[bytes..].ContainsAnyExcept((byte)0))
        {
            _lengths[target] = 0;
            Unfit++;
            return default;
        }

        Rebuilt++;
        return Seal(target, missing, bytes, isRebuilt: true);
    }

    private ReadOnlySpan<byte> Put(int slot, ushort number, scoped ReadOnlySpan<byte> packet, bool isRebuilt)
    {
        packet.CopyTo(new Span<byte>(_slots + (slot * SlotBytes), SlotBytes));
        return Seal(slot, number, packet.Length, isRebuilt);
    }

    private ReadOnlySpan<byte> Seal(int slot, ushort number, int bytes, bool isRebuilt)
    {
        _numbers[slot] = number;
        _lengths[slot] = (ushort)bytes;
        _isRebuilt[slot] = isRebuilt;
        var packet = new Span<byte>(_slots + (slot * SlotBytes), bytes);
        packet[0] = (byte)((packet[0] & (ParityFormat.FixedBit - 1)) | ParityFormat.FixedBit);
        return packet;
    }
}
