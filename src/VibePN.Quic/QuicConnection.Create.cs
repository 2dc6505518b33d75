using System.Runtime.InteropServices;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>Set-up and tear-down of the native state.</content>
public sealed unsafe partial class QuicConnection
{
    /// <exception cref="QuicException">The libraries refused.</exception>
    internal static QuicConnection Dial(QuicEndpoint endpoint, in QuicPath path, IReadOnlyList<string> alpn, QuicCredentials credentials, ReadOnlySpan<byte> token, Instant now)
    {
        var connection = new QuicConnection(endpoint, isDialer: true, path, now);
        ngtcp2_cid first;
        first.datalen = QuicLimits.FirstConnectionIdBytes;
        TlsPrimitives.FillRandom(new Span<byte>(first.data, QuicLimits.FirstConnectionIdBytes));
        connection.Create(&first, NgTcp2.ProtoVersion1, alpn, credentials, accepted: null, token);
        return connection;
    }

    /// <param name="initial">The dialer's Initial header.</param>
    /// <param name="original">Its first connection id: the header's, or after Retry the one inside the token.</param>
    /// <param name="token">The validated token, empty without one.</param>
    internal static QuicConnection Accept(
        QuicEndpoint endpoint, in QuicPath path, ngtcp2_pkt_hd* initial, ngtcp2_cid* original, ReadOnlySpan<byte> token, Instant now)
    {
        var connection = new QuicConnection(endpoint, isDialer: false, path, now);
        var accepted = new AcceptedIds { Initial = initial, Original = original };
        connection.Create(&initial->scid, initial->version, endpoint.AcceptAlpn, endpoint.Credentials, &accepted, token);
        return connection;
    }

    /// <summary>Frees everything native; safe to call again.</summary>
    internal void FreeNative()
    {
        if (_conn != null)
        {
            _lastStats = GetStats() with { BytesInFlight = 0 };
            NgTcp2.ngtcp2_conn_del(_conn);
            _conn = null;
        }

        FreeTls();
        ReleaseParity();
        if (_block != null)
        {
            NativeMemory.Free(_block);
            _block = null;
        }

        if (_self.IsAllocated)
        {
            _self.Free();
        }

        foreach (var stream in _streams.Values)
        {
            stream.Dispose();
        }

        _streams.Clear();
        _sending.Clear();
        _openPacket = null;
    }

    private void Create(
        ngtcp2_cid* peerId, uint version, IReadOnlyList<string> alpn, QuicCredentials credentials, AcceptedIds* accepted, ReadOnlySpan<byte> token)
    {
        _self = GCHandle.Alloc(this);
        _block = (ConnectionBlock*)NativeMemory.AllocZeroed((nuint)sizeof(ConnectionBlock));
        _block->Handle = GCHandle.ToIntPtr(_self);
        NativePath.Fill(&_block->ActivePath, _path);
        NativePath.Prepare(&_block->WrittenPath);
        _block->ConnRef.get_conn = (nint)(delegate* unmanaged<ngtcp2_crypto_conn_ref*, void*>)&Thunks.GetConn;
        try
        {
            _tls = _endpoint.Tls.CreateSession(IsDialer, credentials, alpn, _block);
            ngtcp2_cid ownId;
            _endpoint.IssueId(this, &ownId);
            CreateConn(peerId, &ownId, version, accepted, token);
            _block->ConnRef.user_data = _conn;
            NgTcp2.ngtcp2_conn_set_tls_native_handle(_conn, _tls);
            var keepAlive = _endpoint.Settings.KeepAlive;
            NgTcp2.ngtcp2_conn_set_keep_alive_timeout(_conn, keepAlive > TimeSpan.Zero ? ConnectionSettings.ToNanos(keepAlive) : ulong.MaxValue);
        }
        catch
        {
            _endpoint.ForgetIds(this);
            FreeNative();
            throw;
        }
    }

    private void CreateConn(ngtcp2_cid* peerId, ngtcp2_cid* ownId, uint version, AcceptedIds* accepted, ReadOnlySpan<byte> token)
    {
        var path = &_block->ActivePath.path;
        ngtcp2_settings settings;
        ConnectionSettings.Fill(&settings, _endpoint.Settings, _now.Nanos);
        ngtcp2_transport_params parameters;
        ConnectionSettings.Fill(&parameters, _endpoint.Settings);
        var callbacks = _endpoint.Callbacks;
        void* conn;
        int result;
        fixed (ushort* probes = _endpoint.Probes)
        fixed (byte* tokenBytes = token)
        {
            settings.pmtud_probes = probes;
            settings.pmtud_probeslen = (nuint)_endpoint.Probes.Length;
            settings.no_pmtud = _endpoint.Probes.Length == 0 ? (byte)1 : (byte)0;
            settings.token = token.IsEmpty ? null : tokenBytes;
            settings.tokenlen = (nuint)token.Length;
            if (accepted == null)
            {
                settings.token_type = token.IsEmpty ? NgTcp2.TokenTypeUnknown : NgTcp2.TokenTypeNewToken;
                result = NgTcp2.ngtcp2_conn_client_new_versioned(
                    &conn, peerId, ownId, path, version, ngtcp2_callbacks.Version, &callbacks, ngtcp2_settings.Version, &settings,
                    ngtcp2_transport_params.Version, &parameters, null, (void*)GCHandle.ToIntPtr(_self));
            }
            else
            {
                if (!token.IsEmpty && token[0] == NgTcp2Crypto.TokenMagicRegular)
                {
                    settings.token_type = NgTcp2.TokenTypeNewToken;
                }
                else if (!token.IsEmpty)
                {
                    settings.token_type = NgTcp2.TokenTypeRetry;
                    parameters.retry_scid = accepted->Initial->dcid;
                    parameters.retry_scid_present = 1;
                }

                parameters.original_dcid = *accepted->Original;
                parameters.original_dcid_present = 1;
                _endpoint.ResetTokenOf(ownId, parameters.stateless_reset_token);
                parameters.stateless_reset_token_present = 1;
                result = NgTcp2.ngtcp2_conn_server_new_versioned(
                    &conn, peerId, ownId, path, version, ngtcp2_callbacks.Version, &callbacks, ngtcp2_settings.Version, &settings,
                    ngtcp2_transport_params.Version, &parameters, null, (void*)GCHandle.ToIntPtr(_self));
            }
        }

        if (result != 0)
        {
            throw new QuicException($"ngtcp2: {Describe(result)}");
        }

        _conn = conn;
    }

    private void FreeTls()
    {
        if (_tls == null)
        {
            return;
        }

        if (_conn != null)
        {
            NgTcp2.ngtcp2_conn_set_tls_native_handle(_conn, null);
        }

        GnuTls.gnutls_deinit(_tls);
        _tls = null;
    }

    private ref struct AcceptedIds
    {
        public ngtcp2_pkt_hd* Initial;
        public ngtcp2_cid* Original;
    }
}
