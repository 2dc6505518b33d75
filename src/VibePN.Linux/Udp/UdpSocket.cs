using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>A non-blocking UDP socket that moves batches. One thread.</summary>
public sealed unsafe class UdpSocket : IDisposable
{
    private const int MaxReceiveErrors = 16;

    private readonly FileDescriptor _fd;
    private readonly SockAddr _bound;
    private readonly UdpSendMessages _messages = new();
    private UdpCounters _counters;

    private UdpSocket(FileDescriptor fd, in SockAddr bound)
    {
        _fd = fd;
        _bound = bound;
    }

    public int Fd => _fd.Value;

    /// <summary>As bound: the port is never 0; the address is <c>[::]</c> for a dual-stack socket.</summary>
    public IPEndPoint LocalEndPoint => _bound.ToIPEndPoint();

    /// <summary>Bound to <c>[::]</c> and open for IPv4 too: every address of it is a <c>sockaddr_in6</c>.</summary>
    public bool IsDualStack { get; private init; }

    /// <summary><c>[::]</c> was asked for, but IPv6 is off in this host: bound to 0.0.0.0.</summary>
    public bool IsIPv6Unavailable { get; private init; }

    /// <summary>UDP_SEGMENT is in use.</summary>
    public bool IsGsoActive => GsoInactiveReason is null;

    /// <summary>UDP_GRO is in use.</summary>
    public bool IsGroActive { get; private init; }

    /// <summary>Why <see cref="IsGsoActive"/> is false, for people; null when it is true.</summary>
    public string? GsoInactiveReason { get; private set; }

    public UdpCounters Counters => _counters;

    /// <summary>Takes the place of <c>sendmmsg</c>, so that tests can play a kernel whose GSO fails; null: the real one.</summary>
    internal Func<int, int>? SendFault { get; set; }

    /// <summary>Opens a socket. Port 0: any.</summary>
    /// <exception cref="LinuxException">Address in use or not of this host, no permission, …</exception>
    public static UdpSocket Bind(IPEndPoint listen, UdpOptions options) => Bind(listen, options, SocketConstants.AF_INET6);

    /// <summary>
    /// As <see cref="Bind(IPEndPoint, UdpOptions)"/>, also where this socket has the port already, under another address. Both then live
    /// side by side; what arrives goes to the one with the more precise address. Nobody else gets the port that way.
    /// </summary>
    /// <exception cref="LinuxException"/>
    public UdpSocket BindBeside(IPEndPoint listen, UdpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        UdpSocketOptions.AllowSharing(Fd, true);
        try
        {
            var beside = Bind(listen, options with { Shared = true });
            UdpSocketOptions.AllowSharing(beside.Fd, false);
            return beside;
        }
        finally
        {
            UdpSocketOptions.AllowSharing(Fd, false);
        }
    }

    /// <param name="v6Family">AF_INET6; tests play a kernel without it by a family that none has.</param>
    internal static UdpSocket Bind(IPEndPoint listen, UdpOptions options, int v6Family)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            return Bind(listen, options, v6Family, isFallback: false);
        }
        catch (LinuxException e) when (listen.Address.Equals(IPAddress.IPv6Any)
            && (e.ErrorNumber is Errno.EAFNOSUPPORT or Errno.EPROTONOSUPPORT or Errno.EADDRNOTAVAIL))
        {
            return Bind(new IPEndPoint(IPAddress.Any, listen.Port), options, v6Family, isFallback: true);
        }
    }

    /// <summary>The address as this socket sends to it: mapped for a dual-stack socket.</summary>
    /// <exception cref="ArgumentException">IPv6 to an IPv4 socket, or the reverse.</exception>
    public SockAddr ToRemote(IPEndPoint remote)
    {
        var address = SockAddr.FromIPEndPoint(remote);
        if (!_bound.IsV6 && address.IsMapped)
        {
            address = SockAddr.FromIPEndPoint(address.ToIPEndPoint());
        }

        if (IsDualStack)
        {
            return address.ToV6();
        }

        return address.IsV6 == _bound.IsV6 && !(_bound.IsV6 && address.IsMapped)
            ? address
            : throw new ArgumentException($"a socket bound to {LocalEndPoint} cannot send to {remote}", nameof(remote));
    }

    /// <summary>Takes what has arrived; replaces the contents of the batch.</summary>
    /// <returns>The number of usable kernel messages; 0: nothing is there (or all of it was unusable).</returns>
    public int Receive(UdpReceiveBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        for (var attempt = 0; attempt < MaxReceiveErrors; attempt++)
        {
            var received = Libc.recvmmsg(Fd, batch.Prepare(), (uint)batch.Capacity, SocketConstants.MSG_DONTWAIT, null);
            if (received >= 0)
            {
                batch.Complete(received, _bound, ref _counters);
                return batch.Count;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN)
            {
                return 0;
            }

            if (errno != Errno.EINTR)
            {
                // A pending error of the network (ICMP): reading it has cleared it.
                _counters.ReceiveErrors++;
            }
        }

        return 0;
    }

    /// <summary>Whether datagrams with this source leave by this socket: its port and its form of an address.</summary>
    public bool Owns(in SockAddr local) => local.Port == _bound.Port && local.IsV6 == _bound.IsV6
        && (!_bound.AddressBytes.ContainsAnyExcept((byte)0) || local.AddressBytes.SequenceEqual(_bound.AddressBytes));

    /// <summary>Sends a batch. Errors of the network are counted, never thrown.</summary>
    public UdpSendResult Send(UdpSendBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return Send(batch, batch.Count);
    }

    /// <summary>Sends the first <paramref name="count"/> datagrams of a batch, likewise; the others stay in it.</summary>
    public UdpSendResult Send(UdpSendBatch batch, int count)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)batch.Count);
        var end = batch.Sent + count;
        while (batch.Sent < end)
        {
            var messages = _messages.Fill(batch, end, _bound.IsV6, IsGsoActive);
            var sent = SendNative(messages);
            if (sent > 0)
            {
                Account(batch, sent);
                continue;
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == Errno.EAGAIN)
            {
                return UdpSendResult.WouldBlock;
            }

            if (errno != Errno.EINTR)
            {
                HandleFailure(batch, _messages.Run(0), errno);
            }
        }

        if (batch.Count == 0)
        {
            batch.Clear();
        }

        return UdpSendResult.Done;
    }

    /// <summary>Has another socket routed as our datagrams are, to ask the kernel about their ways; without CAP_NET_ADMIN it has no effect.</summary>
    public static void RouteAlike(Socket probe)
    {
        ArgumentNullException.ThrowIfNull(probe);
        _ = UdpSocketOptions.TryMark((int)probe.Handle);
    }

    public void Dispose()
    {
        _fd.Dispose();
        _messages.Dispose();
    }

    private int SendNative(int count)
    {
        if (SendFault is { } fault)
        {
            var errno = fault(_messages.Run(0).Count);
            if (errno != 0)
            {
                Marshal.SetLastPInvokeError(errno);
                return -1;
            }

            count = 1;
        }

        return Libc.sendmmsg(Fd, _messages.Messages, (uint)count, SocketConstants.MSG_DONTWAIT);
    }

    private void Account(UdpSendBatch batch, int sent)
    {
        for (var i = 0; i < sent; i++)
        {
            ref readonly var run = ref _messages.Run(i);
            _counters.Sent += (ulong)run.Count;
            _counters.SentBytes += (ulong)run.TotalBytes;
            _counters.SentMessages++;
            batch.Sent += run.Count;
            if (batch.SuspectErrno != 0 && run.Count == 1 && run.First < batch.SingleUntil && run.SegmentBytes == batch.SuspectBytes)
            {
                // The same datagram passes alone: so it was UDP_SEGMENT that the kernel or the network card cannot do.
                GsoInactiveReason ??= new LinuxException("sending with UDP_SEGMENT", batch.SuspectErrno).Message;
                batch.SuspectErrno = 0;
            }
        }
    }

    private void HandleFailure(UdpSendBatch batch, in GsoRun run, int errno)
    {
        if (run.Count > 1 && (errno is Errno.EMSGSIZE or Errno.EINVAL or Errno.EIO or Errno.EOPNOTSUPP))
        {
            batch.SingleUntil = run.First + run.Count;
            batch.SuspectErrno = errno;
            batch.SuspectBytes = run.SegmentBytes;
            return;
        }

        batch.Sent += run.Count;
        switch (errno)
        {
            case Errno.EMSGSIZE:
                _counters.LostTooBig += (ulong)run.Count;
                break;
            case Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EHOSTDOWN or Errno.ECONNREFUSED
                or Errno.EPERM or Errno.EACCES or Errno.EADDRNOTAVAIL:
                _counters.LostUnreachable += (ulong)run.Count;
                break;
            default:
                _counters.LostOther += (ulong)run.Count;
                break;
        }
    }

    private static UdpSocket Bind(IPEndPoint listen, UdpOptions options, int v6Family, bool isFallback)
    {
        var operation = $"listen on UDP {listen}";
        var address = SockAddr.FromIPEndPoint(listen);
        var isV6 = listen.AddressFamily == AddressFamily.InterNetworkV6;
        var isDualStack = isV6 && listen.Address.Equals(IPAddress.IPv6Any);
        const int Type = SocketConstants.SOCK_DGRAM | SocketConstants.SOCK_NONBLOCK | SocketConstants.SOCK_CLOEXEC;
        var fd = FileDescriptor.Take(Libc.socket(isV6 ? v6Family : SocketConstants.AF_INET, Type, 0), operation);
        try
        {
            UdpSocketOptions.Set(fd.Value, operation, isV6, isDualStack, options.SocketBufferBytes);
            if (options.Shared)
            {
                UdpSocketOptions.AllowSharing(fd.Value, true);
            }

            BindNative(fd.Value, operation, ref address);
            return new UdpSocket(fd, address)
            {
                IsDualStack = isDualStack,
                IsIPv6Unavailable = isFallback,
                IsGroActive = options.Gro && UdpSocketOptions.TryEnableGro(fd.Value),
                GsoInactiveReason = FindGsoObstacle(fd.Value, options),
            };
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    private static string? FindGsoObstacle(int fd, UdpOptions options)
    {
        if (!options.Gso)
        {
            return "switched off";
        }

        if (!UdpSocketOptions.HasGso(fd))
        {
            return "the kernel has no UDP_SEGMENT (Linux 4.18 is needed)";
        }

        return options.SelfTest ? UdpGsoSelfTest.Run() : null;
    }

    private static void BindNative(int fd, string operation, ref SockAddr address)
    {
        fixed (byte* bytes = address.Bytes)
        {
            if (Libc.bind(fd, bytes, (uint)address.Bytes.Length) != 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                throw new LinuxException(operation, errno, errno switch
                {
                    Errno.EADDRINUSE => "another program uses this port; stop it or choose another port",
                    Errno.EADDRNOTAVAIL => "this host does not have that address",
                    Errno.EACCES => "ports below 1024 need root or CAP_NET_BIND_SERVICE",
                    _ => null,
                });
            }
        }

        var name = stackalloc byte[SockAddr.MaxBytes];
        var length = (uint)SockAddr.MaxBytes;
        if (Libc.getsockname(fd, name, &length) != 0)
        {
            throw LinuxException.FromLastError(operation);
        }

        address = SockAddr.FromBytes(new ReadOnlySpan<byte>(name, (int)Math.Min(length, SockAddr.MaxBytes)));
    }
}
