using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace VibePN.E2E.Harness;

/// <summary>The few calls that .NET does not offer.</summary>
internal static class Libc
{
    private const int CLONE_NEWNET = 0x40000000;

    public static void Kill(int pid, Signal signal)
    {
        if (kill(pid, (int)signal) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }
    }

    /// <summary>Makes a UDP socket inside a network namespace. A socket stays in the namespace it was made in, so only the thread
    /// that makes it has to go there, and it ends there.</summary>
    public static Socket UdpSocketIn(string networkNamespace, AddressFamily family) =>
        SocketIn(networkNamespace, () => new Socket(family, SocketType.Dgram, ProtocolType.Udp));

    /// <summary>Likewise any socket.</summary>
    public static Socket SocketIn(string networkNamespace, Func<Socket> create)
    {
        Socket? socket = null;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                using SafeFileHandle handle = File.OpenHandle($"/run/netns/{networkNamespace}");
                if (setns((int)handle.DangerousGetHandle(), CLONE_NEWNET) != 0)
                {
                    throw new Win32Exception(Marshal.GetLastPInvokeError());
                }

                socket = create();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return socket!;
    }

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int setns(int fd, int type);
}
