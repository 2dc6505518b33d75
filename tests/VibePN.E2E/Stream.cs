using System.Net;
using System.Net.Sockets;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Data through a tunnel, byte for byte.</summary>
internal static class Stream
{
    private const int Port = 7000;
    private const int TimeoutMillis = 10_000;

    /// <summary>Sends random bytes over one TCP connection, and compares what arrives.</summary>
    public static void OverTcp(TestHost from, TestHost to, string address, int bytes)
    {
        IPEndPoint target = new(IPAddress.Parse(address), Port);
        using Socket listener = to.TcpSocket(target.AddressFamily);
        listener.Bind(target);
        listener.Listen(1);
        byte[] sent = new byte[bytes];
        new Random(bytes).NextBytes(sent);
        using Socket client = from.TcpSocket(target.AddressFamily);
        client.SendTimeout = TimeoutMillis;
        Assert.True(client.ConnectAsync(target).Wait(TimeoutMillis), $"no TCP connection from {from.Name} to {address}");
        using Socket server = listener.Accept();
        server.ReceiveTimeout = TimeoutMillis;
        Task sending = Task.Run(() =>
        {
            for (int at = 0; at < sent.Length;)
            {
                at += client.Send(sent.AsSpan(at));
            }

            client.Shutdown(SocketShutdown.Send);
        });
        byte[] received = new byte[bytes + 1];
        int got = 0;
        for (int count = -1; count != 0; got += count)
        {
            count = server.Receive(received.AsSpan(got));
        }

        sending.Wait(TimeoutMillis);
        Assert.Equal(bytes, got);
        Assert.True(sent.AsSpan().SequenceEqual(received.AsSpan(0, bytes)), $"TCP from {from.Name} to {address}: the bytes differ");
    }

    /// <summary>Sends one datagram of each size, and compares what arrives; a burst of equal ones last, for the segmentation offload.</summary>
    public static void OverUdp(TestHost from, TestHost to, string address, params int[] sizes)
    {
        IPEndPoint target = new(IPAddress.Parse(address), Port);
        using Socket server = to.UdpSocket(target.AddressFamily);
        server.ReceiveTimeout = TimeoutMillis;
        server.Bind(target);
        using Socket client = from.UdpSocket(target.AddressFamily);
        client.Connect(target);
        byte[] received = new byte[65536];
        foreach (int size in sizes)
        {
            byte[] sent = new byte[size];
            new Random(size).NextBytes(sent);
            for (int copies = size < 1400 ? 8 : 2; copies > 0; copies--)
            {
                client.Send(sent);
            }

            for (int copies = size < 1400 ? 8 : 2; copies > 0; copies--)
            {
                int bytes = server.Receive(received);
                Assert.True(sent.AsSpan().SequenceEqual(received.AsSpan(0, bytes)), $"UDP from {from.Name} to {address}: {size} bytes differ");
            }
        }
    }
}
