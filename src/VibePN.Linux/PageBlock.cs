using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Memory outside the managed heap, of which pages that nobody uses can be given back to the kernel. One thread.</summary>
/// <param name="bytes">Pages that are never touched cost nothing.</param>
public sealed unsafe class PageBlock(int bytes) : IDisposable
{
    private readonly NativeBuffer _buffer = new((nuint)bytes);

    /// <summary>All of it; borrowed until <see cref="Release"/> or <see cref="Dispose"/>.</summary>
    public Span<byte> Span => new(_buffer.Start, (int)_buffer.Bytes);

    /// <summary>Gives the pages back; the block reads as zeros afterwards, and may be used again.</summary>
    public void Release() => _buffer.Release();

    public void Dispose() => _buffer.Dispose();
}
