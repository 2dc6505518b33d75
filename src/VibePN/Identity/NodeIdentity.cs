using VibePN.Config;

namespace VibePN.Identity;

/// <summary>The node's own certificate and key as read from their files. Holds the private key in memory: keep it out of logs.</summary>
public sealed class NodeIdentity
{
    /// <summary>Larger files are no identity.</summary>
    private const int MaxFileBytes = 64 * 1024;

    private NodeIdentity(byte[] certificatePem, byte[] keyPem, byte[] certificateDer)
    {
        CertificatePem = certificatePem;
        KeyPem = keyPem;
        CertificateDer = certificateDer;
        Id = PeerId.OfCertificate(certificateDer);
    }

    /// <summary>The certificate file's bytes: one certificate or a chain, ours first.</summary>
    public ReadOnlyMemory<byte> CertificatePem { get; }

    public ReadOnlyMemory<byte> KeyPem { get; }

    /// <summary>The first certificate of <see cref="CertificatePem"/>.</summary>
    public ReadOnlyMemory<byte> CertificateDer { get; }

    public PeerId Id { get; }

    /// <summary>Reads both files. Whether the key fits the certificate shows only when TLS takes them.</summary>
    /// <exception cref="IdentityException"/>
    public static NodeIdentity Load(IdentityConfig config) => throw new NotImplementedException();
}
