using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary><c>struct timex</c> (linux/timex.h, LP64), as far as it is read.</summary>
[StructLayout(LayoutKind.Explicit, Size = 208)]
internal struct Timex
{
    [FieldOffset(0)]
    public uint modes;

    [FieldOffset(24)]
    public long maxerror;

    [FieldOffset(40)]
    public int status;
}
