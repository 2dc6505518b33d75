using System.Buffers;
using VibePN.Linux;

namespace VibePN.Peers;

/// <summary>
/// The frames of a <see cref="FairQueue"/>, each in one piece, added at one end and removed anywhere: bytes are appended to one block; when
/// it is full the holes are closed. It has twice the room of what may wait, so that each byte is moved once more at most. All memory is
/// rented when the first frame comes and given back by <see cref="Release"/>. Thread: the node's.
/// </summary>
/// <param name="memory">Its blocks hold at least twice the bytes that may wait.</param>
internal sealed class FrameStore(QueueMemory memory)
{
    /// <summary>Takes the place of an id where there is none.</summary>
    public const int None = -1;

    private const int FirstFrames = 32;

    private PageBlock? _block;
    private Frame[] _frames = [];
    private int _tail;
    private int _used;
    private int _free = None;
    private int _oldest = None;
    private int _newest = None;

    /// <summary>Borrowed until the next <see cref="Add"/> or <see cref="Release"/>.</summary>
    public ref Frame this[int id] => ref _frames[id];

    /// <summary>Borrowed until the next <see cref="Add"/> or <see cref="Release"/>.</summary>
    public Span<byte> Bytes(int id) => _block!.Span.Slice(_frames[id].Start, _frames[id].Length);

    /// <summary>Copies a frame.</summary>
    /// <returns>Its id: small, and used again after <see cref="Remove"/>. Its <see cref="Frame"/> holds only place and length.</returns>
    public int Add(ReadOnlySpan<byte> frame)
    {
        _block ??= memory.Rent();
        if (memory.BlockBytes - _tail < frame.Length)
        {
            CloseHoles();
        }

        var id = TakeId();
        frame.CopyTo(_block.Span[_tail..]);
        _frames[id] = new Frame { Start = _tail, Length = frame.Length, Older = _newest, Newer = None, Next = None };
        if (_newest == None)
        {
            _oldest = id;
        }
        else
        {
            _frames[_newest].Newer = id;
        }

        _newest = id;
        _tail += frame.Length;
        return id;
    }

    public void Remove(int id)
    {
        ref var frame = ref _frames[id];
        if (frame.Older == None)
        {
            _oldest = frame.Newer;
        }
        else
        {
            _frames[frame.Older].Newer = frame.Newer;
        }

        if (frame.Newer == None)
        {
            _newest = frame.Older;
            _tail = _newest == None ? 0 : _frames[_newest].Start + _frames[_newest].Length;
        }
        else
        {
            _frames[frame.Newer].Older = frame.Older;
        }

        frame.Next = _free;
        _free = id;
    }

    /// <summary>Forgets all frames and gives the memory back.</summary>
    public void Release()
    {
        if (_block is { } block)
        {
            memory.Return(block);
            _block = null;
            ArrayPool<Frame>.Shared.Return(_frames);
        }

        _frames = [];
        _tail = _used = 0;
        _free = _oldest = _newest = None;
    }

    private int TakeId()
    {
        if (_free != None)
        {
            var id = _free;
            _free = _frames[id].Next;
            return id;
        }

        if (_used == _frames.Length)
        {
            var larger = ArrayPool<Frame>.Shared.Rent(Math.Max(FirstFrames, _used * 2));
            _frames.AsSpan(0, _used).CopyTo(larger);
            if (_frames.Length > 0)
            {
                ArrayPool<Frame>.Shared.Return(_frames);
            }

            _frames = larger;
        }

        return _used++;
    }

    private void CloseHoles()
    {
        var bytes = _block!.Span;
        _tail = 0;
        for (var id = _oldest; id != None; id = _frames[id].Newer)
        {
            ref var frame = ref _frames[id];
            bytes.Slice(frame.Start, frame.Length).CopyTo(bytes[_tail..]);
            frame.Start = _tail;
            _tail += frame.Length;
        }
    }

    /// <summary>A frame that waits.</summary>
    internal struct Frame
    {
        public int Start;
        public int Length;

        /// <summary>The next frame of the same flow, or the next free id.</summary>
        public int Next;

        /// <summary>The neighbours in the order of adding, which is that of the places.</summary>
        public int Older;
        public int Newer;

        /// <summary>Index of the network it belongs to.</summary>
        public int Network;

        /// <summary>Packets that were left when nothing of it had been sent from here.</summary>
        public int Packets;

        public ulong SinceNanos;

        /// <summary>What is left to send. The sender advances it.</summary>
        public Segmenter Segmenter;

        /// <summary>A part of it was sent: it must go on as the next.</summary>
        public bool IsBegun;

        /// <summary>CE was set here.</summary>
        public bool IsMarked;
    }
}
