using System.Security.Cryptography;
using VibePN.Quic.Crypto;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>
/// 1-RTT keys of its own where libipsec-mb protects the packets: derived here from the TLS secrets, handed to ngtcp2 as handles,
/// wiped when ngtcp2 gives them back. Raw keys live only on the stack, and are wiped there.
/// </content>
public sealed unsafe partial class QuicConnection
{
    /// <summary>Raw key, nonce base, header key.</summary>
    private const int MaterialBytes = PacketKey.RawBytes + PacketKey.NonceBytes + HeaderKey.RawBytes;

    /// <summary>Cipher and who computes it, as "AES-128-GCM (GnuTLS)"; null before the handshake has completed.</summary>
    public string? PacketProtection { get; private set; }

    /// <summary>Its 1-RTT keys are libipsec-mb's.</summary>
    internal bool HasOwnKeys { get; private set; }

    /// <summary>GnuTLS has secrets for a level; either may be null.</summary>
    internal int OnSecrets(void* session, int level, byte* rxSecret, byte* txSecret, nuint length)
    {
        if (level == GnuTlsAead.EncryptionLevelApplication && length == KeySchedule.SecretBytes && _endpoint.Accelerator is { } library
            && GnuTlsAead.gnutls_cipher_get(session) == GnuTlsAead.CipherAes128Gcm
            && NgTcp2Keys.ngtcp2_conn_get_negotiated_version(_conn) == NgTcp2.ProtoVersion1)
        {
            HasOwnKeys = true;
            return (rxSecret == null || Install(library, rxSecret, receive: true)) && (txSecret == null || Install(library, txSecret, receive: false))
                ? 0
                : -1;
        }

        var native = level switch
        {
            GnuTlsAead.EncryptionLevelInitial => NgTcp2Keys.LevelInitial,
            GnuTlsAead.EncryptionLevelEarly => NgTcp2Keys.LevelZeroRtt,
            GnuTlsAead.EncryptionLevelHandshake => NgTcp2Keys.LevelHandshake,
            GnuTlsAead.EncryptionLevelApplication => NgTcp2Keys.LevelOneRtt,
            _ => -1,
        };
        if (native < 0
            || (rxSecret != null && NgTcp2Keys.ngtcp2_crypto_derive_and_install_rx_key(_conn, null, null, null, native, rxSecret, length) != 0)
            || (txSecret != null && NgTcp2Keys.ngtcp2_crypto_derive_and_install_tx_key(_conn, null, null, null, native, txSecret, length) != 0))
        {
            return -1;
        }

        return 0;
    }

    /// <summary>The next generation of both directions' packet keys (RFC 9001 §6); header keys stay.</summary>
    internal int OnUpdateKey(
        byte* rxSecret, byte* txSecret, ngtcp2_crypto_aead_ctx* rxKey, byte* rxIv, ngtcp2_crypto_aead_ctx* txKey, byte* txIv,
        byte* currentRxSecret, byte* currentTxSecret, nuint length)
    {
        if (length != KeySchedule.SecretBytes || _endpoint.Accelerator is not { } library)
        {
            return NgTcp2Error.CallbackFailure;
        }

        rxKey->native_handle = 0;
        txKey->native_handle = 0;
        try
        {
            NextKey(library, currentRxSecret, rxSecret, rxKey, rxIv);
            NextKey(library, currentTxSecret, txSecret, txKey, txIv);
            return 0;
        }
        catch
        {
            FreePacketKey(rxKey);
            FreePacketKey(txKey);
            throw;
        }
    }

    internal void FreePacketKey(ngtcp2_crypto_aead_ctx* key)
    {
        if (key->native_handle != 0)
        {
            PacketKey.Wipe(key->native_handle);
            _endpoint.OnKeyWiped(PacketKey.Memory(key->native_handle));
            PacketKey.Free(key->native_handle);
            key->native_handle = 0;
        }
    }

    internal void FreeHeaderKey(ngtcp2_crypto_cipher_ctx* key)
    {
        if (key->native_handle != 0)
        {
            HeaderKey.Wipe(key->native_handle);
            _endpoint.OnKeyWiped(HeaderKey.Memory(key->native_handle));
            HeaderKey.Free(key->native_handle);
            key->native_handle = 0;
        }
    }

    private bool Install(IpsecMb library, byte* secret, bool receive)
    {
        var secretSpan = new ReadOnlySpan<byte>(secret, KeySchedule.SecretBytes);
        var raw = stackalloc byte[MaterialBytes];
        var iv = raw + PacketKey.RawBytes;
        var header = iv + PacketKey.NonceBytes;
        ngtcp2_crypto_aead_ctx packetKey = default;
        ngtcp2_crypto_cipher_ctx headerKey = default;
        var installed = false;
        try
        {
            KeySchedule.Expand(secretSpan, KeySchedule.KeyLabel, new Span<byte>(raw, PacketKey.RawBytes));
            KeySchedule.Expand(secretSpan, KeySchedule.IvLabel, new Span<byte>(iv, PacketKey.NonceBytes));
            KeySchedule.Expand(secretSpan, KeySchedule.HeaderLabel, new Span<byte>(header, HeaderKey.RawBytes));
            packetKey.native_handle = PacketKey.Create(library, raw);
            _endpoint.OnKeyMade();
            headerKey.native_handle = HeaderKey.Create(library, header);
            _endpoint.OnKeyMade();
            var result = receive
                ? NgTcp2Keys.ngtcp2_conn_install_rx_key(_conn, secret, KeySchedule.SecretBytes, &packetKey, iv, PacketKey.NonceBytes, &headerKey)
                : NgTcp2Keys.ngtcp2_conn_install_tx_key(_conn, secret, KeySchedule.SecretBytes, &packetKey, iv, PacketKey.NonceBytes, &headerKey);
            installed = result == 0;
            return installed;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(new Span<byte>(raw, MaterialBytes));
            if (!installed)
            {
                FreePacketKey(&packetKey);
                FreeHeaderKey(&headerKey);
            }
        }
    }

    private void NextKey(IpsecMb library, byte* current, byte* next, ngtcp2_crypto_aead_ctx* key, byte* iv)
    {
        var secret = new Span<byte>(next, KeySchedule.SecretBytes);
        var raw = stackalloc byte[PacketKey.RawBytes];
        try
        {
            KeySchedule.Expand(new ReadOnlySpan<byte>(current, KeySchedule.SecretBytes), KeySchedule.UpdateLabel, secret);
            KeySchedule.Expand(secret, KeySchedule.KeyLabel, new Span<byte>(raw, PacketKey.RawBytes));
            KeySchedule.Expand(secret, KeySchedule.IvLabel, new Span<byte>(iv, PacketKey.NonceBytes));
            key->native_handle = PacketKey.Create(library, raw);
            _endpoint.OnKeyMade();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(new Span<byte>(raw, PacketKey.RawBytes));
        }
    }

    private void DescribeProtection()
    {
        var cipher = GnuTlsAead.gnutls_cipher_get(_tls) == GnuTlsAead.CipherChaCha20Poly1305 ? "CHACHA20-POLY1305" : "AES-128-GCM";
        PacketProtection = $"{cipher} ({(HasOwnKeys ? _endpoint.Accelerator!.Name : "GnuTLS")})";
    }
}
