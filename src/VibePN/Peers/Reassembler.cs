using System.Buffers;
using System.Buffers.Binary;

namespace VibePN.Peers;

/// <summary>What became of a fragment.</summary>
internal enum ReassemblyResult
{
    /// <summary>Kept; the packet is not whole yet.</summary>
    Incomplete,

    /// <summary>It was the last piece.</summary>
    Complete,

    /// <summary>Lengths that contradict each other or a limit.</summary>
    Malformed,
}

/// <summary>
/// Puts packets together that came in pieces (docs/protocol.md, Fragments). Bounded: <see cref="Limits.ReassemblyPackets"/> packets of
/// <see cref="Limits.ReassembledBytes"/> each, forgotten after <see cref="LifetimeNanos"/>; beyond, the oldest goes. Thread: the node's.
/// </summary>
internal sealed class Reassembler
{
    /// <summary>Id (2 bytes), offset (2 bytes), length of the whole packet (2 bytes), all in network order.</summary>
    public const int HeaderBytes = 6;

    /// <summary>Offsets, and the lengths of all pieces but the last, are multiples of this.</summary>
    public const int UnitBytes = 8;

    /// <summary>An incomplete packet is forgotten after this.</summary>
    public const ulong LifetimeNanos = 1_000_000_000;

    /// <summary>In the order in which they were begun.</summary>
    private readonly List<Partial> _partials = [];

    /// <summary>Those that wait for another packet, without a buffer: a steady flow of fragments allocates nothing.</summary>
    private readonly Stack<Partial> _spare = [];

    /// <summary>The packet completed last; spare with the next call.</summary>
    private Partial? _completed;
    private ulong _taken;

    public int Count => _partials.Count;

    /// <summary>Incomplete packets that were given up.</summary>
    public ulong Expired { get; private set; }

    /// <summary>Writes the header of a fragment.</summary>
    public static void WriteHeader(Span<byte> destination, ushort id, int offset, int totalBytes)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, id);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)offset);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], (ushort)totalBytes);
    }

    /// <summary>Takes a fragment.</summary>
    /// <param name="key">Network and flags: pieces of one packet agree in it.</param>
    /// <param name="fragment">The header and a piece.</param>
    /// <param name="packet">The whole packet when <see cref="ReassemblyResult.Complete"/>; borrowed until the next call.</param>
    public ReassemblyResult Add(int key, ReadOnlySpan<byte> fragment, ulong nowNanos, out ReadOnlySpan<byte> packet)
    {
        packet = default;
        Release();
        Expire(nowNanos);
        if (fragment.Length <= HeaderBytes)
        {
            return ReassemblyResult.Malformed;
        }

        var id = BinaryPrimitives.ReadUInt16BigEndian(fragment);
        int offset = BinaryPrimitives.ReadUInt16BigEndian(fragment[2..]);
        int total = BinaryPrimitives.ReadUInt16BigEndian(fragment[4..]);
        var piece = fragment[HeaderBytes..];
        var end = offset + piece.Length;
        if (total > Limits.ReassembledBytes || end > total || offset % UnitBytes != 0 || (end != total && piece.Length % UnitBytes != 0))
        {
            return ReassemblyResult.Malformed;
        }

        var partial = Find(key, id, total) ?? Begin(key, id, total, nowNanos + LifetimeNanos);
        if (!partial.Add(offset, piece))
        {
            return ReassemblyResult.Incomplete;
        }

        _partials.Remove(partial);
        _completed = partial;
        packet = partial.Bytes;
        return ReassemblyResult.Complete;
    }

    /// <summary>What <see cref="Expired"/> has grown by since the last call.</summary>
    public ulong TakeExpired()
    {
        var expired = Expired - _taken;
        _taken = Expired;
        return expired;
    }

    /// <summary>Forgets what is too old.</summary>
    public void Expire(ulong nowNanos)
    {
        while (_partials.Count > 0 && _partials[0].ExpiresNanos <= nowNanos)
        {
            Forget(0);
        }
    }

    /// <summary>Gives up everything.</summary>
    public void Clear()
    {
        Release();
        while (_partials.Count > 0)
        {
            Forget(_partials.Count - 1);
        }
    }

    private Partial? Find(int key, ushort id, int totalBytes)
    {
        foreach (var partial in _partials)
        {
            if (partial.Id == id && partial.Key == key && partial.TotalBytes == totalBytes)
            {
                return partial;
            }
        }

        return null;
    }

    private Partial Begin(int key, ushort id, int totalBytes, ulong expiresNanos)
    {
        if (_partials.Count == Limits.ReassemblyPackets)
        {
            Forget(0);
        }

        if (!_spare.TryPop(out var partial))
        {
            partial = new Partial();
        }

        partial.Begin(key, id, totalBytes, expiresNanos);
        _partials.Add(partial);
        return partial;
    }

    private void Forget(int index)
    {
        Spare(_partials[index]);
        _partials.RemoveAt(index);
        Expired++;
    }

    private void Release()
    {
        if (_completed is { } completed)
        {
            Spare(completed);
            _completed = null;
        }
    }

    private void Spare(Partial partial)
    {
        partial.Release();
        _spare.Push(partial);
    }

    private sealed class Partial
    {
        /// <summary>A bit for each unit.</summary>
        private readonly ulong[] _have = new ulong[(UnitCount(Limits.ReassembledBytes) + 63) / 64];

        private byte[] _bytes = [];
        private int _missing;

        public int Key { get; private set; }

        public ushort Id { get; private set; }

        public int TotalBytes { get; private set; }

        public ulong ExpiresNanos { get; private set; }

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, TotalBytes);

        public void Begin(int key, ushort id, int totalBytes, ulong expiresNanos)
        {
            (Key, Id, TotalBytes, ExpiresNanos) = (key, id, totalBytes, expiresNanos);
            _bytes = ArrayPool<byte>.Shared.Rent(totalBytes);
            _have.AsSpan().Clear();
            _missing = UnitCount(totalBytes);
        }

        /// <summary>The first copy of a unit counts: a second one cannot change what was received.</summary>
        /// <returns>True when nothing is missing any more.</returns>
        public bool Add(int offset, ReadOnlySpan<byte> piece)
        {
            for (var at = 0; at < piece.Length; at += UnitBytes)
            {
                var unit = (offset + at) / UnitBytes;
                var bit = 1UL << (unit % 64);
                if ((_have[unit / 64] & bit) == 0)
                {
                    _have[unit / 64] |= bit;
                    _missing--;
                    piece.Slice(at, Math.Min(UnitBytes, piece.Length - at)).CopyTo(_bytes.AsSpan(offset + at));
                }
            }

            return _missing == 0;
        }

        public void Release()
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }

        private static int UnitCount(int bytes) => (bytes + UnitBytes - 1) / UnitBytes;
    }
}
