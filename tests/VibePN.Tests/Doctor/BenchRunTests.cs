using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Doctor.Bench;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>Client and server of <c>bench</c> over the loopback, without a daemon.</summary>
public sealed class BenchRunTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _told = [];
    private readonly BenchServer _server;
    private readonly Thread _thread;
    private readonly int _port;

    public BenchRunTests()
    {
        _port = FreePort();
        _server = new BenchServer([new BenchAddress(IPAddress.Loopback, null)], _port, () => null, line =>
        {
            lock (_told)
            {
                _told.Add(line);
            }
        });
        _thread = new Thread(() => _server.Run(_stop.Token)) { IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Cancel();
        Assert.True(_thread.Join(Patience), "the server ends");
        _server.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public void Run_InsideAndOutside_HasEveryFigure()
    {
        List<double> progress = [];
        BenchDto answer = Client(new BenchOptions { Port = _port, Time = TimeSpan.FromSeconds(0.3), UdpKilobits = 2000 }, (_, done, _) => progress.Add(done)).Run(TestContext.Current.CancellationToken);

        Assert.True(answer.Complete && answer.OutsideProblem is null && answer.InsideProblem is null, $"{answer.Answer} {answer.InsideProblem} {answer.OutsideProblem}");
        Assert.Equal(8, answer.Flows.Count);
        Assert.All(answer.Flows, flow => Assert.True(flow.MegabitsPerSecond > 0, flow.ToString()));
        Assert.Contains(answer.Flows, flow => flow is { Protocol: "tcp", LoadedMillis: >= 0, LoadedP95Millis: >= 0 });
        Assert.All(answer.Flows.Where(flow => flow.Protocol == "udp"), flow => Assert.True(flow.Sent > 0 && flow.Received > 0 && flow.Received <= flow.Sent && flow.Loss is >= 0 and < 1, flow.ToString()));
        Assert.InRange(answer.IdleMillis ?? -1, 0, 10_000);
        Assert.InRange(answer.OutsideIdleMillis ?? -1, 0, 10_000);
        Assert.NotEmpty(answer.Answer);
        Assert.True(progress.Zip(progress.Skip(1)).All(pair => pair.Second >= pair.First - 1e-9) && progress[^1] <= 1 + 1e-9, "progress goes one way");
    }

    [Fact]
    public void Run_CancelledAmidstAFlow_ReturnsWhatThereIs()
    {
        using CancellationTokenSource cancel = new();
        BenchDto answer = Client(new BenchOptions { Port = _port, Time = TimeSpan.FromSeconds(30), Outside = false }, (what, done, _) =>
        {
            // Of five tests TCP up is the second, and a bit of it is done.
            if (what.StartsWith("TCP up", StringComparison.Ordinal) && done > 0.205)
            {
                cancel.Cancel();
            }
        }).Run(cancel.Token);

        Assert.False(answer.Complete);
        Assert.StartsWith("ended early", answer.Answer, StringComparison.Ordinal);
        Assert.NotNull(answer.IdleMillis);
        Assert.All(answer.Flows, flow => Assert.True(flow.MegabitsPerSecond >= 0, flow.ToString()));
    }

    [Fact]
    public void Run_WithoutAServer_SaysWhatToDo()
    {
        BenchException failure = Assert.Throws<BenchException>(() => Client(new BenchOptions { Port = FreePort() }, null).Run(TestContext.Current.CancellationToken));
        Assert.Contains("run there: vpnctl bench serve --port", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Server_MeasuringAlready_IsBusyAndAfterwardsFree()
    {
        using (Socket first = Connect())
        {
            _ = first.Send(new BenchMessage { Kind = BenchKind.Hello }.Write());
            Assert.Equal(BenchKind.Ready, Read(first).Kind);
            BenchException failure = Assert.Throws<BenchException>(() => Client(new BenchOptions { Port = _port }, null).Run(TestContext.Current.CancellationToken));
            Assert.Contains("somebody else", failure.Message, StringComparison.Ordinal);
        }

        Assert.True(SpinWait.SpinUntil(() => Hello() is { Kind: BenchKind.Ready }, Patience));
    }

    [Fact]
    public void Server_Nonsense_IsCutOffAndTheNextIsServed()
    {
        Random random = new(7);
        byte[] nonsense = new byte[BenchMessage.Bytes];
        for (int i = 0; i < 50; i++)
        {
            using Socket socket = Connect();
            random.NextBytes(nonsense);
            if (i % 2 == 0)
            {
                new BenchMessage { Kind = BenchKind.Data }.Write().CopyTo(nonsense, 0);
            }

            // It may be closed before all is sent: too many at once are turned away.
            _ = socket.Send(nonsense, SocketFlags.None, out _);
            Assert.Equal(0, socket.Receive(nonsense, SocketFlags.None, out _));
        }

        Assert.True(SpinWait.SpinUntil(() => Hello() is { Kind: BenchKind.Ready }, Patience));
    }

    [Fact]
    public void Server_RequestOutOfBounds_IsRefused()
    {
        using Socket control = Connect();
        _ = control.Send(new BenchMessage { Kind = BenchKind.Hello }.Write());
        Assert.Equal(BenchKind.Ready, Read(control).Kind);
        _ = control.Send(new BenchMessage { Kind = BenchKind.Run, Test = BenchTest.TcpUp, Millis = 1 }.Write());
        BenchMessage answer = Read(control);
        Assert.Equal((BenchKind.Refused, BenchStatus.BadRequest), (answer.Kind, answer.Status));
    }

    [Fact]
    public void UdpDown_AddressThatIsNotProven_GetsNoMoreThanItSent()
    {
        using Socket control = Connect();
        _ = control.Send(new BenchMessage { Kind = BenchKind.Hello }.Write());
        int outside = Read(control).Port;
        _ = control.Send(new BenchMessage { Kind = BenchKind.Run, Test = BenchTest.UdpDown, IsOutside = true, Millis = 2000, RateKilobits = 10_000, DatagramBytes = 1200 }.Write());
        byte[] token = Read(control).Token;

        using Socket stranger = Udp(outside);
        byte[] ask = new byte[BenchDatagram.HeadBytes], answer = new byte[2000];
        BenchDatagram.Write(ask, new BenchDatagram(BenchDatagramKind.Ask, 0, 0), new byte[BenchMessage.TokenBytes], []);
        stranger.Send(ask);
        Assert.False(stranger.Poll(200_000, SelectMode.SelectRead), "a wrong token is not answered");

        BenchDatagram.Write(ask, new BenchDatagram(BenchDatagramKind.Ask, 0, 0), token, []);
        stranger.Send(ask);
        Assert.True(stranger.Poll(10_000_000, SelectMode.SelectRead));
        int bytes = stranger.Receive(answer);
        Assert.Equal(BenchDatagramKind.Challenge, BenchDatagram.TryRead(answer.AsSpan(0, bytes), token)?.Kind);
        Assert.True(bytes <= ask.Length);
        byte[] cookie = BenchDatagram.CookieOf(answer).ToArray();
        Assert.False(stranger.Poll(200_000, SelectMode.SelectRead), "nothing more without an answer");

        // What was told at one address proves nothing about another one.
        using Socket other = Udp(outside);
        BenchDatagram.Write(ask, new BenchDatagram(BenchDatagramKind.Begin, 0, 0), token, cookie);
        other.Send(ask);
        Assert.False(other.Poll(200_000, SelectMode.SelectRead), "another address has proven nothing");
        stranger.Send(ask);
        Assert.True(stranger.Poll(10_000_000, SelectMode.SelectRead), "the right one gets data");
    }

    private static Socket Udp(int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    /// <summary>Such that the next one is free as well.</summary>
    private static int FreePort()
    {
        while (true)
        {
            using Socket one = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            one.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            int port = ((IPEndPoint)one.LocalEndPoint!).Port;
            try
            {
                using Socket next = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                next.Bind(new IPEndPoint(IPAddress.Any, port + 1));
                return port;
            }
            catch (Exception failure) when (failure is SocketException or ArgumentOutOfRangeException)
            {
                // Another one.
            }
        }
    }

    private static BenchMessage Read(Socket socket)
    {
        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        byte[] bytes = new byte[BenchMessage.Bytes];
        for (int have = 0; have < bytes.Length;)
        {
            int read = socket.Receive(bytes.AsSpan(have));
            have += read > 0 ? read : throw new EndOfStreamException();
        }

        return BenchMessage.TryRead(bytes)!;
    }

    private BenchMessage? Hello()
    {
        using Socket socket = Connect();
        try
        {
            _ = socket.Send(new BenchMessage { Kind = BenchKind.Hello }.Write());
            return Read(socket);
        }
        catch (Exception failure) when (failure is SocketException or EndOfStreamException)
        {
            return null;
        }
    }

    private Socket Connect()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, _port);
        socket.ReceiveTimeout = (int)Patience.TotalMilliseconds;
        return socket;
    }

    private static BenchClient Client(BenchOptions options, Action<string, double, double?>? told) => new(
        new PeerDto { Name = "two", MtuBytes = 1420 }, IPAddress.Loopback, IPAddress.Loopback, options, () => null, told ?? ((_, _, _) => { }));
}
