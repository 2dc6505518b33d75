namespace VibePN.Quic;

/// <summary>Every bound of this library that is not a setting.</summary>
internal static class QuicLimits
{
    /// <summary>Bytes of the connection ids issued here: the loop's number and 56 random bits.</summary>
    public const int ConnectionIdBytes = 8;

    /// <summary>The connection id that a dialer makes up for its first packet (RFC 9000 §7.2: at least 8, unpredictable).</summary>
    public const int FirstConnectionIdBytes = 16;

    public const int SecretBytes = 32;

    /// <summary>Peer's connection ids kept for later paths (active_connection_id_limit).</summary>
    public const int PeerConnectionIds = 4;

    /// <summary>RFC 9221 §3: as large as anything.</summary>
    public const int MaxDatagramFrameBytes = 65_535;

    /// <summary>The least packet size of QUIC (RFC 9000 §14).</summary>
    public const int MinPacketBytes = 1_200;

    public const int MaxStreamBufferBytes = 256 * 1024;

    /// <summary>Reason phrases, sent and received.</summary>
    public const int MaxReasonBytes = 256;

    /// <summary>Over connections whose ids are still remembered (RFC 9000 §10.2); beyond, they are forgotten at once.</summary>
    public const int MaxLingering = 4_096;

    /// <summary>Closing and draining last this many probe timeouts (RFC 9000 §10.2).</summary>
    public const int LingerProbeTimeouts = 3;

    /// <summary>At most so long, though: what a probe timeout becomes after a host has slept says nothing of packets under way.</summary>
    public const ulong MaxLingerNanos = 10_000_000_000;

    /// <summary>Connections that remember covered packets, half a MiB each; further ones get them as they are, and parity is of no use to them.</summary>
    public const int ParityWindows = 128;

    public const int StatelessQueueLength = 64;

    /// <summary>The largest stateless answer: version negotiation with two 255-byte connection ids.</summary>
    public const int MaxStatelessBytes = 600;

    public const int StatelessResetsPerSecond = 100;

    public const int VersionNegotiationsPerSecond = 200;

    public const int InvalidTokenAnswersPerSecond = 100;

    public const int MinStatelessResetBytes = 21;

    public const int MaxStatelessResetBytes = 42;

    /// <summary>A token that a peer got while connected proves its address for so long, also after a restart.</summary>
    public const ulong NewTokenLifetimeNanos = 7UL * 24 * 3600 * 1_000_000_000;

    /// <summary>Longer tokens of a peer are not kept.</summary>
    public const int MaxTokenBytes = 256;

    public const ulong RetryTokenLifetimeNanos = 10_000_000_000;

    /// <summary>The largest variable-length integer (RFC 9000 §16).</summary>
    public const ulong MaxVarint = (1UL << 62) - 1;
}
