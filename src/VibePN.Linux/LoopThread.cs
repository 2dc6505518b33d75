using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>What makes the calling thread fit to move packets.</summary>
public static unsafe class LoopThread
{
    private const int NanosPerSecond = 1_000_000_000;

    /// <summary>Before ordinary programs, behind the kernel's own: -20…19, 0 is the default.</summary>
    private const int Niceness = -10;

    /// <summary>
    /// Has the kernel wake this thread on time, where by default it may be 50 µs late (prctl(2), PR_SET_TIMERSLACK), longer than a pacer waits;
    /// and before the programs whose packets it carries: while they compute, the kernel's queue of the TUN runs over within milliseconds.
    /// The latter needs CAP_SYS_NICE (setpriority(2)); without it the thread goes on as it is.
    /// </summary>
    public static void Prepare()
    {
        _ = Libc.prctl(Libc.PR_SET_TIMERSLACK, 1, 0, 0, 0);
        _ = Libc.setpriority(Libc.PRIO_PROCESS, 0, Niceness);
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
