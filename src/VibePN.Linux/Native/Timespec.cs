using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary><c>struct timespec</c> (time.h, LP64).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Timespec
{
    public long tv_sec;
    public long tv_nsec;
}
