using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>The kernel's clocks. Any thread.</summary>
public static class BootClock
{
    private const ulong NanosPerSecond = 1_000_000_000;

    /// <summary>Nanoseconds since boot (<c>CLOCK_BOOTTIME</c>): monotonic, and runs on while the host sleeps.</summary>
    public static ulong Nanos()
    {
        Check(Libc.clock_gettime(Libc.CLOCK_BOOTTIME, out var time));
        return ((ulong)time.tv_sec * NanosPerSecond) + (ulong)time.tv_nsec;
    }

    /// <summary>Seconds since 1970 (<c>CLOCK_REALTIME</c>); may jump.</summary>
    public static long UtcSeconds()
    {
        Check(Libc.clock_gettime(Libc.CLOCK_REALTIME, out var time));
        return time.tv_sec;
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw LinuxException.FromLastError("clock_gettime");
        }
    }
}
