using System.Runtime.InteropServices;
using System.Text;
using VibePN.Quic.Crypto;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>What all TLS sessions of an endpoint share, and how one is set up: TLS 1.3 only, both sides with a certificate, no tickets.</summary>
internal sealed unsafe class TlsContext : IDisposable
{
    private const int MaxProtocolBytes = 32;
    private const int MaxProtocols = 8;

    private readonly bool _accelerated;
    private void* _priority;

    /// <param name="aes">AES before ChaCha20.</param>
    /// <param name="accelerated">1-RTT keys may be libipsec-mb's.</param>
    public TlsContext(bool aes, bool accelerated)
    {
        _accelerated = accelerated;
        var ciphers = aes ? "+AES-128-GCM:+CHACHA20-POLY1305" : "+CHACHA20-POLY1305:+AES-128-GCM";
        var text = Encoding.ASCII.GetBytes($"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:{ciphers}{Groups()}:%DISABLE_TLS13_COMPAT_MODE\0");
        fixed (byte* priorities = text)
        fixed (void** cache = &_priority)
        {
            Check(GnuTls.gnutls_priority_init(cache, priorities, null), "TLS priorities");
        }
    }

    /// <summary>A session bound to a connection's block; the caller frees it with gnutls_deinit.</summary>
    /// <exception cref="QuicException">GnuTLS refused.</exception>
    public void* CreateSession(bool dialer, QuicCredentials credentials, IReadOnlyList<string> alpn, ConnectionBlock* block)
    {
        void* session;
        var role = dialer ? GnuTls.Client : GnuTls.Server;
        Check(GnuTls.gnutls_init(&session, role | GnuTls.NoTickets | GnuTls.NoAutoSendTicket | GnuTls.NoEndOfEarlyData), "TLS session");
        try
        {
            Check(GnuTls.gnutls_priority_set(session, _priority), "TLS priorities");
            Check(
                dialer
                    ? NgTcp2Crypto.ngtcp2_crypto_gnutls_configure_client_session(session)
                    : NgTcp2Crypto.ngtcp2_crypto_gnutls_configure_server_session(session),
                "TLS for QUIC");
            if (_accelerated)
            {
                GnuTlsAead.gnutls_handshake_set_secret_function(session, (nint)(delegate* unmanaged<void*, int, byte*, byte*, nuint, int>)&CryptoThunks.Secrets);
            }

            GnuTls.gnutls_session_set_ptr(session, block);
            Check(GnuTls.gnutls_credentials_set(session, GnuTls.CrdCertificate, credentials.Native), "TLS credentials");
            GnuTls.gnutls_session_set_verify_function(session, (nint)(delegate* unmanaged<void*, int>)&Thunks.VerifyPeer);
            if (!dialer)
            {
                GnuTls.gnutls_certificate_server_set_request(session, GnuTls.CertRequire);
            }

            SetProtocols(session, alpn, dialer);
            return session;
        }
        catch
        {
            GnuTls.gnutls_deinit(session);
            throw;
        }
    }

    /// <summary>The hybrid group first, where this GnuTLS has it; GnuTLS's own order otherwise.</summary>
    private static string Groups()
    {
        for (var group = GnuTlsAead.gnutls_group_list(); group != null && *group != 0; group++)
        {
            var name = GnuTlsAead.gnutls_group_get_name(*group);
            if (name != null && MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).SequenceEqual("X25519-MLKEM768"u8))
            {
                return ":-GROUP-ALL:+GROUP-X25519-MLKEM768:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1";
            }
        }

        return "";
    }

    /// <summary>The application protocol agreed on, or null.</summary>
    public static string? SelectedProtocol(void* session)
    {
        GnuTlsDatum protocol;
        return GnuTls.gnutls_alpn_get_selected_protocol(session, &protocol) == 0
            ? Encoding.ASCII.GetString(protocol.data, (int)protocol.size)
            : null;
    }

    public void Dispose()
    {
        if (_priority != null)
        {
            GnuTls.gnutls_priority_deinit(_priority);
            _priority = null;
        }
    }

    /// <summary>Names as GnuTLS takes them: at most 8, ASCII, 1 to 32 bytes (RFC 7301 §3.1 would allow 255).</summary>
    public static void CheckProtocols(IReadOnlyList<string> alpn)
    {
        if (alpn.Count > MaxProtocols)
        {
            throw new ArgumentException($"at most {MaxProtocols} ALPN names", nameof(alpn));
        }

        foreach (var name in alpn)
        {
            if (name.Length is 0 or > MaxProtocolBytes || !Ascii.IsValid(name))
            {
                throw new ArgumentException($"\"{name}\" is no ALPN name: 1 to {MaxProtocolBytes} ASCII characters", nameof(alpn));
            }
        }
    }

    private static void SetProtocols(void* session, IReadOnlyList<string> alpn, bool dialer)
    {
        var bytes = stackalloc byte[alpn.Count * MaxProtocolBytes];
        var names = stackalloc GnuTlsDatum[alpn.Count];
        for (var i = 0; i < alpn.Count; i++)
        {
            var length = Encoding.ASCII.GetBytes(alpn[i], new Span<byte>(bytes, MaxProtocolBytes));
            names[i] = new GnuTlsDatum { data = bytes, size = (uint)length };
            bytes += length;
        }

        var flags = GnuTls.AlpnMandatory | (dialer ? 0 : GnuTls.AlpnServerPrecedence);
        Check(GnuTls.gnutls_alpn_set_protocols(session, names, (uint)alpn.Count, flags), "ALPN");
    }

    private static void Check(int result, string what)
    {
        if (result < 0)
        {
            throw new QuicException($"{what}: {GnuTls.Describe(result)}");
        }
    }
}
