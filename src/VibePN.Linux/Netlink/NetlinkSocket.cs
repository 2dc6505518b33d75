using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>A blocking rtnetlink socket: one request, then its answers. One thread at a time.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int BufferBytes = 128 * 1024;
    private const int TimeoutSeconds = 5;
    private const int MaxDumpAttempts = 8;

    private readonly FileDescriptor _fd;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private uint _sequence;

    /// <exception cref="LinuxException"/>
    public NetlinkSocket()
    {
        const int Type = SocketConstants.SOCK_RAW | SocketConstants.SOCK_CLOEXEC;
        _fd = FileDescriptor.Take(Libc.socket(SocketConstants.AF_NETLINK, Type, NetlinkConstants.NETLINK_ROUTE), "open netlink");
        var one = 1;
        var timeout = new Timespec { tv_sec = TimeoutSeconds };
        _ = Libc.setsockopt(_fd.Value, SocketConstants.SOL_SOCKET, SocketConstants.SO_RCVTIMEO, &timeout, (uint)sizeof(Timespec));
        _ = Libc.setsockopt(_fd.Value, SocketConstants.SOL_NETLINK, NetlinkConstants.NETLINK_EXT_ACK, &one, sizeof(int));
        _ = Libc.setsockopt(_fd.Value, SocketConstants.SOL_NETLINK, NetlinkConstants.NETLINK_GET_STRICT_CHK, &one, sizeof(int));
    }

    public delegate void Handler(in NetlinkMessage message);

    /// <summary>Sends a change and waits for its acknowledgement.</summary>
    /// <returns>The errno of the kernel, 0: done; and its explanation.</returns>
    /// <exception cref="LinuxException">Netlink itself fails.</exception>
    public (int Errno, string? Text) Change(NetlinkRequest request)
    {
        (int Errno, string? Text) result = default;
        Exchange(request, (in NetlinkMessage message) => result = message.ReadError(), out _);
        return result;
    }

    /// <summary>Sends a dump request and gives every entry to the handler. Reads again when the tables changed meanwhile.</summary>
    /// <param name="restart">Called before each reading: forgets what an earlier one gave.</param>
    /// <exception cref="LinuxException"/>
    public void Dump(NetlinkRequest request, string operation, Action restart, Handler handler)
    {
        for (var attempt = 1; ; attempt++)
        {
            restart();
            var errno = 0;
            Exchange(
                request,
                (in NetlinkMessage message) =>
                {
                    if (message.Header.nlmsg_type is NetlinkConstants.NLMSG_ERROR or NetlinkConstants.NLMSG_DONE)
                    {
                        errno = message.Payload.Length >= sizeof(int) ? message.ReadError().Errno : 0;
                        return;
                    }

                    handler(message);
                },
                out var isInterrupted);
            if (errno != 0)
            {
                throw new LinuxException(operation, errno);
            }

            if (!isInterrupted || attempt == MaxDumpAttempts)
            {
                return;
            }
        }
    }

    public void Dispose() => _fd.Dispose();

    private void Exchange(NetlinkRequest request, Handler handler, out bool isInterrupted)
    {
        isInterrupted = false;
        var sequence = ++_sequence;
        Send(request.Finish(sequence));
        while (true)
        {
            var bytes = Receive();
            while (NetlinkMessage.TryRead(ref bytes, out var message))
            {
                if (message.Header.nlmsg_seq != sequence)
                {
                    // Late answer to a request that timed out.
                    continue;
                }

                isInterrupted |= (message.Header.nlmsg_flags & NetlinkConstants.NLM_F_DUMP_INTR) != 0;
                handler(message);
                var isLast = message.Header.nlmsg_type is NetlinkConstants.NLMSG_ERROR or NetlinkConstants.NLMSG_DONE;
                if (isLast || (message.Header.nlmsg_flags & NetlinkConstants.NLM_F_MULTI) == 0)
                {
                    return;
                }
            }
        }
    }

    private void Send(ReadOnlySpan<byte> message)
    {
        var kernel = new SockaddrNl { nl_family = SocketConstants.AF_NETLINK };
        fixed (byte* bytes = message)
        {
            nint sent;
            do
            {
                sent = Libc.sendto(_fd.Value, bytes, (nuint)message.Length, 0, &kernel, (uint)sizeof(SockaddrNl));
            }
            while (sent < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);

            if (sent < 0)
            {
                throw LinuxException.FromLastError("send to netlink");
            }
        }
    }

    private ReadOnlySpan<byte> Receive()
    {
        fixed (byte* buffer = _buffer)
        {
            while (true)
            {
                var received = Libc.recv(_fd.Value, buffer, BufferBytes, 0);
                if (received >= 0)
                {
                    return _buffer.AsSpan(0, (int)received);
                }

                var errno = Marshal.GetLastPInvokeError();
                if (errno != Errno.EINTR)
                {
                    throw new LinuxException("receive from netlink", errno, errno == Errno.EAGAIN ? "the kernel did not answer" : null);
                }
            }
        }
    }
}
