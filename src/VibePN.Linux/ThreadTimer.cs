using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>The calling thread's waits.</summary>
public static unsafe class ThreadTimer
{
    private const int NanosPerSecond = 1_000_000_000;

    /// <summary>
    /// Makes the kernel wake this thread on time: by default it may be 50 µs late (prctl(2), PR_SET_TIMERSLACK), longer than a pacer waits.
    /// </summary>
    public static void BeExact() => _ = Libc.prctl(Libc.PR_SET_TIMERSLACK, 1, 0, 0, 0);

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
