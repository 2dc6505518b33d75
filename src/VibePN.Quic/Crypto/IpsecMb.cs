using System.Diagnostics.CodeAnalysis;

namespace VibePN.Quic.Crypto;

/// <summary>
/// libipsec-mb, loaded, checked and proven: its functions for AES-128-GCM and for a single AES-128 block on this processor. Immutable; never unloaded; any thread.
/// The functions come from the manager structure, which is the library's documented interface (its macros read the same fields);
/// see <see cref="IpsecMbLoader"/> for how the layout is verified before the first call.
/// </summary>
internal sealed unsafe class IpsecMb
{
    public IpsecMb(Version version, string instructions, nint expand, nint encrypt, nint decrypt, nint expandBlockKey, nint encryptBlock)
    {
        Name = $"libipsec-mb {version}, {instructions}";
        Expand = (delegate* unmanaged<byte*, byte*, void>)expand;
        Encrypt = encrypt;
        Decrypt = decrypt;
        ExpandBlockKey = (delegate* unmanaged<byte*, byte*, byte*, void>)expandBlockKey;
        EncryptBlock = encryptBlock;
    }

    /// <summary>"libipsec-mb 1.3.0, AVX-512".</summary>
    public string Name { get; }

    /// <summary>Raw key (16 bytes), <c>gcm_key_data</c> to fill.</summary>
    [SuppressMessage("Design", "CA1051", Justification = "a function pointer")]
    public readonly delegate* unmanaged<byte*, byte*, void> Expand;

    /// <summary><see cref="PacketKey"/> has the signature.</summary>
    public nint Encrypt { get; }

    /// <inheritdoc cref="Encrypt"/>
    public nint Decrypt { get; }

    /// <summary>Raw key (16 bytes); the round keys for encryption and for decryption to fill (176 bytes each, aligned to 16).</summary>
    [SuppressMessage("Design", "CA1051", Justification = "a function pointer")]
    public readonly delegate* unmanaged<byte*, byte*, byte*, void> ExpandBlockKey;

    /// <summary>One block of AES-CFB; <see cref="HeaderKey"/> has the signature.</summary>
    public nint EncryptBlock { get; }
}
