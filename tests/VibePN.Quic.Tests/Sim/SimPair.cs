namespace VibePN.Quic.Tests.Sim;

/// <summary>Two hosts, alice (10.0.0.1) and bob (10.0.0.2), each able to dial and to accept.</summary>
internal sealed class SimPair : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public SimPair(int seed = 1, LinkSettings? link = null, QuicSettings? settings = null, Func<QuicEndpointOptions, QuicEndpointOptions>? bob = null, bool v6 = false)
    {
        Net = new SimNet(seed, link);
        Alice = Net.AddHost(1, Options(TestCertificates.AliceCredentials, 1, settings), v6);
        var bobOptions = Options(TestCertificates.BobCredentials, 2, settings);
        Bob = Net.AddHost(2, bob?.Invoke(bobOptions) ?? bobOptions, v6);
    }

    public SimNet Net { get; }

    public SimHost Alice { get; }

    public SimHost Bob { get; set; }

    public static QuicEndpointOptions Options(QuicCredentials credentials, byte number, QuicSettings? settings = null) => new()
    {
        Credentials = credentials,
        Settings = settings ?? new QuicSettings(),
        AcceptAlpn = ["test/1"],
        LoopNumber = number,
        ResetSecret = Enumerable.Repeat(number, 32).ToArray(),
        TokenSecret = Enumerable.Repeat((byte)(number + 100), 32).ToArray(),
    };

    /// <summary>Alice dials Bob; both ends when both know that it holds and the first exchange (ids, acknowledgements) has calmed down.</summary>
    public (QuicConnection Dialer, QuicConnection Acceptor) Connect()
    {
        var before = Bob.Handler.Accepted.Count;
        var dialer = Alice.Dial(Bob);
        Assert.True(Net.RunUntil(() => dialer.IsHandshakeConfirmed, Patience), "no handshake");
        Net.Run(TimeSpan.FromMilliseconds(200));
        return (dialer, Bob.Handler.Accepted[before]);
    }

    /// <summary>Both ends idle: every connection known to either host.</summary>
    public int Connections => Alice.Endpoint.ConnectionCount + Bob.Endpoint.ConnectionCount;

    public void Dispose() => Net.Dispose();
}
