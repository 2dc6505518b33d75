namespace VibePN.Linux;

/// <summary>The internet checksum (RFC 1071). Sums are unfolded, in the byte order of the host, so that they can be added up.</summary>
public static class Checksum
{
    /// <summary>Adds bytes to a sum. All pieces but the last must have an even length.</summary>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>The one's complement sum of 16 bits, in network byte order when stored as a native ushort; not complemented.</summary>
    public static ushort Fold(ulong sum) => throw new NotImplementedException();

    /// <summary>The checksum of bytes, to be stored as a native ushort.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes) => throw new NotImplementedException();

    /// <summary>The unfolded sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1).</summary>
    public static ulong PseudoHeader(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, int upperLayerBytes) => throw new NotImplementedException();
}
