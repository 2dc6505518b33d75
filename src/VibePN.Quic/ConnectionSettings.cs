using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary><see cref="QuicSettings"/> into ngtcp2's terms. ngtcp2 asserts (ends the process) on bad values: hence <see cref="Check"/>.</summary>
internal static unsafe class ConnectionSettings
{
    /// <exception cref="ArgumentException">A value that QUIC or ngtcp2 cannot take.</exception>
    public static void Check(QuicSettings settings)
    {
        Require(settings.IdleTimeout >= TimeSpan.Zero, nameof(settings.IdleTimeout), "must not be negative");
        Require(settings.KeepAlive >= TimeSpan.Zero, nameof(settings.KeepAlive), "must not be negative");
        Require(settings.HandshakeTimeout > TimeSpan.Zero, nameof(settings.HandshakeTimeout), "must be positive");
        Require(settings.InitialRtt > TimeSpan.Zero && settings.InitialRtt <= TimeSpan.FromSeconds(10), nameof(settings.InitialRtt), "must be positive and at most 10 s");
        Require(settings.MaxUdpPayloadBytes is >= QuicLimits.MinPacketBytes and <= 65_527, nameof(settings.MaxUdpPayloadBytes), "must be 1200 to 65527");
        Require(settings.MaxPeerStreams is >= 0 and <= 1_000, nameof(settings.MaxPeerStreams), "must be 0 to 1000");
        Require(settings.StreamWindowBytes is >= 1_024 and <= 64 * 1024 * 1024, nameof(settings.StreamWindowBytes), "must be 1 KiB to 64 MiB");
    }

    /// <summary>The probes that ngtcp2 can take: above 1,200 (it asserts that) and no larger than a packet may be; ascending, each once.</summary>
    public static ushort[] Probes(QuicSettings settings) =>
        [.. settings.PathMtuProbes.Where(p => p > QuicLimits.MinPacketBytes && p <= settings.MaxUdpPayloadBytes).Distinct().Order()];

    public static void Fill(ngtcp2_settings* native, QuicSettings settings, ulong nowNanos)
    {
        NgTcp2.ngtcp2_settings_default_versioned(ngtcp2_settings.Version, native);
        native->qlog_write = 0;
        native->log_printf = 0;
        native->cc_algo = settings.UseBbr ? NgTcp2.CcAlgoBbr : NgTcp2.CcAlgoCubic;
        native->initial_ts = nowNanos;
        native->initial_rtt = ToNanos(settings.InitialRtt);
        native->max_tx_udp_payload_size = (nuint)settings.MaxUdpPayloadBytes;
        native->handshake_timeout = ToNanos(settings.HandshakeTimeout);
    }

    public static void Fill(ngtcp2_transport_params* native, QuicSettings settings)
    {
        NgTcp2.ngtcp2_transport_params_default_versioned(ngtcp2_transport_params.Version, native);
        native->initial_max_stream_data_bidi_local = (ulong)settings.StreamWindowBytes;
        native->initial_max_stream_data_bidi_remote = (ulong)settings.StreamWindowBytes;
        native->initial_max_stream_data_uni = 0;
        native->initial_max_data = (ulong)settings.StreamWindowBytes * (ulong)(settings.MaxPeerStreams + 1);
        native->initial_max_streams_bidi = (ulong)settings.MaxPeerStreams;
        native->initial_max_streams_uni = 0;
        native->max_idle_timeout = ToNanos(settings.IdleTimeout);
        native->active_connection_id_limit = QuicLimits.PeerConnectionIds;
        native->max_datagram_frame_size = settings.TakesDatagrams ? QuicLimits.MaxDatagramFrameBytes : 0u;
    }

    public static ulong ToNanos(TimeSpan time) => (ulong)time.Ticks * 100;

    private static void Require(bool condition, string name, string rule)
    {
        if (!condition)
        {
            throw new ArgumentException($"{name} {rule}", nameof(condition));
        }
    }
}
