// Over 400 lines: every message is read and written here, the two directions side by side, so that one look shows that they agree.
using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Text;
using VibePN.Routing;

namespace VibePN.Control;

/// <summary>
/// Control messages as bytes: type, length and fields, each field again number, length and value, all numbers being
/// variable-length integers (docs/protocol.md, Messages). Unknown types and fields are skipped. Every length is checked before it is used.
/// </summary>
internal static class ControlCodec
{
    private enum MessageType : ulong
    {
        Hello = 1,
        NetworkList = 2,
        Announce = 3,
        Withdraw = 4,
        Keepalive = 5,
        KeepaliveReply = 6,
        PeerError = 7,

        Members = 8,
        AddressInUse = 9,
        ParityReport = 10,
    }

    /// <summary>Reads one message from the front of <paramref name="source"/>.</summary>
    /// <param name="source">Bytes of the control stream not read so far.</param>
    /// <param name="message">The message, or null when it is of an unknown type or not complete.</param>
    /// <returns>Bytes consumed; 0 when more are needed.</returns>
    /// <exception cref="ControlException">The bytes are no message, or one beyond a limit.</exception>
    public static int TryRead(ReadOnlySpan<byte> source, out ControlMessage? message)
    {
        message = null;
        var typeBytes = VarInt.TryRead(source, out var type);
        if (typeBytes == 0)
        {
            return 0;
        }

        var lengthBytes = VarInt.TryRead(source[typeBytes..], out var length);
        if (lengthBytes == 0)
        {
            return 0;
        }

        if (length > Limits.ControlMessageBytes)
        {
            throw new ControlException(CloseReason.LimitExceeded, $"a control message of {length} bytes");
        }

        var header = typeBytes + lengthBytes;
        if (source.Length - header < (int)length)
        {
            return 0;
        }

        var body = new FieldReader(source.Slice(header, (int)length));
        message = (MessageType)type switch
        {
            MessageType.Hello => ReadHello(body),
            MessageType.NetworkList => ReadNetworkList(body),
            MessageType.Announce => ReadAnnounce(body),
            MessageType.Withdraw => ReadWithdraw(body),
            MessageType.Keepalive => ReadKeepalive(body, isReply: false),
            MessageType.KeepaliveReply => ReadKeepalive(body, isReply: true),
            MessageType.PeerError => ReadError(body),
            MessageType.Members => ReadMembers(body),
            MessageType.AddressInUse => ReadAddressInUse(body),
            MessageType.ParityReport => ReadParityReport(body),
            _ => null,
        };
        return header + (int)length;
    }

    /// <summary>Appends <paramref name="message"/> to <paramref name="destination"/>.</summary>
    /// <exception cref="ArgumentException">It would be longer than <see cref="Limits.ControlMessageBytes"/>.</exception>
    public static void Write(IBufferWriter<byte> destination, ControlMessage message)
    {
        var body = new ArrayBufferWriter<byte>();
        var type = message switch
        {
            Hello hello => WriteHello(body, hello),
            NetworkList list => WriteNetworkList(body, list),
            Announce announce => WriteAnnounce(body, announce),
            Withdraw withdraw => WriteWithdraw(body, withdraw),
            Keepalive keepalive => WriteKeepalive(body, keepalive.Id, keepalive.Observed, MessageType.Keepalive),
            KeepaliveReply reply => WriteKeepalive(body, reply.Id, reply.Observed, MessageType.KeepaliveReply),
            PeerError error => WriteError(body, error),
            Members members => WriteMembers(body, members),
            AddressInUse inUse => WriteAddressInUse(body, inUse),
            ParityReport report => WriteParityReport(body, report),
            _ => throw new ArgumentException($"no encoding for {message.GetType().Name}", nameof(message)),
        };
        if (body.WrittenCount > Limits.ControlMessageBytes)
        {
            throw new ArgumentException($"a control message of {body.WrittenCount} bytes", nameof(message));
        }

        VarInt.Write(destination, (ulong)type);
        VarInt.Write(destination, (ulong)body.WrittenCount);
        destination.Write(body.WrittenSpan);
    }

    // Hello: 1 boot id (16 bytes), 2 name, 3 feature (repeated), 4 observed address, 5 largest reassembled packet, 6 replaces (empty).
    private static Hello ReadHello(FieldReader fields)
    {
        Guid? bootId = null;
        var name = "";
        var features = new List<ulong>();
        IPEndPoint? observed = null;
        var maxReassembled = 0;
        var replaces = false;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    bootId = value.Length == 16 ? new Guid(value, bigEndian: true) : throw Malformed("a boot id has 16 bytes");
                    break;
                case 2:
                    name = Text(value, Limits.NodeNameBytes);
                    break;
                case 3:
                    CheckCount(features.Count, Limits.Features, "features");
                    features.Add(Number(value));
                    break;
                case 4:
                    observed = EndPoint(value);
                    break;
                case 5:
                    maxReassembled = (int)Math.Min(Number(value), ushort.MaxValue);
                    break;
                case 6:
                    replaces = true;
                    break;
            }
        }

        return bootId is { } id
            ? new Hello(id, name, features, observed, maxReassembled, replaces)
            : throw Malformed("a Hello without a boot id");
    }

    private static MessageType WriteHello(ArrayBufferWriter<byte> body, Hello hello)
    {
        Span<byte> bootId = stackalloc byte[16];
        hello.BootId.TryWriteBytes(bootId, bigEndian: true, out _);
        WriteField(body, 1, bootId);
        WriteField(body, 2, Encoding.UTF8.GetBytes(hello.NodeName));
        foreach (var feature in hello.Features)
        {
            WriteNumber(body, 3, feature);
        }

        WriteEndPoint(body, 4, hello.Observed);
        WriteNumber(body, 5, (ulong)hello.MaxReassembledBytes);
        if (hello.Replaces)
        {
            WriteField(body, 6, []);
        }

        return MessageType.Hello;
    }

    // NetworkList: 1 network (repeated) = { 1 name, 2 prefix (repeated), 3 address (repeated), 4 tag }.
    private static NetworkList ReadNetworkList(FieldReader fields) =>
        new(ReadList(fields, 1, Limits.NetworksPerPeer, "networks", static value => ReadNetwork(new FieldReader(value)), out _));

    private static NetworkOffer ReadNetwork(FieldReader fields)
    {
        var name = "";
        var prefixes = new List<Prefix>();
        var addresses = new List<IpKey>();
        ulong tag = 0;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    name = Name(value);
                    break;
                case 2:
                    CheckCount(prefixes.Count, Limits.PrefixesPerNetwork, "prefixes");
                    prefixes.Add(ReadPrefix(value));
                    break;
                case 3:
                    CheckCount(addresses.Count, Limits.AddressesPerList, "addresses");
                    addresses.Add(Address(value));
                    break;
                case 4:
                    tag = Number(value);
                    break;
            }
        }

        return name.Length == 0 ? throw Malformed("a network without a name")
            : tag == 0 ? throw Malformed("network tag 0 is reserved")
            : new NetworkOffer(name, prefixes, addresses, tag);
    }

    private static MessageType WriteNetworkList(ArrayBufferWriter<byte> body, NetworkList list)
    {
        Span<byte> bytes = stackalloc byte[16];
        foreach (var network in list.Networks)
        {
            var fields = new ArrayBufferWriter<byte>();
            WriteField(fields, 1, Encoding.UTF8.GetBytes(network.Name));
            foreach (var prefix in network.Prefixes)
            {
                WritePrefix(fields, 2, prefix);
            }

            foreach (var address in network.Addresses)
            {
                address.CopyTo(bytes);
                WriteField(fields, 3, bytes[..address.ByteCount]);
            }

            WriteNumber(fields, 4, network.Tag);
            WriteField(body, 1, fields.WrittenSpan);
        }

        return MessageType.NetworkList;
    }

    // Announce: 1 network, 2 route (repeated) = { 1 prefix, 2 metric, 3 lifetime in seconds }.
    private static Announce ReadAnnounce(FieldReader fields)
    {
        var routes = ReadList(fields, 2, Limits.RoutesPerPeerAndNetwork, "routes", static value => ReadRoute(new FieldReader(value)), out var network);
        return new Announce(Named(network), routes);
    }

    private static RouteOffer ReadRoute(FieldReader fields)
    {
        Prefix? prefix = null;
        uint metric = 0;
        uint lifetime = 0;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    prefix = ReadPrefix(value);
                    break;
                case 2:
                    metric = (uint)Math.Min(Number(value), uint.MaxValue);
                    break;
                case 3:
                    lifetime = (uint)Math.Min(Number(value), uint.MaxValue);
                    break;
            }
        }

        return new RouteOffer(prefix ?? throw Malformed("a route without a prefix"), metric, lifetime);
    }

    private static MessageType WriteAnnounce(ArrayBufferWriter<byte> body, Announce announce)
    {
        WriteField(body, 1, Encoding.UTF8.GetBytes(announce.Network));
        foreach (var route in announce.Routes)
        {
            var fields = new ArrayBufferWriter<byte>();
            WritePrefix(fields, 1, route.Prefix);
            WriteNumber(fields, 2, route.Metric);
            WriteNumber(fields, 3, route.LifetimeSeconds);
            WriteField(body, 2, fields.WrittenSpan);
        }

        return MessageType.Announce;
    }

    // Withdraw: 1 network, 2 prefix (repeated).
    private static Withdraw ReadWithdraw(FieldReader fields)
    {
        var prefixes = ReadList(fields, 2, Limits.RoutesPerPeerAndNetwork, "prefixes", ReadPrefix, out var network);
        return new Withdraw(Named(network), prefixes);
    }

    private static MessageType WriteWithdraw(ArrayBufferWriter<byte> body, Withdraw withdraw)
    {
        WriteField(body, 1, Encoding.UTF8.GetBytes(withdraw.Network));
        foreach (var prefix in withdraw.Prefixes)
        {
            WritePrefix(body, 2, prefix);
        }

        return MessageType.Withdraw;
    }

    // Keepalive and its reply: 1 id, 2 observed address.
    private static ControlMessage ReadKeepalive(FieldReader fields, bool isReply)
    {
        ulong id = 0;
        IPEndPoint? observed = null;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    id = Number(value);
                    break;
                case 2:
                    observed = EndPoint(value);
                    break;
            }
        }

        return isReply ? new KeepaliveReply(id, observed) : new Keepalive(id, observed);
    }

    private static MessageType WriteKeepalive(ArrayBufferWriter<byte> body, ulong id, IPEndPoint? observed, MessageType type)
    {
        WriteNumber(body, 1, id);
        WriteEndPoint(body, 2, observed);
        return type;
    }

    // Error: 1 reason, 2 text.
    private static PeerError ReadError(FieldReader fields)
    {
        var reason = CloseReason.None;
        var text = "";
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    reason = (CloseReason)Number(value);
                    break;
                case 2:
                    text = Text(value, Limits.ReasonBytes);
                    break;
            }
        }

        return new PeerError(reason, text);
    }

    private static MessageType WriteError(ArrayBufferWriter<byte> body, PeerError error)
    {
        WriteNumber(body, 1, (ulong)error.Reason);
        WriteField(body, 2, Encoding.UTF8.GetBytes(error.Text));
        return MessageType.PeerError;
    }

    // Members: 1 member (repeated) = { 1 fingerprint, 2 name, 3 network (repeated), 4 endpoint (repeated) }, 2 fingerprint of one that is gone
    // (repeated), 3 complete (empty), 4 asks (0 or 1).
    private static Members ReadMembers(FieldReader fields)
    {
        var present = new List<MemberOffer>();
        var gone = new List<PeerId>();
        var isComplete = false;
        bool? asks = null;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    CheckCount(present.Count, Limits.MembersPerMessage, "members");
                    present.Add(ReadMember(new FieldReader(value)));
                    break;
                case 2:
                    CheckCount(gone.Count, Limits.MembersGonePerMessage, "members that are gone");
                    gone.Add(Fingerprint(value));
                    break;
                case 3:
                    isComplete = true;
                    break;
                case 4:
                    asks = Number(value) != 0;
                    break;
            }
        }

        return new Members(present, gone, isComplete, asks);
    }

    private static MemberOffer ReadMember(FieldReader fields)
    {
        PeerId? id = null;
        var name = "";
        var networks = new List<string>();
        var endPoints = new List<IPEndPoint>();
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    id = Fingerprint(value);
                    break;
                case 2:
                    name = PlainText(value, Limits.NodeNameBytes);
                    break;
                case 3:
                    CheckCount(networks.Count, Limits.NetworksPerPeer, "networks of a member");
                    networks.Add(Name(value));
                    break;
                case 4:
                    CheckCount(endPoints.Count, Limits.AddressesPerPeer, "addresses of a member");
                    endPoints.Add(EndPoint(value));
                    break;
            }
        }

        return new MemberOffer(id ?? throw Malformed("a member without a fingerprint"), name, networks, endPoints);
    }

    private static MessageType WriteMembers(ArrayBufferWriter<byte> body, Members members)
    {
        Span<byte> id = stackalloc byte[PeerId.SizeBytes];
        foreach (var member in members.Present)
        {
            var fields = new ArrayBufferWriter<byte>();
            member.Id.CopyTo(id);
            WriteField(fields, 1, id);
            if (member.Name.Length > 0)
            {
                WriteField(fields, 2, Encoding.ASCII.GetBytes(member.Name));
            }

            foreach (var network in member.Networks)
            {
                WriteField(fields, 3, Encoding.UTF8.GetBytes(network));
            }

            foreach (var endPoint in member.EndPoints)
            {
                WriteEndPoint(fields, 4, endPoint);
            }

            WriteField(body, 1, fields.WrittenSpan);
        }

        foreach (var gone in members.Gone)
        {
            gone.CopyTo(id);
            WriteField(body, 2, id);
        }

        if (members.IsComplete)
        {
            WriteField(body, 3, []);
        }

        if (members.Asks is { } asks)
        {
            WriteNumber(body, 4, asks ? 1UL : 0);
        }

        return MessageType.Members;
    }

    // AddressInUse: 1 network, 2 address.
    private static AddressInUse ReadAddressInUse(FieldReader fields)
    {
        var network = "";
        IpKey? address = null;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    network = Name(value);
                    break;
                case 2:
                    address = Address(value);
                    break;
            }
        }

        return new AddressInUse(Named(network), address ?? throw Malformed("an address in use without the address"));
    }

    private static MessageType WriteAddressInUse(ArrayBufferWriter<byte> body, AddressInUse inUse)
    {
        Span<byte> address = stackalloc byte[16];
        inUse.Address.CopyTo(address);
        WriteField(body, 1, Encoding.UTF8.GetBytes(inUse.Network));
        WriteField(body, 2, address[..inUse.Address.ByteCount]);
        return MessageType.AddressInUse;
    }

    // ParityReport: 1 covered packets that came, 2 those rebuilt, 3 groups unsolved.
    private static ParityReport ReadParityReport(FieldReader fields)
    {
        ulong covered = 0;
        ulong rebuilt = 0;
        ulong unsolved = 0;
        while (fields.TryNext(out var number, out var value))
        {
            switch (number)
            {
                case 1:
                    covered = Number(value);
                    break;
                case 2:
                    rebuilt = Number(value);
                    break;
                case 3:
                    unsolved = Number(value);
                    break;
            }
        }

        return new ParityReport(covered, rebuilt, unsolved);
    }

    private static MessageType WriteParityReport(ArrayBufferWriter<byte> body, ParityReport report)
    {
        WriteNumber(body, 1, report.Covered);
        WriteNumber(body, 2, report.Rebuilt);
        WriteNumber(body, 3, report.Unsolved);
        return MessageType.ParityReport;
    }

    /// <summary>The shape of most messages: perhaps the name of a network in field 1, and one repeated field.</summary>
    /// <param name="item">The number of the repeated field.</param>
    /// <param name="network">Empty when the message has none.</param>
    private static List<T> ReadList<T>(
        FieldReader fields, ulong item, int limit, string what, Func<ReadOnlySpan<byte>, T> read, out string network)
    {
        network = "";
        var items = new List<T>();
        while (fields.TryNext(out var number, out var value))
        {
            if (number == item)
            {
                CheckCount(items.Count, limit, what);
                items.Add(read(value));
            }
            else if (number == 1)
            {
                network = Name(value);
            }
        }

        return items;
    }

    private static void WriteField(ArrayBufferWriter<byte> body, ulong number, ReadOnlySpan<byte> value)
    {
        VarInt.Write(body, number);
        VarInt.Write(body, (ulong)value.Length);
        body.Write(value);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> body, ulong number, ulong value)
    {
        Span<byte> bytes = stackalloc byte[VarInt.MaxBytes];
        WriteField(body, number, bytes[..VarInt.Write(bytes, value)]);
    }

    // A prefix: its length in bits, then all 4 or 16 bytes of its first address.
    private static void WritePrefix(ArrayBufferWriter<byte> body, ulong number, Prefix prefix)
    {
        Span<byte> bytes = stackalloc byte[17];
        bytes[0] = (byte)prefix.Length;
        prefix.First.CopyTo(bytes[1..]);
        WriteField(body, number, bytes[..(1 + prefix.First.ByteCount)]);
    }

    // An address and port: 2 bytes of port, then 4 or 16 bytes of address.
    private static void WriteEndPoint(ArrayBufferWriter<byte> body, ulong number, IPEndPoint? endPoint)
    {
        if (endPoint is null)
        {
            return;
        }

        Span<byte> bytes = stackalloc byte[18];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)endPoint.Port);
        endPoint.Address.TryWriteBytes(bytes[2..], out var written);
        WriteField(body, number, bytes[..(2 + written)]);
    }

    private static Prefix ReadPrefix(ReadOnlySpan<byte> value)
    {
        if (value.Length is not (5 or 17))
        {
            throw Malformed("a prefix has 5 or 17 bytes");
        }

        var address = IpKey.FromBytes(value[1..]);
        if (value[0] > address.Width)
        {
            throw Malformed($"a prefix length of {value[0]}");
        }

        var prefix = new Prefix(address, value[0]);
        return prefix.First == address ? prefix : throw Malformed("a prefix with host bits set");
    }

    private static IpKey Address(ReadOnlySpan<byte> value) =>
        value.Length is 4 or 16 ? IpKey.FromBytes(value) : throw Malformed("an address has 4 or 16 bytes");

    private static IPEndPoint EndPoint(ReadOnlySpan<byte> value) => value.Length is 6 or 18
        ? new IPEndPoint(new IPAddress(value[2..]), BinaryPrimitives.ReadUInt16BigEndian(value))
        : throw Malformed("an endpoint has 6 or 18 bytes");

    private static PeerId Fingerprint(ReadOnlySpan<byte> value) =>
        value.Length == PeerId.SizeBytes ? new PeerId(value) : throw Malformed("a fingerprint has 32 bytes");

    private static ulong Number(ReadOnlySpan<byte> value) =>
        VarInt.TryRead(value, out var number) == value.Length && value.Length > 0
            ? number
            : throw Malformed("a number that is no variable-length integer");

    /// <summary>Text for people: cut at the limit, control characters replaced, so that it can be shown and logged.</summary>
    private static string Text(ReadOnlySpan<byte> value, int maxBytes)
    {
        var text = Encoding.UTF8.GetString(value.Length > maxBytes ? value[..maxBytes] : value);
        return string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
    }

    /// <summary>As <see cref="Text"/>, of ASCII alone: never longer than what came.</summary>
    private static string PlainText(ReadOnlySpan<byte> value, int maxBytes)
    {
        Span<char> text = stackalloc char[Math.Min(value.Length, maxBytes)];
        for (var i = 0; i < text.Length; i++)
        {
            text[i] = value[i] is > 0x1f and < 0x7f ? (char)value[i] : '?';
        }

        return new string(text);
    }

    private static string Named(string network) => network.Length > 0 ? network : throw Malformed("a message about a network without its name");

    /// <summary>A network's name, exact: [a-z0-9][a-z0-9-]{0,31}.</summary>
    private static string Name(ReadOnlySpan<byte> value)
    {
        if (value.Length is 0 or > 32 || value[0] == '-')
        {
            throw Malformed("a network's name has 1 to 32 characters and begins with none of -");
        }

        foreach (var character in value)
        {
            if (character is not ((>= (byte)'a' and <= (byte)'z') or (>= (byte)'0' and <= (byte)'9') or (byte)'-'))
            {
                throw Malformed("a network's name is made of a-z, 0-9 and -");
            }
        }

        return Encoding.ASCII.GetString(value);
    }

    private static void CheckCount(int count, int limit, string what)
    {
        if (count >= limit)
        {
            throw new ControlException(CloseReason.LimitExceeded, $"more than {limit} {what}");
        }
    }

    private static ControlException Malformed(string message) => new(CloseReason.Malformed, message);

    /// <summary>Walks over fields; the values are slices of the message.</summary>
    private ref struct FieldReader(ReadOnlySpan<byte> body)
    {
        private ReadOnlySpan<byte> _rest = body;

        public bool TryNext(out ulong number, out ReadOnlySpan<byte> value)
        {
            number = 0;
            value = default;
            if (_rest.IsEmpty)
            {
                return false;
            }

            var numberBytes = VarInt.TryRead(_rest, out number);
            var lengthBytes = VarInt.TryRead(_rest[numberBytes..], out var length);
            var header = numberBytes + lengthBytes;
            if (numberBytes == 0 || lengthBytes == 0 || length > (ulong)(_rest.Length - header))
            {
                throw Malformed("a field beyond its message");
            }

            value = _rest.Slice(header, (int)length);
            _rest = _rest[(header + (int)length)..];
            return true;
        }
    }
}
