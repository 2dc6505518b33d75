using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

#pragma warning disable IDE1006, SA1300 // The kernel's names.
/// <summary><c>struct sched_attr</c> (linux/sched/types.h), in its first size, which every kernel takes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct sched_attr
{
    public static readonly nint SetNumber = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 314 : 274;
    public static readonly nint GetNumber = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 315 : 275;

    public uint size;
    public uint sched_policy;
    public ulong sched_flags;
    public int sched_nice;
    public uint sched_priority;

    /// <summary>Of an ordinary thread: the length of a slice in nanoseconds, since Linux 6.12.</summary>
    public ulong sched_runtime;
    public ulong sched_deadline;
    public ulong sched_period;

    public static uint Bytes => (uint)Unsafe.SizeOf<sched_attr>();
}
