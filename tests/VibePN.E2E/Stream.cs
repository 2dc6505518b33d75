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

    /// <summary>
    /// Sends datagrams of each size, several at once for the segmentation offload, and compares what arrives. UDP may
    /// lose some on a busy machine: what did not come is sent again, twice at most.
    /// </summary>
    public static void OverUdp(TestHost from, TestHost to, string address, params int[] sizes)
    {
        IPEndPoint target = new(IPAddress.Parse(address), Port);
        using Socket server = to.UdpSocket(target.AddressFamily);
        server.Bind(target);
        using Socket client = from.UdpSocket(target.AddressFamily);
        client.Connect(target);
        byte[] received = new byte[65536];
        foreach (int size in sizes)
        {
            byte[] sent = new byte[size];
            new Random(size).NextBytes(sent);
            int missing = size < 1400 ? 8 : 2;
            for (int tries = 3; missing > 0 && tries > 0; tries--)
            {
                for (int copies = missing; copies > 0; copies--)
                {
                    client.Send(sent);
                }

                while (missing > 0 && server.Poll(TimeSpan.FromSeconds(2), SelectMode.SelectRead))
                {
                    int bytes = server.Receive(received);
                    if (bytes == size)
                    {
                        Assert.True(sent.AsSpan().SequenceEqual(received.AsSpan(0, bytes)), $"UDP from {from.Name} to {address}: {size} bytes differ");
                        missing--;
                    }
                    else
                    {
                        Assert.True(Array.IndexOf(sizes, bytes) >= 0, $"UDP from {from.Name} to {address}: {bytes} bytes came, which nobody sent");
                    }
                }
            }

            Assert.True(missing == 0, $"UDP from {from.Name} to {address}: {missing} datagrams of {size} bytes never came");
        }
    }
}
