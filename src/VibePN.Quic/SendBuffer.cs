using System.Runtime.InteropServices;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>
/// What one stream has to send and what the peer has not acknowledged: ngtcp2 keeps pointers into it until then, so bytes
/// live in native blocks that never move and are freed only behind the acknowledged offset.
/// </summary>
internal sealed unsafe class SendBuffer : IDisposable
{
    private const int BlockBytes = 4 * 1024;

    private readonly List<nint> _blocks = [];

    /// <summary>Stream offset of the first block's first byte: a multiple of <see cref="BlockBytes"/>.</summary>
    private ulong _base;

    /// <summary>Stream offset behind the last byte appended.</summary>
    public ulong End { get; private set; }

    /// <summary>Stream offset behind the last byte handed to ngtcp2.</summary>
    public ulong Sent { get; private set; }

    /// <summary>Stream offset up to which the peer has everything.</summary>
    public ulong Acked { get; private set; }

    public int HeldBytes => (int)(End - Acked);

    public int Room => QuicLimits.MaxStreamBufferBytes - HeldBytes;

    public int BlockCount => _blocks.Count;

    public void Append(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var index = (int)((End - _base) / BlockBytes);
            var offset = (int)((End - _base) % BlockBytes);
            if (index == _blocks.Count)
            {
                _blocks.Add((nint)NativeMemory.Alloc(BlockBytes));
            }

            var part = data[..Math.Min(data.Length, BlockBytes - offset)];
            part.CopyTo(new Span<byte>((byte*)_blocks[index] + offset, BlockBytes - offset));
            End += (ulong)part.Length;
            data = data[part.Length..];
        }
    }

    /// <summary>What is to be sent next, as vectors.</summary>
    /// <returns>How many vectors were filled; <paramref name="all"/>: they reach the end.</returns>
    public int Pending(ngtcp2_vec* vectors, int capacity, out bool all)
    {
        var count = 0;
        var position = Sent;
        while (position < End && count < capacity)
        {
            var offset = (position - _base) % BlockBytes;
            var length = Math.Min(BlockBytes - offset, End - position);
            vectors[count++] = new ngtcp2_vec { @base = (byte*)_blocks[(int)((position - _base) / BlockBytes)] + offset, len = (nuint)length };
            position += length;
        }

        all = position == End;
        return count;
    }

    public void MarkSent(ulong bytes) => Sent += bytes;

    /// <summary>Frees the blocks that lie behind <paramref name="offset"/>.</summary>
    public void MarkAcked(ulong offset)
    {
        Acked = Math.Max(Acked, Math.Min(offset, Sent));
        var free = 0;
        while (free < _blocks.Count && _base + BlockBytes <= Acked)
        {
            NativeMemory.Free((void*)_blocks[free++]);
            _base += BlockBytes;
        }

        _blocks.RemoveRange(0, free);
    }

    /// <summary>Forgets what was not sent yet: the peer wants no more.</summary>
    public void DropUnsent() => End = Sent;

    public void Dispose()
    {
        foreach (var block in _blocks)
        {
            NativeMemory.Free((void*)block);
        }

        _blocks.Clear();
    }
}
