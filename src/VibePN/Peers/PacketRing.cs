using System.Buffers;
using System.Numerics;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// Copies of packets under rising numbers: added at one end, removed anywhere; the bytes of removed ones are used again once all older ones
/// are gone too. Bounded in packets by the constructor and in bytes by the memory. All memory is rented with the first packet and given
/// back by <see cref="Release"/>. Thread: the node's.
/// </summary>
/// <typeparam name="T">What is known of a packet.</typeparam>
/// <param name="maxPackets">A power of two; also the span of numbers from the oldest packet to the newest.</param>
internal sealed class PacketRing<T>(RepairMemory memory, int maxPackets)
    where T : unmanaged
{
    private const int FirstSlots = 256;
    private const int FirstBytes = 256 * 1024;

    private PageBlock? _block;
    private Slot[] _slots = [];
    private int _mask;

    /// <summary>What of the block may be used; doubled when it is more than half full at the end of a round.</summary>
    private int _capacity;
    private int _tailByte;

    /// <summary>Packets in use.</summary>
    public int Count { get; private set; }

    /// <summary>Number of the oldest packet, if there is one; else of the next.</summary>
    public ulong Oldest { get; private set; }

    /// <summary>One more than the newest number.</summary>
    public ulong Next { get; private set; }

    /// <summary>Bytes of the packets in use.</summary>
    public int Bytes { get; private set; }

    /// <summary>Borrowed until the next change.</summary>
    /// <param name="number">Of a packet that <see cref="Contains"/>.</param>
    public ref T this[ulong number] => ref _slots[(int)number & _mask].Info;

    public bool Contains(ulong number) => number >= Oldest && number < Next && _slots[(int)number & _mask].InUse;

    /// <summary>Borrowed until the next change.</summary>
    public Span<byte> Packet(ulong number)
    {
        ref var slot = ref _slots[(int)number & _mask];
        return _block!.Span.Slice(slot.Start, slot.Length);
    }

    /// <summary>Copies a packet.</summary>
    /// <param name="number">At least <see cref="Next"/>; numbers left out are not used.</param>
    /// <returns>False: there is no room unless the oldest goes.</returns>
    public bool TryAdd(ulong number, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, in T info)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, Next);
        var length = header.Length + payload.Length;
        if (Count == 0)
        {
            Oldest = Next = number;
            _tailByte = 0;
        }

        if (number - Oldest >= (ulong)maxPackets || !TryPlace(length, out var start))
        {
            return false;
        }

        while (_slots.Length == 0 || number - Oldest > (ulong)_mask)
        {
            GrowSlots();
        }

        for (; Next < number; Next++)
        {
            _slots[(int)Next & _mask].InUse = false;
        }

        header.CopyTo(_block!.Span[start..]);
        payload.CopyTo(_block.Span[(start + header.Length)..]);
        _slots[(int)number & _mask] = new Slot { Start = start, Length = length, InUse = true, Info = info };
        Next = number + 1;
        Count++;
        Bytes += length;
        _tailByte = start + length;
        return true;
    }

    public void Remove(ulong number)
    {
        ref var slot = ref _slots[(int)number & _mask];
        slot.InUse = false;
        Count--;
        Bytes -= slot.Length;
        if (Count == 0)
        {
            Oldest = Next;
            return;
        }

        while (!_slots[(int)Oldest & _mask].InUse)
        {
            Oldest++;
        }
    }

    /// <summary>Forgets all packets and gives the memory back.</summary>
    public void Release()
    {
        if (_block is { } block)
        {
            memory.Return(block, _capacity);
            _block = null;
            ArrayPool<Slot>.Shared.Return(_slots);
        }

        _slots = [];
        _mask = _capacity = _tailByte = Count = Bytes = 0;
        Oldest = Next;
    }

    private bool TryPlace(int length, out int start)
    {
        start = _tailByte;
        var head = Count == 0 ? 0 : _slots[(int)Oldest & _mask].Start;
        var isWrapped = Count > 0 && _tailByte <= head;
        if (isWrapped)
        {
            return head - _tailByte >= length;
        }

        if (_capacity - _tailByte >= length)
        {
            return true;
        }

        // The end of a round.
        if ((Bytes > _capacity / 2 || head < length) && TryGrow(_tailByte + length))
        {
            return true;
        }

        start = 0;
        return head >= length;
    }

    private bool TryGrow(int bytes)
    {
        var capacity = Math.Max(_capacity, FirstBytes);
        while (capacity < bytes || capacity == _capacity)
        {
            capacity *= 2;
        }

        capacity = Math.Min(capacity, memory.BlockBytes);
        if (capacity < bytes || !memory.TryReserve(capacity - _capacity))
        {
            return false;
        }

        _capacity = capacity;
        _block ??= memory.Rent();
        return true;
    }

    private void GrowSlots()
    {
        var larger = ArrayPool<Slot>.Shared.Rent(Math.Max(FirstSlots, _slots.Length * 2));
        var mask = ((int)BitOperations.RoundUpToPowerOf2((uint)larger.Length + 1) / 2) - 1;
        for (var number = Oldest; number < Next; number++)
        {
            larger[(int)number & mask] = _slots[(int)number & _mask];
        }

        if (_slots.Length > 0)
        {
            ArrayPool<Slot>.Shared.Return(_slots);
        }

        _slots = larger;
        _mask = mask;
    }

    private struct Slot
    {
        public T Info;
        public int Start;
        public int Length;
        public bool InUse;
    }
}
