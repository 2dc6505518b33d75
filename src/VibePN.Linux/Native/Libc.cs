using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary>The functions and constants of the C library that this project calls.</summary>
internal static unsafe partial class Libc
{
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_BOOTTIME = 7;

    private const string Name = "libc";

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clockid, out Timespec time);
}
