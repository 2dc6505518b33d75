using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>What the kernel knows of the clock's discipline (adjtimex(2)); changes nothing, needs no rights.</summary>
public static unsafe class KernelClock
{
    /// <summary>Somebody (an NTP client, a hypervisor) keeps the clock right. Null: the kernel does not say.</summary>
    public static bool? IsSynchronized()
    {
        Timex timex = default;
        return Libc.adjtimex(&timex) < 0 ? null : (timex.status & Libc.STA_UNSYNC) == 0;
    }
}
