using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>
/// Runs a test on a thread of its own in a fresh network namespace. Nothing is left behind: the namespace has no name and goes away with
/// the last descriptor in it.
/// </summary>
internal static unsafe partial class NetNs
{
    private const int SYS_capset_x64 = 126;
    private const int SYS_capset_arm64 = 91;
    private const uint LINUX_CAPABILITY_VERSION_3 = 0x20080522;

    public static void Run(Action test, bool isLoopbackUp = true)
    {
        RunOnThread(() =>
        {
            if (Libc.unshare(Libc.CLONE_NEWNET) != 0)
            {
                throw LinuxException.FromLastError("unshare(CLONE_NEWNET)");
            }

            if (isLoopbackUp)
            {
                SetUp(1);
            }

            test();
        });
    }

    /// <summary>Runs on a thread without any capability, though with the user's files.</summary>
    public static void RunWithoutCapabilities(Action test)
    {
        RunOnThread(() =>
        {
            var number = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? SYS_capset_x64 : SYS_capset_arm64;
            var header = stackalloc uint[2] { LINUX_CAPABILITY_VERSION_3, 0 };
            var data = stackalloc uint[6];
            if (syscall(number, header, data) != 0)
            {
                throw LinuxException.FromLastError("capset");
            }

            test();
        });
    }

    public static void SetUp(int index)
    {
        using var netlink = new NetlinkSocket();
        var header = new Ifinfomsg { ifi_index = index, ifi_flags = NetlinkConstants.IFF_UP, ifi_change = NetlinkConstants.IFF_UP };
        var (errno, _) = netlink.Change(NetlinkRequest.Create(NetlinkConstants.RTM_NEWLINK, NetlinkConstants.NLM_F_ACK, header));
        Assert.Equal(0, errno);
    }

    private static void RunOnThread(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, void* first, void* second);
}
