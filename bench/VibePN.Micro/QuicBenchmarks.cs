using BenchmarkDotNet.Attributes;
using VibePN.Quic;
using VibePN.Quic.Tests.Sim;

namespace VibePN.Micro;

/// <summary>
/// A datagram written by one connection and read by another, in memory and in virtual time: packets sealed and opened, and the
/// acknowledgements that go back. Per datagram, both ends together.
/// </summary>
public class QuicBenchmarks : IDisposable
{
    private const int Datagrams = 100;
    private const ulong SpacingNanos = 200_000;

    private readonly byte[] _packet = GC.AllocateArray<byte>(16_384, pinned: true);
    private readonly byte[] _payload = new byte[1_200];
    private SimNet? _net;
    private SimHost _alice = null!;
    private SimHost _bob = null!;
    private QuicConnection _dialer = null!;
    private Instant _clock;

    [GlobalSetup]
    public void SetUp()
    {
        _net = new SimNet(defaults: new LinkSettings { DelayNanos = 100_000 });
        _alice = _net.AddHost(1, Options(TestCertificates.AliceCredentials, 1));
        _bob = _net.AddHost(2, Options(TestCertificates.BobCredentials, 2));
        _dialer = _alice.Dial(_bob);
        if (!_net.RunUntil(() => _dialer.IsHandshakeConfirmed, TimeSpan.FromSeconds(60)))
        {
            throw new InvalidOperationException("no handshake");
        }

        // Path-MTU discovery.
        _net.Run(TimeSpan.FromSeconds(5));
        _alice.Handler.Quiet = _bob.Handler.Quiet = true;
        _clock = _net.Now;
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _net?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(OperationsPerInvoke = Datagrams)]
    public int WriteAndRead()
    {
        var before = _bob.Handler.DatagramCount;
        for (var i = 0; i < Datagrams; i++)
        {
            _clock = _clock with { Nanos = _clock.Nanos + SpacingNanos };
            _dialer.WriteDatagram(_payload.AsSpan(..4), _payload.AsSpan(4..), _packet, more: false, out var written, _clock);
            if (written.Bytes > 0)
            {
                _bob.Endpoint.Receive(new QuicPath(_bob.Address, _alice.Address), 0, _packet.AsSpan(0, written.Bytes), _clock);
            }

            _dialer.EndBurst(_clock);
            Flush(_bob, _alice);
            Flush(_alice, _bob);
            _alice.Endpoint.HandleDeadlines(_clock);
            _bob.Endpoint.HandleDeadlines(_clock);
        }

        var arrived = _bob.Handler.DatagramCount - before;
        return arrived > Datagrams * 9 / 10 ? arrived : throw new InvalidOperationException($"only {arrived} of {Datagrams} datagrams arrived");
    }

    private void Flush(SimHost from, SimHost to)
    {
        while (from.Endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, _clock) is { Bytes: > 0 } written)
            {
                to.Endpoint.Receive(new QuicPath(to.Address, from.Address), 0, _packet.AsSpan(0, written.Bytes), _clock);
            }

            connection.EndBurst(_clock);
        }
    }

    private static QuicEndpointOptions Options(QuicCredentials credentials, byte number) => new()
    {
        Credentials = credentials,
        Settings = new QuicSettings { MaxUdpPayloadBytes = 1_472 },
        AcceptAlpn = ["test/1"],
        LoopNumber = number,
        ResetSecret = Enumerable.Repeat(number, 32).ToArray(),
        TokenSecret = Enumerable.Repeat((byte)(number + 100), 32).ToArray(),
    };
}
