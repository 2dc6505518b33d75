using System.Buffers.Binary;
using System.Net;
using System.Text;
using VibePN.Config;

namespace VibePN.Identity;

/// <summary>
/// Automatic addresses: every node can compute every other's first candidate from what it knows of it.
/// <para>The hashed bytes are five fields, each a 4-byte big-endian length and then that many bytes: the ASCII text
/// "vibepn-address/1"; the network's name (ASCII); the prefix as 4 or 16 address bytes and one byte of length; the 32 bytes of the
/// first fingerprint; the counter as 4 bytes, big-endian. The host bits of the address are the lowest bits of the SHA-256 digest read as one big-endian
/// number. All-zero and all-one host bits are skipped: the counter that gives them has no candidate, the next one is taken.</para>
/// </summary>
public static class AutoAddress
{
    private static ReadOnlySpan<byte> Label => "vibepn-address/1"u8;

    /// <summary>
    /// The first address at or after <paramref name="counter"/> that a host may have; <paramref name="counter"/> becomes the one it
    /// stands for. On conflict, ask again with that plus one.
    /// </summary>
    /// <exception cref="ArgumentException">The prefix has fewer than two host bits: it has no room to choose from.</exception>
    public static IPAddress Next(string network, IPNetwork prefix, PeerId id, ref uint counter)
    {
        if (IpText.MaxLength(prefix.BaseAddress) - prefix.PrefixLength < 2)
        {
            throw new ArgumentException($"{prefix} has no room for automatic addresses.", nameof(prefix));
        }

        while (true)
        {
            if (Candidate(network, prefix, id, counter) is { } address)
            {
                return address;
            }

            counter = unchecked(counter + 1);
        }
    }

    /// <summary>The candidate of exactly this counter; null when its host bits are all zero or all one.</summary>
    public static IPAddress? Candidate(string network, IPNetwork prefix, PeerId id, uint counter)
    {
        Span<byte> address = stackalloc byte[16];
        _ = prefix.BaseAddress.TryWriteBytes(address, out int size);
        address = address[..size];

        byte[] name = Encoding.ASCII.GetBytes(network);
        Span<byte> message = new byte[(5 * 4) + Label.Length + name.Length + size + 1 + PeerId.SizeBytes + 4];
        Span<byte> rest = Field(message, Label);
        rest = Field(rest, name);
        Span<byte> prefixBytes = stackalloc byte[17];
        address.CopyTo(prefixBytes);
        prefixBytes[size] = (byte)prefix.PrefixLength;
        rest = Field(rest, prefixBytes[..(size + 1)]);
        Span<byte> idBytes = stackalloc byte[PeerId.SizeBytes];
        id.CopyTo(idBytes);
        rest = Field(rest, idBytes);
        Span<byte> counterBytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(counterBytes, counter);
        rest = Field(rest, counterBytes);
        System.Diagnostics.Debug.Assert(rest.IsEmpty, "the message is exactly its fields");

        Span<byte> digest = stackalloc byte[Digest.Sha256Bytes];
        Digest.Sha256(message, digest);
        ReadOnlySpan<byte> low = digest[^size..];
        for (int i = 0; i < size; i++)
        {
            byte hostMask = HostMask(i, prefix.PrefixLength);
            address[i] = (byte)((address[i] & ~hostMask) | (low[i] & hostMask));
        }

        IPAddress candidate = new(address);
        return IpText.IsHost(prefix, candidate) ? candidate : null;
    }

    /// <summary>Which bits of address byte <paramref name="index"/> lie behind the prefix.</summary>
    private static byte HostMask(int index, int prefixLength) => Math.Clamp(prefixLength - (index * 8), 0, 8) switch
    {
        8 => 0,
        int kept => (byte)(0xFF >> kept),
    };

    private static Span<byte> Field(Span<byte> destination, scoped ReadOnlySpan<byte> field)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination, field.Length);
        field.CopyTo(destination[4..]);
        return destination[(4 + field.Length)..];
    }
}
