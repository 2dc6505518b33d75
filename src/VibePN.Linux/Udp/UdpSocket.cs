using System.Net;

namespace VibePN.Linux;

/// <summary>A non-blocking UDP socket that moves batches. One thread.</summary>
public sealed class UdpSocket : IDisposable
{
    public int Fd => throw new NotImplementedException();

    /// <summary>As bound: the port is never 0; the address is <c>[::]</c> for a dual-stack socket.</summary>
    public IPEndPoint LocalEndPoint => throw new NotImplementedException();

    /// <summary>Bound to <c>[::]</c> and open for IPv4 too: every address of it is a <c>sockaddr_in6</c>.</summary>
    public bool IsDualStack => throw new NotImplementedException();

    /// <summary><c>[::]</c> was asked for, but IPv6 is off in this host: bound to 0.0.0.0.</summary>
    public bool IsIPv6Unavailable => throw new NotImplementedException();

    /// <summary>UDP_SEGMENT is in use.</summary>
    public bool IsGsoActive => throw new NotImplementedException();

    /// <summary>UDP_GRO is in use.</summary>
    public bool IsGroActive => throw new NotImplementedException();

    /// <summary>Why <see cref="IsGsoActive"/> is false, for people; null when it is true.</summary>
    public string? GsoInactiveReason => throw new NotImplementedException();

    public UdpCounters Counters => throw new NotImplementedException();

    /// <summary>Opens a socket. Port 0: any.</summary>
    /// <exception cref="LinuxException">Address in use or not of this host, no permission, …</exception>
    public static UdpSocket Bind(IPEndPoint listen, UdpOptions options) => throw new NotImplementedException();

    /// <summary>The address as this socket sends to it: mapped for a dual-stack socket.</summary>
    /// <exception cref="ArgumentException">IPv6 to an IPv4 socket, or the reverse.</exception>
    public SockAddr ToRemote(IPEndPoint remote) => throw new NotImplementedException();

    /// <summary>Takes what has arrived; replaces the contents of the batch.</summary>
    /// <returns>The number of kernel messages; 0: nothing is there.</returns>
    public int Receive(UdpReceiveBatch batch) => throw new NotImplementedException();

    /// <summary>Sends a batch. Errors of the network are counted, never thrown.</summary>
    public UdpSendResult Send(UdpSendBatch batch) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
