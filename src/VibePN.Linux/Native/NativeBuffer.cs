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
