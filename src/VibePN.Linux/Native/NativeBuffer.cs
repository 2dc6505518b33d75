using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary>Zeroed native memory, aligned to 64 bytes, freed at disposal. Pages that are never touched cost nothing.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private byte* _start;

    public NativeBuffer(nuint bytes)
    {
        // calloc of large blocks maps fresh zero pages without touching them; alignment by hand keeps that property.
        _allocation = NativeMemory.AllocZeroed(bytes + 64);
        _start = (byte*)(((nuint)_allocation + 63) & ~(nuint)63);
        Bytes = bytes;
    }

    ~NativeBuffer() => Free();

    public nuint Bytes { get; }

    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(_start == null, this);
            return _start;
        }
    }

    private void* _allocation;

    /// <summary>Gives the pages back to the kernel: whole pages are zero afterwards, and cost nothing until they are touched again.</summary>
    public void Release()
    {
        var page = (nuint)Environment.SystemPageSize;
        var first = ((nuint)Start + page - 1) / page * page;
        var end = ((nuint)_start + Bytes) / page * page;
        if (end > first)
        {
            // A failure only means that the pages stay.
            _ = Libc.madvise((void*)first, end - first, Libc.MADV_DONTNEED);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        _start = null;
        NativeMemory.Free(_allocation);
        _allocation = null;
    }
}
