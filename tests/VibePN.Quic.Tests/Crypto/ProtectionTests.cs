using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests.Crypto;

/// <summary>Connections whose ends protect their packets in different ways.</summary>
public sealed class ProtectionTests
{
    private static readonly string _accelerated = $"AES-128-GCM ({IpsecMbTests.Installed.Name})";

    public static IEnumerable<TheoryDataRow<PacketProtectionMode, PacketProtectionMode, int>> Pairs =>
        from alice in new[] { PacketProtectionMode.IpsecMb, PacketProtectionMode.GnuTls }
        from bob in new[] { PacketProtectionMode.IpsecMb, PacketProtectionMode.GnuTls }
        from seed in Enumerable.Range(1, 5)
        select new TheoryDataRow<PacketProtectionMode, PacketProtectionMode, int>(alice, bob, seed);

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Transfer_AnyPairLossAndCorruption_StreamsWholeKeysRenewed(PacketProtectionMode alice, PacketProtectionMode bob, int seed)
    {
        var link = new LinkSettings { DelayNanos = 5_000_000, JitterNanos = 3_000_000, Loss = 0.05, Corruption = 0.05, Duplication = 0.02 };
        using var pair = Pair(alice, bob, seed, link);
        var (dialer, acceptor) = pair.Connect();
        Assert.Equal(Expected(alice), dialer.PacketProtection);
        Assert.Equal(Expected(bob), acceptor.PacketProtection);
        var random = new Random(seed);
        byte[] toBob = new byte[400_000], toAlice = new byte[400_000];
        random.NextBytes(toBob);
        random.NextBytes(toAlice);
        long up = dialer.OpenStream(), down = acceptor.OpenStream();
        int queuedUp = 0, queuedDown = 0, updates = 0, sent = 0;
        var due = pair.Net.Now.Nanos;
        var nextDatagram = due;
        var done = pair.Net.RunUntil(
            () =>
            {
                queuedUp = Pump(pair.Alice, dialer, up, toBob, queuedUp);
                queuedDown = Pump(pair.Bob, acceptor, down, toAlice, queuedDown);
                if (sent < 300 && pair.Net.Now.Nanos >= nextDatagram && pair.Alice.SendDatagram(dialer, BitConverter.GetBytes(sent)) == DatagramWrite.Written)
                {
                    sent++;
                    nextDatagram = pair.Net.Now.Nanos + 2_000_000;
                }

                // Both ask again and again; ngtcp2 refuses until the last update is confirmed and three probe timeouts old.
                if (pair.Net.Now.Nanos >= due)
                {
                    due = pair.Net.Now.Nanos + 100_000_000;
                    var (connection, host) = updates % 2 == 0 ? (dialer, pair.Alice) : (acceptor, pair.Bob);
                    if (connection.TryUpdateKey(pair.Net.Now))
                    {
                        updates++;
                        host.Flush();
                    }
                }

                return updates >= 8 && sent == 300 && pair.Bob.Handler.Finished.Contains((acceptor, up)) && pair.Alice.Handler.Finished.Contains((dialer, down));
            },
            TimeSpan.FromMinutes(10));
        Assert.True(done, $"seed {seed}: {updates} key updates, {sent} datagrams, closed: {string.Join(", ", pair.Alice.Handler.Closed.Concat(pair.Bob.Handler.Closed))}");
        Assert.Equal(toBob, pair.Bob.Handler.Streams[(acceptor, up)].ToArray());
        Assert.Equal(toAlice, pair.Alice.Handler.Streams[(dialer, down)].ToArray());
        pair.Net.Run(TimeSpan.FromSeconds(5));
        Assert.All(pair.Bob.Handler.Datagrams, d => Assert.InRange(BitConverter.ToInt32(d), 0, 299));

        Assert.True(pair.Bob.Handler.Datagrams.Count > 200, $"seed {seed}: {pair.Bob.Handler.Datagrams.Count} of 300, {dialer.GetStats()}");
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void Connect_ProcessorsWithAndWithoutAes_OneCipherAndDataFlows(bool aliceHasAes, bool bobHasAes)
    {
        var settings = new QuicSettings { HasAes = aliceHasAes };
        using var pair = new SimPair(settings: settings, bob: o => o with { Settings = o.Settings with { HasAes = bobHasAes } });
        var (dialer, acceptor) = pair.Connect();
        var cipher = aliceHasAes ? "AES-128-GCM" : "CHACHA20-POLY1305";
        Assert.StartsWith(cipher + " (", dialer.PacketProtection, StringComparison.Ordinal);
        Assert.StartsWith(cipher + " (", acceptor.PacketProtection, StringComparison.Ordinal);
        Assert.Equal(aliceHasAes, dialer.HasOwnKeys);
        Assert.Equal(aliceHasAes && bobHasAes, acceptor.HasOwnKeys);
        if (!aliceHasAes)
        {
            Assert.Equal("CHACHA20-POLY1305 (GnuTLS)", acceptor.PacketProtection);
        }

        pair.Net.Run(TimeSpan.FromSeconds(3));
        Assert.True(dialer.TryUpdateKey(pair.Net.Now));
        pair.Alice.SendDatagram(dialer, [1]);
        pair.Bob.SendDatagram(acceptor, [2]);
        pair.Net.Run(TimeSpan.FromSeconds(1));
        Assert.Equal<byte[]>([[1]], pair.Bob.Handler.Datagrams);
        Assert.Equal<byte[]>([[2]], pair.Alice.Handler.Datagrams);
    }

    [Fact]
    public void Mode_GnuTlsForced_NoKeyOfOurs()
    {
        using var pair = Pair(PacketProtectionMode.GnuTls, PacketProtectionMode.GnuTls, 1, null);
        var (dialer, acceptor) = pair.Connect();
        Assert.Equal("AES-128-GCM (GnuTLS)", dialer.PacketProtection);
        Assert.Equal("AES-128-GCM (GnuTLS)", acceptor.PacketProtection);
        Assert.Null(pair.Alice.Endpoint.Accelerator);
        Assert.Equal(0, pair.Alice.Endpoint.LiveKeys + pair.Bob.Endpoint.LiveKeys);
    }

    [Fact]
    public void Tampered_EveryShortPacketOnce_DroppedOriginalAccepted()
    {
        using var pair = new SimPair();
        var (dialer, acceptor) = pair.Connect();
        pair.Net.Run(TimeSpan.FromSeconds(5));
        var packet = new byte[9_000];
        Assert.Equal(DatagramWrite.Written, dialer.WriteDatagram(default, [1, 2, 3], packet, more: false, out var written, pair.Net.Now));
        var path = new QuicPath(pair.Bob.Address, pair.Alice.Address);
        for (var at = 0; at < written.Bytes; at++)
        {
            byte[] damaged = packet.AsSpan(0, written.Bytes).ToArray();
            damaged[at] ^= 0x40;
            pair.Bob.Endpoint.Receive(path, 0, damaged, pair.Net.Now);
        }

        Assert.Empty(pair.Bob.Handler.Datagrams);
        Assert.False(acceptor.IsClosed);
        pair.Bob.Endpoint.Receive(path, 0, packet.AsSpan(0, written.Bytes), pair.Net.Now);
        Assert.Equal<byte[]>([[1, 2, 3]], pair.Bob.Handler.Datagrams);
    }

    [Fact]
    public void Dispose_AfterKeyUpdates_EveryKeyWasWipedBeforeItsFreeing()
    {
        var wiped = 0;
        var dirty = 0;
        using (var pair = new SimPair())
        {
            foreach (var endpoint in new[] { pair.Alice.Endpoint, pair.Bob.Endpoint })
            {
                endpoint.KeyWiped = memory =>
                {
                    wiped++;
                    dirty += memory.ContainsAnyExcept((byte)0) ? 1 : 0;
                };
            }

            var (dialer, acceptor) = pair.Connect();
            for (var i = 0; i < 3; i++)
            {
                pair.Net.Run(TimeSpan.FromSeconds(3));
                Assert.True(dialer.TryUpdateKey(pair.Net.Now));
                pair.Alice.SendDatagram(dialer, [1]);
                pair.Net.Run(TimeSpan.FromSeconds(1));
                pair.Bob.SendDatagram(acceptor, [2]);
                pair.Net.Run(TimeSpan.FromSeconds(1));
            }

            // An update frees the old keys; alive are at most three generations and the header keys, each way.
            Assert.InRange(wiped, 8, 100);
            Assert.InRange(pair.Alice.Endpoint.LiveKeys, 4, 8);
            Assert.InRange(pair.Bob.Endpoint.LiveKeys, 4, 8);
            var before = wiped;
            var alive = pair.Alice.Endpoint.LiveKeys + pair.Bob.Endpoint.LiveKeys;
            dialer.Close(0, "");
            pair.Alice.Flush();
            pair.Net.Run(TimeSpan.FromSeconds(10));
            Assert.Equal(0, pair.Alice.Endpoint.LiveKeys + pair.Bob.Endpoint.LiveKeys);
            Assert.Equal(alive, wiped - before);
        }

        Assert.Equal(0, dirty);
    }

    [Fact]
    public void Handshake_Refused_KeysWiped()
    {
        using var pair = new SimPair();
        pair.Bob.Handler.Judge = (_, _) => TlsAlert.AccessDenied;
        var dialer = pair.Alice.Dial(pair.Bob);
        Assert.True(pair.Net.RunUntil(() => dialer.IsClosed, SimPair.Patience));
        pair.Net.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(0, pair.Connections);
        Assert.Equal((0, 0), (pair.Alice.Endpoint.LiveKeys, pair.Bob.Endpoint.LiveKeys));
    }

    [Fact]
    public void EndpointDisposed_ConnectionsOpen_KeysWiped()
    {
        var pair = new SimPair();
        pair.Connect();
        Assert.True(pair.Alice.Endpoint.LiveKeys >= 4);
        var (alice, bob) = (pair.Alice.Endpoint, pair.Bob.Endpoint);
        pair.Dispose();
        Assert.Equal(0, alice.LiveKeys + bob.LiveKeys);
    }

    private static SimPair Pair(PacketProtectionMode alice, PacketProtectionMode bob, int seed, LinkSettings? link) => new(
        seed,
        link,
        new QuicSettings { PacketProtection = alice, HandshakeTimeout = TimeSpan.FromSeconds(60) },
        o => o with { Settings = o.Settings with { PacketProtection = bob } });

    private static string Expected(PacketProtectionMode mode) => mode == PacketProtectionMode.IpsecMb ? _accelerated : "AES-128-GCM (GnuTLS)";

    private static int Pump(SimHost host, QuicConnection connection, long stream, byte[] data, int queued)
    {
        while (queued < data.Length)
        {
            var part = Math.Min(9_999, data.Length - queued);
            if (!connection.TryWriteStream(stream, data.AsSpan(queued, part), fin: queued + part == data.Length))
            {
                break;
            }

            queued += part;
            host.Flush();
        }

        return queued;
    }
}
