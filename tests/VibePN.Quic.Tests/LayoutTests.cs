using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using VibePN.Quic.Native;

namespace VibePN.Quic.Tests;

/// <summary>Sizes and offsets of every struct against a C program compiled with the installed headers.</summary>
public sealed class LayoutTests
{
    private static readonly string[] _headers =
        ["ngtcp2/ngtcp2.h", "ngtcp2/ngtcp2_crypto.h", "gnutls/gnutls.h", "gnutls/abstract.h", "gnutls/crypto.h"];

    private static readonly Type[] _structs =
    [
        typeof(ngtcp2_cid),
        typeof(ngtcp2_vec),
        typeof(ngtcp2_pkt_info),
        typeof(ngtcp2_addr),
        typeof(ngtcp2_path),
        typeof(ngtcp2_path_storage),
        typeof(ngtcp2_version_cid),
        typeof(ngtcp2_pkt_hd),
        typeof(ngtcp2_conn_info),
        typeof(ngtcp2_ccerr),
        typeof(ngtcp2_info),
        typeof(ngtcp2_crypto_conn_ref),
        typeof(ngtcp2_settings),
        typeof(ngtcp2_preferred_addr),
        typeof(ngtcp2_version_info),
        typeof(ngtcp2_transport_params),
        typeof(ngtcp2_callbacks),
        typeof(gnutls_pcert_st),
        typeof(GnuTlsDatum),
    ];

    /// <summary>The type in C: its own name, but for the one struct that other code shares.</summary>
    private static string CName(Type type) => type == typeof(GnuTlsDatum) ? "gnutls_datum_t" : type.Name;

    [Fact]
    public void Structs_AgainstInstalledHeaders_SizesAndOffsetsEqual()
    {
        var expected = Gcc.Run(_headers, Program());
        var actual = new StringBuilder();
        foreach (var type in _structs)
        {
            actual.Append(CName(type)).Append(' ').Append(SizeOf(type)).Append('\n');
            foreach (var field in Fields(type))
            {
                actual.Append(CName(type)).Append('.').Append(field.Name).Append(' ').Append(OffsetOf(type, field)).Append('\n');
            }
        }

        Assert.Equal(expected, actual.ToString());
        Assert.Equal(40, Fields(typeof(ngtcp2_callbacks)).Count());
    }

    [Fact]
    public void Constants_AgainstInstalledHeaders_Equal()
    {
        (string Name, long Value)[] constants =
        [
            ("NGTCP2_SETTINGS_V2", ngtcp2_settings.Version),
            ("NGTCP2_CALLBACKS_V1", ngtcp2_callbacks.Version),
            ("NGTCP2_TRANSPORT_PARAMS_V1", ngtcp2_transport_params.Version),
            ("NGTCP2_PKT_INFO_V1", NgTcp2.PktInfoVersion),
            ("NGTCP2_CONN_INFO_V1", NgTcp2.ConnInfoVersion),
            ("NGTCP2_CC_ALGO_BBR", NgTcp2.CcAlgoBbr),
            ("NGTCP2_CC_ALGO_CUBIC", NgTcp2.CcAlgoCubic),
            ("NGTCP2_TOKEN_TYPE_RETRY", NgTcp2.TokenTypeRetry),
            ("NGTCP2_WRITE_DATAGRAM_FLAG_MORE", NgTcp2.WriteDatagramMore),
            ("NGTCP2_WRITE_STREAM_FLAG_FIN", NgTcp2.WriteStreamFin),
            ("NGTCP2_STREAM_DATA_FLAG_FIN", NgTcp2.StreamDataFin),
            ("NGTCP2_CCERR_TYPE_TRANSPORT", NgTcp2.CcErrTransport),
            ("NGTCP2_CCERR_TYPE_APPLICATION", NgTcp2.CcErrApplication),
            ("NGTCP2_ERR_STREAM_ID_BLOCKED", NgTcp2Error.StreamIdBlocked),
            ("NGTCP2_ERR_STREAM_DATA_BLOCKED", NgTcp2Error.StreamDataBlocked),
            ("NGTCP2_ERR_CRYPTO", NgTcp2Error.Crypto),
            ("NGTCP2_ERR_STREAM_SHUT_WR", NgTcp2Error.StreamShutWr),
            ("NGTCP2_ERR_STREAM_NOT_FOUND", NgTcp2Error.StreamNotFound),
            ("NGTCP2_ERR_RECV_VERSION_NEGOTIATION", NgTcp2Error.RecvVersionNegotiation),
            ("NGTCP2_ERR_CLOSING", NgTcp2Error.Closing),
            ("NGTCP2_ERR_DRAINING", NgTcp2Error.Draining),
            ("NGTCP2_ERR_WRITE_MORE", NgTcp2Error.WriteMore),
            ("NGTCP2_ERR_RETRY", NgTcp2Error.Retry),
            ("NGTCP2_ERR_DROP_CONN", NgTcp2Error.DropConn),
            ("NGTCP2_ERR_VERSION_NEGOTIATION", NgTcp2Error.VersionNegotiation),
            ("NGTCP2_ERR_HANDSHAKE_TIMEOUT", NgTcp2Error.HandshakeTimeout),
            ("NGTCP2_ERR_IDLE_CLOSE", NgTcp2Error.IdleClose),
            ("NGTCP2_ERR_CALLBACK_FAILURE", NgTcp2Error.CallbackFailure),
            ("NGTCP2_STATELESS_RESET_TOKENLEN", NgTcp2.StatelessResetTokenBytes),
            ("NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2", NgTcp2Crypto.TokenMagicRetry2),
            ("NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2", NgTcp2Crypto.MaxRetryTokenBytes),
            ("GNUTLS_SERVER", GnuTls.Server),
            ("GNUTLS_CLIENT", GnuTls.Client),
            ("GNUTLS_NO_TICKETS", GnuTls.NoTickets),
            ("GNUTLS_NO_AUTO_SEND_TICKET", GnuTls.NoAutoSendTicket),
            ("GNUTLS_NO_END_OF_EARLY_DATA", GnuTls.NoEndOfEarlyData),
            ("GNUTLS_ALPN_MANDATORY", GnuTls.AlpnMandatory),
            ("GNUTLS_ALPN_SERVER_PRECEDENCE", GnuTls.AlpnServerPrecedence),
            ("GNUTLS_CRD_CERTIFICATE", GnuTls.CrdCertificate),
            ("GNUTLS_CERT_REQUIRE", GnuTls.CertRequire),
            ("GNUTLS_X509_FMT_DER", GnuTls.CrtFmtDer),
            ("GNUTLS_X509_FMT_PEM", GnuTls.CrtFmtPem),
            ("GNUTLS_RND_NONCE", GnuTls.RndNonce),
            ("GNUTLS_RND_RANDOM", GnuTls.RndRandom),
            ("GNUTLS_DIG_SHA256", GnuTls.Sha256),
            ("GNUTLS_MAC_SHA256", GnuTls.Sha256),
            ("GNUTLS_PK_RSA", GnuTls.PkRsa),
            ("GNUTLS_PK_ECDSA", GnuTls.PkEcdsa),
            ("GNUTLS_PK_EDDSA_ED25519", GnuTls.PkEddsaEd25519),
            ("GNUTLS_ECC_CURVE_SECP256R1", GnuTls.EccCurveSecp256R1),
        ];
        var body = string.Concat(constants.Select(c => $"printf(\"{c.Name} %lld\\n\", (long long)({c.Name}));\n"));
        Assert.Equal(string.Concat(constants.Select(c => $"{c.Name} {c.Value}\n")), Gcc.Run(_headers, body));
    }

    private static string Program()
    {
        var body = new StringBuilder();
        foreach (var type in _structs)
        {
            body.Append(null, $"printf(\"{CName(type)} %zu\\n\", sizeof({CName(type)}));\n");
            foreach (var field in Fields(type))
            {
                body.Append(null, $"printf(\"{CName(type)}.{field.Name} %zu\\n\", offsetof({CName(type)}, {field.Name}));\n");
            }
        }

        return body.ToString();
    }

    private static IEnumerable<FieldInfo> Fields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public).OrderBy(f => f.MetadataToken);

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static int OffsetOf(Type type, FieldInfo field) => (int)Marshal.OffsetOf(type, field.Name);
}
