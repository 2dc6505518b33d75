using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>What makes the calling thread fit to move packets.</summary>
public static unsafe class LoopThread
{
    private const int NanosPerSecond = 1_000_000_000;

    /// <summary>Before ordinary programs, behind the kernel's own: -20…19, 0 is the default.</summary>
    private const int Niceness = -10;

    /// <summary>
    /// Shorter than the kernel's own 1.4 ms and more: who asks for less at a time has its turn sooner, and no less in all. Beside a flood of
    /// small packets, the longest wait of a small flow falls from 12 to 7 ms on two cores.
    /// </summary>
    private const ulong SliceNanos = 300_000;

    /// <summary>
    /// Has the kernel wake this thread on time, where by default it may be 50 µs late (prctl(2), PR_SET_TIMERSLACK), longer than a pacer waits;
    /// before the programs whose packets it carries: while they compute, the kernel's queue of the TUN runs over within milliseconds.
    /// That needs CAP_SYS_NICE (setpriority(2)). And in short slices (sched_setattr(2), Linux 6.12). What it may not have, it goes without.
    /// </summary>
    public static void Prepare()
    {
        _ = Libc.prctl(Libc.PR_SET_TIMERSLACK, 1, 0, 0, 0);
        _ = Libc.setpriority(Libc.PRIO_PROCESS, 0, Niceness);
        if (TryGetScheduling(out var scheduling))
        {
            scheduling.sched_runtime = SliceNanos;
            _ = Libc.syscall(sched_attr.SetNumber, 0, &scheduling, 0, 0);
        }
    }

    /// <summary>Of the calling thread.</summary>
    internal static bool TryGetScheduling(out sched_attr scheduling)
    {
        fixed (sched_attr* at = &scheduling)
        {
            *at = default;
            return Libc.syscall(sched_attr.GetNumber, 0, at, (nint)sched_attr.Bytes, 0) == 0;
        }
    }

    /// <summary>Waits; a signal ends it early.</summary>
    /// <param name="nanos">Below a second.</param>
    public static void Wait(ulong nanos)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(nanos, (ulong)NanosPerSecond);
        Timespec time = default;
        time.tv_nsec = (long)nanos;
        _ = Libc.nanosleep(&time, null);
    }
}
