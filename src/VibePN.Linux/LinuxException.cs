using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>A system call failed while something was opened or configured. Never thrown on the packet path.</summary>
public sealed class LinuxException : Exception
{
    /// <param name="operation">What was tried, for people: "open /dev/net/tun", "add address 10.0.0.1/24 to vpn0".</param>
    public LinuxException(string operation, int errno)
        : this(operation, errno, cure: null)
    {
    }

    /// <param name="cure">What the user can do about it; null when nothing is known.</param>
    public LinuxException(string operation, int errno, string? cure)
        : base(Errno.Describe(operation, errno, cure))
    {
        Operation = operation;
        ErrorNumber = errno;
    }

    public string Operation { get; }

    /// <summary>The positive errno value.</summary>
    public int ErrorNumber { get; }

    internal static LinuxException FromLastError(string operation, string? cure = null) =>
        new(operation, Marshal.GetLastPInvokeError(), cure);
}
