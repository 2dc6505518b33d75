using System.Runtime.InteropServices;

namespace VibePN.Quic.Tests;

internal static partial class LibC
{
    [LibraryImport("libc")]
    public static partial MallInfo2 mallinfo2();
}

/// <summary><c>struct mallinfo2</c> (malloc.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MallInfo2
{
    public nuint arena;
    public nuint ordblks;
    public nuint smblks;
    public nuint hblks;
    public nuint hblkhd;
    public nuint usmblks;
    public nuint fsmblks;
    public nuint uordblks;
    public nuint fordblks;
    public nuint keepcost;
}
