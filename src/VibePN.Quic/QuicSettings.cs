using VibePN.Quic.Crypto;

namespace VibePN.Quic;

/// <summary>What a connection asks of QUIC; the same for both roles unless said otherwise.</summary>
public sealed record QuicSettings
{
    /// <summary>Closed after this long without a packet (RFC 9000 §10.1).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A PING is sent after this long of silence; zero: none.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The assumed round trip before the first sample: it sets the first retransmissions (facts.md).</summary>
    public TimeSpan InitialRtt { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The largest UDP payload ever sent.</summary>
    public int MaxUdpPayloadBytes { get; init; } = 8972;

    /// <summary>UDP payload sizes that path-MTU discovery tries, ascending (RFC 8899).</summary>
    public IReadOnlyList<ushort> PathMtuProbes { get; init; } = [1232, 1252, 1352, 1372, 1452, 1472, 4052, 8952, 8972];

    /// <summary>Bidirectional streams that the peer may have open at once.</summary>
    public int MaxPeerStreams { get; init; } = 4;

    /// <summary>Flow-control window of one stream, in bytes.</summary>
    public int StreamWindowBytes { get; init; } = 64 * 1024;

    /// <summary>The peer may send DATAGRAM frames (RFC 9221).</summary>
    public bool TakesDatagrams { get; init; } = true;

    /// <summary>Congestion control: BBR, or CUBIC for comparisons.</summary>
    public bool UseBbr { get; init; } = true;

    /// <summary>Who encrypts and decrypts; <see cref="QuicLibrary.DescribePacketProtection"/> says what comes of it here.</summary>
    public PacketProtectionMode PacketProtection { get; init; }

    /// <summary>AES is offered before ChaCha20; false pretends a processor without AES instructions.</summary>
    internal bool HasAes { get; init; } = PacketProtections.HasAes;
}
