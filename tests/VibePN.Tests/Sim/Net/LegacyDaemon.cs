using System.Buffers.Binary;
using System.Text;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>
/// A peer of the protocol of before, vibepn/0.1, as the deployed daemons are described: it accepts, answers on the control stream, sends
/// each packet on a stream of its own and reads many frames from one. Written from that description and not from the code under test. Where its packets
/// go, and what time it is, is up to the class that derives from it.
/// </summary>
internal abstract class LegacyDaemon : QuicHandler, IDisposable
{
    public const string Alpn = "vibepn/0.1";

    private const ulong KeepaliveNanos = 10_000_000_000;

    private readonly QuicCredentials _credentials;
    private readonly byte[] _packet = GC.AllocateUninitializedArray<byte>(65_507, pinned: true);
    private readonly List<byte> _control = [];
    private readonly Dictionary<long, List<byte>> _streams = [];
    private readonly HashSet<QuicConnection> _begun = [];
    private readonly Queue<byte[]> _toSay = [];
    private readonly Queue<(byte[] Bytes, bool Fin)> _toStream = [];
    private ulong _keepaliveAt = ulong.MaxValue;

    protected LegacyDaemon(ReadOnlySpan<byte> certificatePem, ReadOnlySpan<byte> keyPem)
    {
        _credentials = QuicCredentials.FromPem(certificatePem, keyPem);
        Endpoint = Create();
    }

    /// <summary>What it announces after its Hello.</summary>
    public List<(string Network, string Prefix, ushort Metric)> Exports { get; } = [];

    /// <summary>False: it never says Hello.</summary>
    public bool SaysHello { get; set; } = true;

    /// <summary>False: its QUIC lives on, and its node says nothing any more.</summary>
    public bool SaysKeepalive { get; set; } = true;

    /// <summary>The connection that began to speak last.</summary>
    public QuicConnection? Connection { get; private set; }

    public QuicClose? Closed { get; private set; }

    public int Accepted { get; private set; }

    /// <summary>The control messages of the present connection: type and body.</summary>
    public List<(char Type, byte[] Body)> Messages { get; } = [];

    /// <summary>Packets that came, with the names of their networks and their streams.</summary>
    public List<(string Network, byte[] Packet, long Stream)> Packets { get; } = [];

    /// <summary>What was not readable as the text has it; must stay empty.</summary>
    public List<string> Errors { get; } = [];

    public int Datagrams { get; private set; }

    public ulong NextDeadline => Math.Min(Endpoint.NextDeadline, _keepaliveAt);

    /// <summary>Packets that wait for a stream.</summary>
    public int Waiting => _toStream.Count;

    protected QuicEndpoint Endpoint { get; private set; }

    protected abstract Instant Now { get; }

    /// <summary>Routes that the node has announced and not withdrawn, as text.</summary>
    public IReadOnlyList<string> RoutesOf(string network)
    {
        var routes = new List<string>();
        foreach (var (type, body) in Messages.Where(message => message.Type is 'A' or 'W'))
        {
            var at = 0;
            if (Text(body, ref at) != network)
            {
                continue;
            }

            while (at < body.Length)
            {
                var prefix = Text(body, ref at);
                routes.Remove(prefix);
                if (type == 'A')
                {
                    routes.Add(prefix);
                    at += 2;
                }
            }
        }

        return routes;
    }

    public void Announce(string network, string prefix, ushort metric = 0) =>
        Say('A', [.. Field(network), .. Field(prefix), (byte)(metric >> 8), (byte)metric]);

    public void Withdraw(string network, string prefix) => Say('W', [.. Field(network), .. Field(prefix)]);

    public void Say(char type, params byte[] body) => SayBytes([(byte)((body.Length + 1) >> 8), (byte)(body.Length + 1), (byte)type, .. body]);

    /// <summary>Anything on the control stream.</summary>
    public void SayBytes(params byte[] bytes)
    {
        _toSay.Enqueue(bytes);
        Flush();
    }

    /// <summary>One packet on a stream of its own.</summary>
    public void SendPacket(string network, byte[] packet) => SendStream(Frame(network, packet));

    /// <summary>Anything on a stream of its own.</summary>
    public void SendStream(byte[] bytes, bool fin = true)
    {
        _toStream.Enqueue((bytes, fin));
        Flush();
    }

    /// <summary>More on a stream that is open.</summary>
    public void SendMore(long stream, byte[] bytes, bool fin)
    {
        if (!Connection!.TryWriteStream(stream, bytes, fin))
        {
            throw new InvalidOperationException("no room");
        }

        Flush();
    }

    public static byte[] Frame(string network, byte[] packet) => [.. Field(network), (byte)(packet.Length >> 8), (byte)packet.Length, .. packet];

    public static byte[] Field(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    /// <summary>Does what is due.</summary>
    public void HandleDeadlines()
    {
        Endpoint.HandleDeadlines(Now);
        if (_keepaliveAt <= Now.Nanos)
        {
            _keepaliveAt = Now.Nanos + KeepaliveNanos;
            if (SaysKeepalive)
            {
                SayKeepalive();
            }
        }
    }

    /// <summary>The process is another one from now on.</summary>
    public void Restart()
    {
        Endpoint.Dispose();
        Endpoint = Create();
        Connection = null;
    }

    /// <summary>Writes what there is to say.</summary>
    public void Flush()
    {
        if (Connection is { IsClosed: false } ready && Messages.Count > 0)
        {
            while (_toSay.TryPeek(out var message) && ready.TryWriteStream(0, message, fin: false))
            {
                _ = _toSay.Dequeue();
            }

            while (_toStream.TryPeek(out var next) && ready.TryOpenStream(out var stream))
            {
                _ = _toStream.Dequeue();
                if (!ready.TryWriteStream(stream, next.Bytes, next.Fin))
                {
                    throw new InvalidOperationException("a new stream takes nothing");
                }
            }
        }

        while (Endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, Now) is { Bytes: > 0 } written)
            {
                Carry(written, _packet.AsSpan(0, written.Bytes));
            }

            connection.EndBurst(Now);
        }
    }

    public override void OnAccepted(QuicConnection connection) => Accepted++;

    /// <summary>Of several connections the one that spoke last counts: the node may try some at once.</summary>
    private void Begin(QuicConnection connection)
    {
        _begun.Add(connection);
        Connection = connection;
        Closed = null;
        Messages.Clear();
        _control.Clear();
        _streams.Clear();
        _toSay.Clear();
        _toStream.Clear();
        _keepaliveAt = ulong.MaxValue;
    }

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now) => TlsAlert.Accept;

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) => Datagrams++;

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (streamId != 0 && connection != Connection)
        {
            return;
        }

        if (streamId == 0)
        {
            if (connection != Connection)
            {
                if (_begun.Contains(connection))
                {
                    return;
                }

                Begin(connection);
            }

            _control.AddRange(data);
            ReadControl();
            return;
        }

        var held = _streams.TryGetValue(streamId, out var known) ? known : _streams[streamId] = [];
        held.AddRange(data);
        while (held.Count > 0 && held.Count >= 3 + held[0])
        {
            var bytes = held.ToArray();
            var header = 3 + bytes[0];
            var packet = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(1 + bytes[0]));
            if (bytes.Length < header + packet)
            {
                break;
            }

            Packets.Add((Encoding.ASCII.GetString(bytes, 1, bytes[0]), bytes[header..(header + packet)], streamId));
            held.RemoveRange(0, header + packet);
        }
    }

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        _begun.Remove(connection);
        if (connection == Connection)
        {
            Closed = close;
        }
    }

    public virtual void Dispose()
    {
        Endpoint.Dispose();
        _credentials.Dispose();
    }

    /// <summary>Sends one packet; nothing is kept of the span.</summary>
    protected abstract void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes);

    private QuicEndpoint Create() => new(
        new QuicEndpointOptions
        {
            Credentials = _credentials,
            AcceptAlpn = [Alpn],
            ResetSecret = new byte[32],
            TokenSecret = new byte[32],
            Settings = new QuicSettings { MaxPeerStreams = 100, TakesDatagrams = false, KeepAlive = TimeSpan.Zero, MaxUdpPayloadBytes = 1452 },
        },
        this);

    private void SayKeepalive()
    {
        var seconds = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(seconds, Now.UtcSeconds);
        Say('K', seconds);
    }

    private void ReadControl()
    {
        while (_control.Count >= 2 && ((_control[0] << 8) | _control[1]) is var length && _control.Count >= 2 + length)
        {
            if (length is 0 or > 4096)
            {
                Errors.Add($"a message of {length} bytes");
                return;
            }

            var type = (char)_control[2];
            var body = _control.GetRange(3, length - 1).ToArray();
            _control.RemoveRange(0, 2 + length);
            Check(type, body);
            Messages.Add((type, body));
            if (type == 'H' && SaysHello)
            {
                _toSay.Enqueue([0, 9, (byte)'H', 1, 2, 3, 4, 5, 6, 7, 8]);
                foreach (var (network, prefix, metric) in Exports)
                {
                    byte[] announce = [(byte)'A', .. Field(network), .. Field(prefix), (byte)(metric >> 8), (byte)metric];
                    _toSay.Enqueue([(byte)(announce.Length >> 8), (byte)announce.Length, .. announce]);
                }

                _keepaliveAt = Now.Nanos + KeepaliveNanos;
            }
        }
    }

    /// <summary>A real daemon would not survive what is complained about here.</summary>
    private void Check(char type, byte[] body)
    {
        var isFirst = Messages.Count == 0;
        try
        {
            var at = 0;
            var isRight = type switch
            {
                'H' => isFirst && body.Length == 8,
                'K' => !isFirst && body.Length == 8,
                'G' => !isFirst && body.Length == 0,
                'W' => !isFirst && Text(body, ref at).Length > 0 && Prefix(body, ref at) && at == body.Length,
                'A' => !isFirst && Text(body, ref at).Length > 0 && IsAnnounce(body, at),
                _ => false,
            };
            if (!isRight)
            {
                Errors.Add($"{type} {Convert.ToHexStringLower(body)}");
            }
        }
        catch (Exception broken) when (broken is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            Errors.Add($"{type} {Convert.ToHexStringLower(body)}: {broken.Message}");
        }
    }

    private static bool IsAnnounce(byte[] body, int at)
    {
        var routes = 0;
        while (at < body.Length)
        {
            if (!Prefix(body, ref at) || at + 2 > body.Length)
            {
                return false;
            }

            at += 2;
            routes++;
        }

        return routes > 0;
    }

    private static bool Prefix(byte[] body, ref int at) => System.Net.IPNetwork.TryParse(Text(body, ref at), out _);

    private static string Text(byte[] body, ref int at)
    {
        var text = Encoding.ASCII.GetString(body, at + 1, body[at]);
        at += 1 + text.Length;
        return text;
    }
}
