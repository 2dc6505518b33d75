using System.Buffers.Binary;
using System.Text;
using VibePN.Routing;

namespace VibePN.Legacy;

/// <summary>
/// The automatic address of a node of <c>vibepn/0.1</c>: the first 4 bytes of SHA-256(network ":" node id), masked with 2^hostbits − 2,
/// added to the prefix.
/// </summary>
internal static class LegacyAddress
{
    /// <param name="nodeId">As text.</param>
    /// <returns>Null: the prefix has none, being IPv6 or too small.</returns>
    public static IpKey? Of(string network, string nodeId, Prefix prefix)
    {
        var hostBits = prefix.First.Width - prefix.Length;
        if (prefix.First.IsV6 || hostBits < 2)
        {
            return null;
        }

        Span<byte> digest = stackalloc byte[Digest.Sha256Bytes];
        Digest.Sha256(Encoding.UTF8.GetBytes($"{network}:{nodeId}"), digest);
        var mask = (uint)((1UL << hostBits) - 2);
        return prefix.First with { Bits = prefix.First.Bits + (BinaryPrimitives.ReadUInt32BigEndian(digest) & mask) };
    }
}
