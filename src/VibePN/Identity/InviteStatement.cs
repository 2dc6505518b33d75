using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>Statement of kind 1: {1, id (16 bytes), MAC (32 bytes)} in the extension of a throw-away certificate behind the identity.</summary>
public static class InviteStatement
{
    public const string Oid = "1.3.6.1.4.1.32473.51820.1";
    private const byte Kind = 1;

    /// <summary>More would only feed a handshake.</summary>
    private const int MaxStatements = Lineage.MaxSuccessions + 4;

    public static byte[] Encode(in InviteProof proof)
    {
        byte[] value = new byte[1 + InviteId.SizeBytes + InviteProof.MacBytes];
        value[0] = Kind;
        proof.Id.CopyTo(value.AsSpan(1));
        proof.Mac.Span.CopyTo(value.AsSpan(1 + InviteId.SizeBytes));
        return value;
    }

    /// <summary>The first one in a chain, or null.</summary>
    public static InviteProof? Find(CertificateChain chain)
    {
        for (int i = 1; i < chain.Count && i <= MaxStatements; i++)
        {
            if (CertificateInfo.TryRead(chain[i], out CertificateInfo? certificate) && certificate.Extension(Oid) is { } value
                && value.Length == 1 + InviteId.SizeBytes + InviteProof.MacBytes && value[0] == Kind)
            {
                return new InviteProof(new InviteId(value.AsSpan(1)), value.AsMemory(1 + InviteId.SizeBytes));
            }
        }

        return null;
    }
}
