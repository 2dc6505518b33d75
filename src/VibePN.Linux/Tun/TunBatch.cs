using System.Runtime.CompilerServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Native buffers for the frames of one turn, allocated once. One thread.</summary>
public sealed unsafe class TunBatch : IDisposable
{
    /// <summary>The header and the longest packet, rounded up.</summary>
    internal const int SlotBytes = 65_600;

    private const int MaxFrames = 1024;

    private readonly NativeBuffer _data;
    private readonly int[] _lengths;

    /// <param name="frames">1…1024.</param>
    public TunBatch(int frames = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(frames, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(frames, MaxFrames);
        Capacity = frames;
        _lengths = new int[frames];
        _data = new NativeBuffer((nuint)frames * SlotBytes);
    }

    public int Capacity { get; }

    public int Count { get; private set; }

    /// <summary>Of all frames, headers included.</summary>
    public int Bytes { get; private set; }

    public TunFrame this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            var slot = Slot(index);
            var packet = new Span<byte>(slot + VirtioNetHeader.Bytes, _lengths[index] - VirtioNetHeader.Bytes);
            return new TunFrame(Unsafe.ReadUnaligned<VirtioNetHeader>(slot), packet);
        }
    }

    /// <summary>Frames whose packet is no longer than this.</summary>
    public int CountUpTo(int bytes)
    {
        var count = 0;
        foreach (var length in _lengths.AsSpan(0, Count))
        {
            count += length <= bytes + VirtioNetHeader.Bytes ? 1 : 0;
        }

        return count;
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

    /// <summary>Where the next frame goes.</summary>
    internal byte* NextSlot => Slot(Count);

    internal void Clear() => Count = Bytes = 0;

    /// <param name="bytes">What was read into <see cref="NextSlot"/>, the virtio-net header included.</param>
    internal void Append(int bytes)
    {
        _lengths[Count++] = bytes;
        Bytes += bytes;
    }

    private byte* Slot(int index) => _data.Start + ((nuint)index * SlotBytes);
}
