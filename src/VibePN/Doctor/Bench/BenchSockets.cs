using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace VibePN.Doctor.Bench;

/// <summary>Sockets of a measurement: none of them blocks for longer than <see cref="PollMicros"/>, so that whoever uses one notices that it is to end.</summary>
internal static class BenchSockets
{
    public const int PollMicros = 50_000;

    private const int BufferBytes = 128 * 1024;

    /// <summary>The most that a sender goes on after its time: the receiver ends a flow, its clock begins with the first byte.</summary>
    private const long GraceMicros = 3_000_000;

    /// <summary>SOL_SOCKET and SO_BINDTODEVICE, asm-generic/socket.h.</summary>
    private const int SolSocket = 1;
    private const int SoBindToDevice = 25;

    /// <summary>Of a clock that never goes back.</summary>
    public static long NowMicros => TimeProvider.System.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <param name="at">Port 0: any.</param>
    /// <param name="device">Only what comes in by this interface is taken, and answers leave by it; null: by any.</param>
    /// <param name="type">TCP listens.</param>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public static Socket Open(IPEndPoint at, string? device, SocketType type)
    {
        Socket socket = new(at.AddressFamily, type, type == SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp);
        try
        {
            if (device is not null)
            {
                // Otherwise whoever is on the same Ethernet could reach an address of the tunnel, too.
                socket.SetRawSocketOption(SolSocket, SoBindToDevice, Encoding.ASCII.GetBytes(device + "\0"));
            }

            if (at.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            // A port whose last connection has just ended can be had again.
            if (type == SocketType.Stream)
            {
                socket.SetRawSocketOption(SolSocket, 2, BitConverter.GetBytes(1));
            }

            socket.Bind(at);
            if (type == SocketType.Stream)
            {
                socket.Listen(8);
            }

            socket.Blocking = false;
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Outside, of both families where the host has both.</summary>
    /// <exception cref="SocketException">It cannot be had.</exception>
    public static Socket OpenAny(int port, SocketType type)
    {
        try
        {
            return Open(new IPEndPoint(IPAddress.IPv6Any, port), null, type);
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
        {
            return Open(new IPEndPoint(IPAddress.Any, port), null, type);
        }
    }

    /// <returns>Connected; null and why not.</returns>
    public static Socket? Connect(IPEndPoint to, TimeSpan limit, CancellationToken cancel, out SocketError error)
    {
        Socket socket = new(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        end.CancelAfter(limit);
        try
        {
            socket.ConnectAsync(to, end.Token).AsTask().GetAwaiter().GetResult();
            socket.Blocking = false;
            socket.NoDelay = true;
            error = SocketError.Success;
            return socket;
        }
        catch (SocketException failure)
        {
            error = failure.SocketErrorCode;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            error = SocketError.TimedOut;
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        socket.Dispose();
        return null;
    }

    /// <returns>All bytes; null: the other side has ended, sends something else, or nothing in time.</returns>
    public static BenchMessage? Receive(Socket socket, TimeSpan limit, Func<bool> isOver)
    {
        byte[] bytes = new byte[BenchMessage.Bytes];
        long end = NowMicros + (limit.Ticks / TimeSpan.TicksPerMicrosecond);
        for (int have = 0; have < bytes.Length;)
        {
            int read = socket.Receive(bytes.AsSpan(have), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                if (isOver() || NowMicros > end)
                {
                    return null;
                }

                _ = socket.Poll(PollMicros, SelectMode.SelectRead);
                continue;
            }

            if (error != SocketError.Success || read == 0)
            {
                return null;
            }

            have += read;
        }

        return BenchMessage.TryRead(bytes);
    }

    /// <summary>One datagram, whose sender comes into <paramref name="from"/>.</summary>
    /// <returns>Its bytes; −1: there is none, also where the kernel spoke of one whose checksum turned out to be wrong.</returns>
    public static int ReceiveFrom(Socket socket, Span<byte> buffer, SocketAddress from)
    {
        if (!socket.Poll(0, SelectMode.SelectRead))
        {
            return -1;
        }

        from.Size = SocketAddress.GetMaximumAddressSize(socket.AddressFamily);
        try
        {
            return socket.ReceiveFrom(buffer, SocketFlags.None, from);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.WouldBlock)
        {
            return -1;
        }
    }

    /// <summary>A record fits any send buffer.</summary>
    /// <returns>False: the other side is gone.</returns>
    public static bool Send(Socket socket, BenchMessage message) =>
        socket.Send(message.Write(), SocketFlags.None, out SocketError error) == BenchMessage.Bytes && error == SocketError.Success;

    /// <summary>Sends until the receiver ends it. What is sent cannot be compressed.</summary>
    public static void Pour(Socket socket, int millis, Func<bool> isOver)
    {
        byte[] data = new byte[BufferBytes];
        RandomNumberGenerator.Fill(data);
        long end = NowMicros + (millis * 1000L) + GraceMicros;
        while (NowMicros < end && !isOver())
        {
            _ = socket.Send(data, SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
            {
                _ = socket.Poll(PollMicros, SelectMode.SelectWrite);
            }
            else if (error != SocketError.Success)
            {
                return;
            }
        }
    }

    /// <summary>Receives for a time that begins with the first byte, of which the first fifth does not count: a flow has to find its pace.</summary>
    /// <param name="told">Bytes and microseconds so far.</param>
    public static (long Bytes, long Micros) Drain(Socket socket, int millis, Func<bool> isOver, Action<long, long> told)
    {
        byte[] data = new byte[BufferBytes];
        long span = millis * 1000L, first = 0, counted = 0, from = 0, bytes = 0, now = NowMicros, end = now + span + GraceMicros;
        while (now < end && !isOver())
        {
            int read = socket.Receive(data, SocketFlags.None, out SocketError error);
            now = NowMicros;
            if (error == SocketError.WouldBlock)
            {
                _ = socket.Poll(PollMicros, SelectMode.SelectRead);
                now = NowMicros;
                continue;
            }

            if (error != SocketError.Success || read == 0)
            {
                break;
            }

            if (first == 0)
            {
                (first, from, end) = (now, now, now + span);
            }

            bytes += read;
            if (from == first && now - first >= span / 5)
            {
                (from, counted) = (now, bytes);
            }

            told(bytes, now - first);
        }

        // Nothing after the first fifth: then it is all that there is.
        return first == 0 ? (0, 0) : bytes == counted ? (bytes, Math.Max(1, Math.Min(now, end) - first)) : (bytes - counted, Math.Max(1, Math.Min(now, end) - from));
    }
}
