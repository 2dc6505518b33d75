using System.Buffers.Binary;
using System.Text;
using VibePN.Quic;

namespace VibePN.Identity;

/// <summary>
/// Statement of kind 2, in the extension of a throw-away certificate behind the identity: {2, length of the old certificate (2 bytes), the old
/// certificate's DER, last second of the overlap (8 bytes, Unix), signature (DER) by the old key over <see cref="TextOf"/>}. Integers are big-endian.
/// </summary>
public static class SuccessionStatement
{
    /// <summary>The extension of a successor's certificate that names the key before: its fingerprint, 32 bytes.</summary>
    public const string PredecessorOid = "1.3.6.1.4.1.32473.51820.2";

    private const byte Kind = 2;
    private const int MaxCertificateBytes = 8 * 1024;
    private const int MaxSignatureBytes = 80;

    private static readonly byte[] Label = Encoding.ASCII.GetBytes("vibepn/1 succession");

    /// <summary>What the old key signs: label, new fingerprint, last second of the overlap.</summary>
    public static byte[] TextOf(PeerId successor, long overlapEndUtcSeconds)
    {
        byte[] text = new byte[Label.Length + PeerId.SizeBytes + sizeof(long)];
        Label.CopyTo(text, 0);
        successor.CopyTo(text.AsSpan(Label.Length));
        BinaryPrimitives.WriteInt64BigEndian(text.AsSpan(Label.Length + PeerId.SizeBytes), overlapEndUtcSeconds);
        return text;
    }

    public static byte[] Encode(ReadOnlySpan<byte> oldCertificateDer, long overlapEndUtcSeconds, ReadOnlySpan<byte> signature)
    {
        byte[] value = new byte[1 + sizeof(ushort) + oldCertificateDer.Length + sizeof(long) + signature.Length];
        value[0] = Kind;
        BinaryPrimitives.WriteUInt16BigEndian(value.AsSpan(1), checked((ushort)oldCertificateDer.Length));
        oldCertificateDer.CopyTo(value.AsSpan(3));
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(3 + oldCertificateDer.Length), overlapEndUtcSeconds);
        signature.CopyTo(value.AsSpan(3 + oldCertificateDer.Length + sizeof(long)));
        return value;
    }

    /// <param name="predecessor">Null: the certificate says that it follows none.</param>
    /// <returns>False: what it says cannot be read. What is no certificate says nothing; it signs for nobody either.</returns>
    public static bool TryFindPredecessor(ReadOnlySpan<byte> certificateDer, out PeerId? predecessor)
    {
        byte[]? value = CertificateInfo.TryRead(certificateDer, out CertificateInfo? certificate) ? certificate.Extension(PredecessorOid) : null;
        predecessor = value?.Length == PeerId.SizeBytes ? new PeerId(value) : null;
        return value is null || predecessor is not null;
    }

    /// <summary>A certificate's statement of this kind; null: it has none. Lengths are checked, the signature is not.</summary>
    /// <param name="isBroken">It has one, that cannot be read.</param>
    public static Succession? Find(ReadOnlySpan<byte> certificateDer, out bool isBroken)
    {
        isBroken = false;
        return CertificateInfo.TryRead(certificateDer, out CertificateInfo? certificate) && certificate.Extension(InviteStatement.Oid) is { } value
            ? Read(value, out isBroken)
            : null;
    }

    /// <summary>As <see cref="Find"/>, of the extension's value.</summary>
    internal static Succession? Read(byte[] value, out bool isBroken)
    {
        isBroken = value.Length > 0 && value[0] == Kind;
        if (!isBroken)
        {
            return null;
        }

        if (value.Length < 3)
        {
            return null;
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(value.AsSpan(1));
        int signatureBytes = value.Length - 3 - length - sizeof(long);
        if (length is 0 or > MaxCertificateBytes || signatureBytes is < 1 or > MaxSignatureBytes)
        {
            return null;
        }

        long end = BinaryPrimitives.ReadInt64BigEndian(value.AsSpan(3 + length));
        isBroken = end is < 0 or > Invite.LastUtcSeconds;
        return isBroken ? null : new Succession(value.AsMemory(3, length), end, value.AsMemory(3 + length + sizeof(long)));
    }
}

/// <param name="OldCertificate">DER.</param>
/// <param name="OverlapEndUtcSeconds">The last second in which the old key still holds.</param>
/// <param name="Signature">By the old key; see <see cref="SuccessionStatement.TextOf"/>.</param>
public readonly record struct Succession(ReadOnlyMemory<byte> OldCertificate, long OverlapEndUtcSeconds, ReadOnlyMemory<byte> Signature)
{
    public bool IsProof(PeerId successor) =>
        TlsPrimitives.VerifyEcdsaP256(OldCertificate.Span, SuccessionStatement.TextOf(successor, OverlapEndUtcSeconds), Signature.Span);
}
