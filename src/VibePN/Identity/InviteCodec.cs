using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using VibePN.Config;

namespace VibePN.Identity;

/// <summary>
/// Invites as one line of text (docs/protocol.md, Invites): "vibepn1:" and, in base64url without padding, 2 bytes of length, the fields (each a
/// type byte, a length byte and a value), and the first 4 bytes of the SHA-256 of all before, so that damage is told from forgery. Fields of
/// unknown type are skipped. Nothing that is read throws, and every length is checked before it is used.
/// </summary>
public static class InviteCodec
{
    /// <summary>How every invite of this version begins.</summary>
    public const string Prefix = "vibepn1:";

    private const string Family = "vibepn";
    private const int LengthBytes = 2;
    private const int CheckBytes = 4;
    private const int MaxVersionDigits = 4;

    /// <summary>White space that a mail program has put into it comes on top.</summary>
    private const int MaxTextChars = 2 * Limits.InviteBytes;

    private enum Field : byte
    {
        Id = 1,
        Secret = 2,
        Inviter = 3,
        InviterName = 4,
        Expires = 5,
        Network = 6,
        Prefix = 7,
        Address = 8,
        HostName = 9,
        JoinerName = 10,
        Route = 11,
    }

    /// <exception cref="ArgumentException">It is beyond a limit.</exception>
    public static string Write(Invite invite)
    {
        ArrayBufferWriter<byte> fields = new(256);
        Span<byte> bytes = stackalloc byte[PeerId.SizeBytes];
        invite.Id.CopyTo(bytes);
        Add(fields, Field.Id, bytes[..InviteId.SizeBytes]);
        Add(fields, Field.Secret, invite.Secret.Span);
        invite.Inviter.CopyTo(bytes);
        Add(fields, Field.Inviter, bytes);
        Add(fields, Field.InviterName, invite.InviterName);
        BinaryPrimitives.WriteInt64BigEndian(bytes, invite.ExpiresUtcSeconds);
        Add(fields, Field.Expires, bytes[..8]);
        Add(fields, Field.Network, invite.Network);
        foreach (IPNetwork prefix in invite.Prefixes)
        {
            AddPrefix(fields, Field.Prefix, prefix);
        }

        foreach (HostPort address in invite.Addresses)
        {
            AddAddress(fields, address);
        }

        if (invite.JoinerName is { } joiner)
        {
            Add(fields, Field.JoinerName, joiner);
        }

        foreach (IPNetwork route in invite.Routes)
        {
            AddPrefix(fields, Field.Route, route);
        }

        if (fields.WrittenCount > Limits.InviteBytes || !TryReadFields(fields.WrittenSpan, out _))
        {
            throw new ArgumentException("the invite is beyond a limit", nameof(invite));
        }

        byte[] whole = new byte[LengthBytes + fields.WrittenCount + CheckBytes];
        BinaryPrimitives.WriteUInt16BigEndian(whole, (ushort)fields.WrittenCount);
        fields.WrittenSpan.CopyTo(whole.AsSpan(LengthBytes));
        Check(whole.AsSpan(0, whole.Length - CheckBytes), whole.AsSpan(whole.Length - CheckBytes));
        return Prefix + Base64Url.EncodeToString(whole);
    }

    /// <param name="text">Whatever somebody has pasted; white space in it is skipped.</param>
    /// <param name="invite">Set with <see cref="InviteFault.None"/>. Whether it has expired is for the caller to see.</param>
    public static InviteFault TryRead(string text, out Invite? invite)
    {
        invite = null;
        string line = string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
        int colon = line.IndexOf(':', StringComparison.Ordinal);
        if (!line.StartsWith(Family, StringComparison.Ordinal) || line.Length > MaxTextChars
            || colon <= Family.Length || colon > Family.Length + MaxVersionDigits || !line[Family.Length..colon].All(char.IsAsciiDigit))
        {
            return InviteFault.NotAnInvite;
        }

        if (!line.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return InviteFault.UnknownVersion;
        }

        ReadOnlySpan<char> encoded = line.AsSpan(Prefix.Length);
        if (encoded.ContainsAnyExcept(Alphabet))
        {
            return InviteFault.Damaged;
        }

        byte[] whole = Decode(encoded, out bool isRound);
        if (whole.Length < LengthBytes + CheckBytes)
        {
            return InviteFault.Truncated;
        }

        int length = LengthBytes + BinaryPrimitives.ReadUInt16BigEndian(whole) + CheckBytes;
        if (length > LengthBytes + Limits.InviteBytes + CheckBytes || whole.Length > length || (whole.Length == length && !isRound))
        {
            return InviteFault.Damaged;
        }

        if (whole.Length < length)
        {
            return InviteFault.Truncated;
        }

        Span<byte> check = stackalloc byte[CheckBytes];
        Check(whole.AsSpan(0, whole.Length - CheckBytes), check);
        if (!check.SequenceEqual(whole.AsSpan(whole.Length - CheckBytes)))
        {
            return InviteFault.Damaged;
        }

        return TryReadFields(whole.AsSpan(LengthBytes, whole.Length - LengthBytes - CheckBytes), out invite) ? InviteFault.None : InviteFault.Malformed;
    }

    private static SearchValues<char> Alphabet { get; } = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <param name="isRound">No bits are left over; where something is cut off, any are.</param>
    private static byte[] Decode(ReadOnlySpan<char> encoded, out bool isRound)
    {
        int left = encoded.Length % 4;
        ReadOnlySpan<char> last = left == 0 ? "" : string.Concat(encoded[^left..], "AAA".AsSpan(left - 1));
        byte[] bytes = [.. Base64Url.DecodeFromChars(encoded[..^left]), .. Base64Url.DecodeFromChars(last)];
        int count = (encoded.Length / 4 * 3) + Math.Max(0, left - 1);
        isRound = left != 1 && !bytes.AsSpan(count).ContainsAnyExcept((byte)0);
        return bytes[..count];
    }

    private static bool TryReadFields(ReadOnlySpan<byte> rest, out Invite? invite)
    {
        invite = null;
        InviteId? id = null;
        byte[]? secret = null;
        PeerId? inviter = null;
        long? expires = null;
        string? inviterName = null;
        string? network = null;
        string? joiner = null;
        List<IPNetwork> prefixes = [];
        List<IPNetwork> routes = [];
        List<HostPort> addresses = [];
        while (!rest.IsEmpty)
        {
            if (rest.Length < 2 || rest.Length < 2 + rest[1])
            {
                return false;
            }

            ReadOnlySpan<byte> value = rest.Slice(2, rest[1]);
            bool holds = (Field)rest[0] switch
            {
                Field.Id => id is null && value.Length == InviteId.SizeBytes && (id = new InviteId(value)) is not null,
                Field.Secret => secret is null && value.Length == Invite.SecretBytes && (secret = value.ToArray()) is not null,
                Field.Inviter => inviter is null && value.Length == PeerId.SizeBytes && (inviter = new PeerId(value)) is not null,
                Field.InviterName => inviterName is null && TryReadName(value, out inviterName),
                Field.Expires => expires is null && value.Length == 8 && (expires = BinaryPrimitives.ReadInt64BigEndian(value)) is >= 0 and <= Invite.LastUtcSeconds,
                Field.Network => network is null && TryReadName(value, out network),
                Field.Prefix => TryAddPrefix(value, prefixes, Limits.PrefixesPerNetwork) && !prefixes[..^1].Exists(other => IpText.Overlap(other, prefixes[^1])),
                Field.Address => TryAddAddress(value, addresses),
                Field.HostName => TryAddHostName(value, addresses),
                Field.JoinerName => joiner is null && TryReadName(value, out joiner),
                Field.Route => TryAddPrefix(value, routes, Limits.InviteRoutes),
                _ => true,
            };
            if (!holds)
            {
                return false;
            }

            rest = rest[(2 + rest[1])..];
        }

        if (id is null || secret is null || inviter is null || expires is null || inviterName is null || network is null || prefixes.Count == 0 || addresses.Count == 0)
        {
            return false;
        }

        invite = new Invite
        {
            Id = id.Value,
            Secret = secret,
            Inviter = inviter.Value,
            InviterName = inviterName,
            Addresses = addresses,
            Network = network,
            Prefixes = prefixes,
            ExpiresUtcSeconds = expires.Value,
            JoinerName = joiner,
            Routes = routes,
        };
        return true;
    }

    private static bool TryReadName(ReadOnlySpan<byte> value, out string? name)
    {
        name = Ascii.IsValid(value) ? Encoding.ASCII.GetString(value) : null;
        return name is not null && Names.IsValid(name);
    }

    private static bool TryAddPrefix(ReadOnlySpan<byte> value, List<IPNetwork> prefixes, int most)
    {
        if (prefixes.Count == most || value.Length is not (5 or 17) || value[0] > (value.Length - 1) * 8)
        {
            return false;
        }

        IPAddress first = new(value[1..]);
        if (first.IsIPv4MappedToIPv6 || !IpText.Mask(first, value[0]).Equals(first))
        {
            return false;
        }

        prefixes.Add(new IPNetwork(first, value[0]));
        return true;
    }

    private static bool TryAddAddress(ReadOnlySpan<byte> value, List<HostPort> addresses) =>
        value.Length is 2 + 4 or 2 + 16 && TryAdd(new HostPort(new IPAddress(value[2..]).ToString(), BinaryPrimitives.ReadUInt16BigEndian(value)), addresses);

    private static bool TryAddHostName(ReadOnlySpan<byte> value, List<HostPort> addresses) =>
        value.Length > 2 && Ascii.IsValid(value[2..])
        && TryAdd(new HostPort(Encoding.ASCII.GetString(value[2..]), BinaryPrimitives.ReadUInt16BigEndian(value)), addresses);

    /// <summary>As a config file would have to say it.</summary>
    private static bool TryAdd(HostPort address, List<HostPort> addresses)
    {
        if (addresses.Count == Limits.InviteAddresses || HostPort.Parse(address.ToString(), out HostPort again) is not null || again != address)
        {
            return false;
        }

        addresses.Add(address);
        return true;
    }

    private static void Add(ArrayBufferWriter<byte> fields, Field type, ReadOnlySpan<byte> value)
    {
        if (value.Length > byte.MaxValue)
        {
            throw new ArgumentException($"{type} has {value.Length} bytes");
        }

        fields.Write([(byte)type, (byte)value.Length]);
        fields.Write(value);
    }

    private static void Add(ArrayBufferWriter<byte> fields, Field type, string value) => Add(fields, type, Encoding.UTF8.GetBytes(value));

    private static void AddPrefix(ArrayBufferWriter<byte> fields, Field type, IPNetwork prefix) =>
        Add(fields, type, [(byte)prefix.PrefixLength, .. prefix.BaseAddress.GetAddressBytes()]);

    private static void AddAddress(ArrayBufferWriter<byte> fields, HostPort address)
    {
        byte[] port = [(byte)(address.Port >> 8), (byte)address.Port];
        if (address.Literal is { } literal)
        {
            Add(fields, Field.Address, [.. port, .. literal.GetAddressBytes()]);
        }
        else
        {
            Add(fields, Field.HostName, [.. port, .. Encoding.UTF8.GetBytes(address.Host)]);
        }
    }

    private static void Check(ReadOnlySpan<byte> content, Span<byte> check)
    {
        Span<byte> digest = stackalloc byte[Digest.Sha256Bytes];
        Digest.Sha256(content, digest);
        digest[..CheckBytes].CopyTo(check);
        CryptographicOperations.ZeroMemory(digest);
    }
}
