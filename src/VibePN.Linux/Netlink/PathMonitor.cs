using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Tells that addresses, routes or links of the host change: a netlink socket that listens to the kernel's groups (rtnetlink(7)). What
/// exactly changed is not told; whoever asks looks at the ways it cares for. Thread: whoever waits for <see cref="Fd"/>.
/// </summary>
public sealed unsafe class PathMonitor : IDisposable
{
    private const int BufferBytes = 16 * 1024;

    /// <summary>Datagrams taken in one call; the rest makes the descriptor readable again.</summary>
    private const int MaxReads = 64;

    private readonly FileDescriptor _fd;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);

    /// <exception cref="LinuxException"/>
    public PathMonitor()
    {
        const int Type = SocketConstants.SOCK_RAW | SocketConstants.SOCK_CLOEXEC | SocketConstants.SOCK_NONBLOCK;
        _fd = FileDescriptor.Take(Libc.socket(SocketConstants.AF_NETLINK, Type, NetlinkConstants.NETLINK_ROUTE), "open netlink");
        var address = new SockaddrNl
        {
            nl_family = SocketConstants.AF_NETLINK,
            nl_groups = NetlinkConstants.RTMGRP_LINK | NetlinkConstants.RTMGRP_IPV4_IFADDR | NetlinkConstants.RTMGRP_IPV6_IFADDR
                | NetlinkConstants.RTMGRP_IPV4_ROUTE | NetlinkConstants.RTMGRP_IPV6_ROUTE,
        };
        if (Libc.bind(_fd.Value, (byte*)&address, (uint)sizeof(SockaddrNl)) != 0)
        {
            var failure = LinuxException.FromLastError("listen to netlink");
            _fd.Dispose();
            throw failure;
        }
    }

    public int Fd => _fd.Value;

    /// <summary>Takes all messages that wait.</summary>
    /// <param name="ignore">Indexes of interfaces whose events mean nothing here: the tunnels' own.</param>
    /// <returns>True when one of them concerns another interface, or when the kernel had to leave some out.</returns>
    public bool Drain(ReadOnlySpan<int> ignore)
    {
        var any = false;
        for (var reads = 0; reads < MaxReads; reads++)
        {
            nint received;
            fixed (byte* buffer = _buffer)
            {
                received = Libc.recv(_fd.Value, buffer, BufferBytes, 0);
            }

            if (received >= 0)
            {
                any |= IsOfInterest(_buffer.AsSpan(0, (int)received), ignore);
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.ENOBUFS)
            {
                // More happened than the socket holds.
                any = true;
            }
            else if (errno != Errno.EINTR)
            {
                break;
            }
        }

        return any;
    }

    public void Dispose() => _fd.Dispose();

    /// <summary>Whether one of the messages is of an interface that is not to be ignored; one that cannot be read is.</summary>
    internal static bool IsOfInterest(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> ignore)
    {
        while (NetlinkMessage.TryRead(ref bytes, out var message))
        {
            if (!ignore.Contains(InterfaceOf(message)))
            {
                return true;
            }
        }

        return !bytes.IsEmpty;
    }

    /// <summary>−1: of none, or not known.</summary>
    private static int InterfaceOf(in NetlinkMessage message)
    {
        switch (message.Header.nlmsg_type)
        {
            case NetlinkConstants.RTM_NEWLINK or NetlinkConstants.RTM_DELLINK when message.TryReadBody<Ifinfomsg>(out var link, out _):
                return link.ifi_index;
            case NetlinkConstants.RTM_NEWADDR or NetlinkConstants.RTM_DELADDR when message.TryReadBody<Ifaddrmsg>(out var address, out _):
                return (int)address.ifa_index;
            case NetlinkConstants.RTM_NEWROUTE or NetlinkConstants.RTM_DELROUTE when message.TryReadBody<Rtmsg>(out _, out var attributes):
                foreach (var attribute in attributes)
                {
                    if (attribute.Type == NetlinkConstants.RTA_OIF)
                    {
                        return (int)attribute.UInt32;
                    }
                }

                return -1;
            default:
                return -1;
        }
    }
}
