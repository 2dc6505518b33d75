using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>Key and cipher handles of ngtcp2/ngtcp2.h; names and order as there (checked by a test).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ngtcp2_crypto_aead_ctx
{
    public nint native_handle;
}

[StructLayout(LayoutKind.Sequential)]
internal struct ngtcp2_crypto_cipher_ctx
{
    public nint native_handle;
}
