using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace VibePN.Linux;

/// <summary>
/// The internet checksum (RFC 1071). Sums are unfolded and in the byte order of the host (which the one's complement sum allows), so that
/// they can be added up; what is stored goes into the packet as a native ushort, without a swap.
/// </summary>
public static class Checksum
{
    /// <summary>Adds bytes to a sum. Every piece of a packet but the last must have an even length.</summary>
    /// <remarks>32-bit words are added up in 64-bit lanes: 2^32 of them fit before a carry is lost.</remarks>
    public static ulong Add(ulong sum, ReadOnlySpan<byte> bytes)
    {
        ref var at = ref MemoryMarshal.GetReference(bytes);
        var left = bytes.Length;
        if (Vector512.IsHardwareAccelerated && left >= 128)
        {
            var low = Vector512<ulong>.Zero;
            var high = Vector512<ulong>.Zero;
            for (; left >= 64; left -= 64, at = ref Unsafe.Add(ref at, 64))
            {
                var (a, b) = Vector512.Widen(Vector512.LoadUnsafe(ref at).AsUInt32());
                low += a;
                high += b;
            }

            sum += Fold64(Vector512.Sum(low + high));
        }

        if (Vector256.IsHardwareAccelerated && left >= 64)
        {
            var low = Vector256<ulong>.Zero;
            var high = Vector256<ulong>.Zero;
            for (; left >= 32; left -= 32, at = ref Unsafe.Add(ref at, 32))
            {
                var (a, b) = Vector256.Widen(Vector256.LoadUnsafe(ref at).AsUInt32());
                low += a;
                high += b;
            }

            sum += Fold64(Vector256.Sum(low + high));
        }
        else if (Vector128.IsHardwareAccelerated && left >= 32)
        {
            var low = Vector128<ulong>.Zero;
            var high = Vector128<ulong>.Zero;
            for (; left >= 16; left -= 16, at = ref Unsafe.Add(ref at, 16))
            {
                var (a, b) = Vector128.Widen(Vector128.LoadUnsafe(ref at).AsUInt32());
                low += a;
                high += b;
            }

            sum += Fold64(Vector128.Sum(low + high));
        }

        for (; left >= 4; left -= 4, at = ref Unsafe.Add(ref at, 4))
        {
            sum += Unsafe.ReadUnaligned<uint>(ref at);
        }

        if (left >= 2)
        {
            sum += Unsafe.ReadUnaligned<ushort>(ref at);
            left -= 2;
            at = ref Unsafe.Add(ref at, 2);
        }

        if (left == 1)
        {
            // The missing byte of the last word is zero (RFC 1071 §1).
            sum += BitConverter.IsLittleEndian ? at : (uint)at << 8;
        }

        return sum;
    }

    /// <summary>The one's complement sum as 16 bits, not complemented, in the byte order of the host.</summary>
    public static ushort Fold(ulong sum)
    {
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff_ffff) + (sum >> 32);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }

    /// <summary>The checksum of bytes, to be stored as a native ushort.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes) => (ushort)~Fold(Add(0, bytes));

    /// <summary>
    /// Corrects a complete checksum for one changed 16-bit word that it covers (RFC 1624, equation 3: right also where the checksum
    /// becomes zero). Words are in the byte order of the packet, as read by a native load.
    /// </summary>
    /// <param name="field">Begins with the checksum.</param>
    public static void Update(Span<byte> field, ushort oldWord, ushort newWord)
    {
        var sum = (ulong)(ushort)~MemoryMarshal.Read<ushort>(field) + (ushort)~oldWord + newWord;
        MemoryMarshal.Write(field, (ushort)~Fold(sum));
    }

    /// <summary>Completes the checksum of a TCP or UDP packet whose field holds the pseudo-header's sum: summing up all of it gives the whole.</summary>
    /// <param name="ip">What <paramref name="packet"/> was parsed to.</param>
    public static void Complete(Span<byte> packet, in IpHeader ip)
    {
        var transport = packet[ip.PayloadOffset..];
        var field = TransportChecksum.OffsetOf(ip.Protocol);
        if (field >= 0 && field + sizeof(ushort) <= transport.Length)
        {
            var sum = Compute(transport);
            MemoryMarshal.Write(transport[field..], sum == 0 ? (ushort)0xffff : sum);
        }
    }

    /// <summary>The unfolded sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1).</summary>
    /// <param name="source">4 or 16 bytes, as many as <paramref name="destination"/>.</param>
    /// <param name="upperLayerBytes">The transport header and its payload.</param>
    public static ulong PseudoHeader(ReadOnlySpan<byte> source, ReadOnlySpan<byte> destination, byte protocol, int upperLayerBytes)
    {
        var sum = Add(Add(0, source), destination);
        return sum + Network((uint)upperLayerBytes) + Network(protocol);
    }

    /// <summary>The sum of a 32-bit number that stands in a packet in network byte order.</summary>
    internal static ulong Network(uint value) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;

    private static ulong Fold64(ulong sum) => (sum & 0xffff_ffff) + (sum >> 32);
}
