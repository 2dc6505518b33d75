using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>
/// TCP connections of random sizes, while the path outside keeps changing what it carries and never says so. All of them by hand:
/// MTU_CONNECTIONS=1000.
/// </summary>
public sealed class ChangingMtuTests : IDisposable
{
    private const int Port = 7100;
    private const int AtOnce = 16;
    private const int MaxBytes = 2_000_000;
    private const int HeaderBytes = 12;

    /// <summary>For one connection. Several changes may fall into it, each with losses; the retransmission timer of the host doubles.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_change = TimeSpan.FromSeconds(1.5);

    /// <summary>Between two connections' beginnings: they are spread over many changes.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private static readonly int[] s_pathBytes = [1300, 9000, 1400, 1500, 1280, 9000, 1500, 1300, 1500];
    private static readonly int s_connections =
        int.TryParse(Environment.GetEnvironmentVariable("MTU_CONNECTIONS"), out int count) ? count : 60;

    private readonly TestBed _bed = new() { MtuBytes = 9000 };

    public void Dispose() => _bed.Dispose();

    [Fact]
    public async Task Connections_OfRandomSizesWhileThePathChanges_AllEndIntact()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");

        // A bridge lets super-packets of any size pass, so they are off.
        one.Tuning = two.Tuning = new Switches(true, false, true, "auto").Toml;
        one.Trust(two).Start();
        two.Trust(one, dial: false).Start();
        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(10));
        IPEndPoint target = new(IPAddress.Parse(two.Inner), Port);
        using Socket listener = two.Host.TcpSocket(AddressFamily.InterNetwork);
        listener.Bind(target);
        listener.Listen(s_connections);
        using CancellationTokenSource over = new();
        Task serving = Serve(listener, over.Token);
        Task changing = Change(two.Host, over.Token);
        Task changingBack = Change(one.Host, over.Token);
        using SemaphoreSlim turns = new(AtOnce);
        long start = Stopwatch.GetTimestamp();
        TimeSpan[] took = await Task.WhenAll(Enumerable.Range(0, s_connections).Select(async number =>
        {
            await Task.Delay(s_pause * number, TestContext.Current.CancellationToken);
            await turns.WaitAsync(TestContext.Current.CancellationToken);
            try
            {
                return await Exchange(one.Host, target, number);
            }
            finally
            {
                turns.Release();
            }
        }));
        TimeSpan all = Stopwatch.GetElapsedTime(start);
        await over.CancelAsync();
        listener.Close();
        await Task.WhenAll(changing, changingBack, serving);
        Array.Sort(took);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{s_connections} connections in {all.TotalSeconds:F1} s; median {took[took.Length / 2].TotalSeconds:F2} s, 99 % {took[took.Length * 99 / 100].TotalSeconds:F2} s, most {took[^1].TotalSeconds:F2} s; {one.PeerOf(two)!["blackHoles"]} + {two.PeerOf(one)!["blackHoles"]} black holes"));
    }

    private async Task Change(TestHost host, CancellationToken cancellation)
    {
        for (int i = 0; !cancellation.IsCancellationRequested; i++)
        {
            _bed.LimitTo(host, s_pathBytes[i % s_pathBytes.Length]);
            await Task.Delay(s_change * (host.Number == 1 ? 1 : 1.3), cancellation).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private static async Task Serve(Socket listener, CancellationToken cancellation)
    {
        List<Task> open = [];
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                open.Add(Answer(await listener.AcceptAsync(cancellation)));
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(open);
    }

    /// <summary>Checks what comes, then sends what was asked for.</summary>
    private static async Task Answer(Socket accepted)
    {
        using Socket socket = accepted;
        using CancellationTokenSource limit = new(s_limit);
        byte[] header = new byte[HeaderBytes];
        await ReceiveAll(socket, header, limit.Token);
        int number = BitConverter.ToInt32(header);
        await Check(socket, number, BitConverter.ToInt32(header, 4), limit.Token);
        await SendAll(socket, Bytes(-1 - number, BitConverter.ToInt32(header, 8)), limit.Token);
    }

    private static async Task<TimeSpan> Exchange(TestHost from, IPEndPoint target, int number)
    {
        Random random = new(number);
        int up = RandomSize(random), down = RandomSize(random);
        long start = Stopwatch.GetTimestamp();
        using CancellationTokenSource limit = new(s_limit);
        using Socket socket = from.TcpSocket(AddressFamily.InterNetwork);
        try
        {
            await socket.ConnectAsync(target, limit.Token);
            await SendAll(socket, (byte[])[.. BitConverter.GetBytes(number), .. BitConverter.GetBytes(up), .. BitConverter.GetBytes(down)], limit.Token);
            await SendAll(socket, Bytes(number, up), limit.Token);
            await Check(socket, -1 - number, down, limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"connection {number} ({up} bytes there, {down} back) was not over after {s_limit.TotalSeconds} s");
        }

        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>As many of a few bytes as of many.</summary>
    private static int RandomSize(Random random) => (int)Math.Exp(random.NextDouble() * Math.Log(MaxBytes));

    private static byte[] Bytes(int seed, int count)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task Check(Socket socket, int seed, int count, CancellationToken cancellation)
    {
        byte[] received = new byte[count];
        await ReceiveAll(socket, received, cancellation);
        Assert.True(received.AsSpan().SequenceEqual(Bytes(seed, count)), $"the {count} bytes of connection {seed} differ");
    }

    private static async Task ReceiveAll(Socket socket, Memory<byte> buffer, CancellationToken cancellation)
    {
        for (int at = 0; at < buffer.Length;)
        {
            int got = await socket.ReceiveAsync(buffer[at..], cancellation);
            Assert.True(got > 0, "the connection ended early");
            at += got;
        }
    }

    private static async Task SendAll(Socket socket, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, cancellation)..];
        }
    }
}
