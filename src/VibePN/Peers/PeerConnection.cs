using System.Buffers;
using System.Net;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Legacy;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Peers;

/// <summary>
/// One QUIC connection with a peer, or with somebody who has yet to show a certificate. The <see cref="QuicConnection.Tag"/>.
/// </summary>
internal sealed class PeerConnection(QuicConnection quic, Peer? peer, int networks, ArrayBufferWriter<byte> outgoing, ulong createdNanos)
{
    /// <summary>The dialer's first bidirectional stream (RFC 9000 §2.1).</summary>
    public const long ControlStream = 0;

    /// <summary>By tag: the index of the own network; -1 for tag 0. Made, like what follows, when a peer is known: strangers cost little.</summary>
    private List<int>? _receiveNetworks;
    private ControlSession? _session;
    private IntroductionState? _introductions;
    private SockAddr _remote = ToSockAddr(quic.Path.Remote);
    private SockAddr _local = ToSockAddr(quic.Path.Local);
    private ulong[]? _sendTags;
    private string?[]? _networkProblems;
    private int _networks = networks;

    public QuicConnection Quic { get; } = quic;

    /// <summary>Known from the start where we dial, else once the certificate was accepted.</summary>
    public Peer? Peer { get; set; } = peer;

    /// <summary>What the other side's chain proves, once it was accepted.</summary>
    public Lineage? Lineage { get; set; }

    /// <summary>The last second in which the other side's certificate holds, Unix; 0: it has shown none.</summary>
    public long CertificateEndUtcSeconds { get; set; }

    /// <summary>The last second, Unix, of the key of either side that it was made with; null: that key has no successor, as far as known.</summary>
    public long? KeyEndUtcSeconds { get; set; }

    /// <summary>It was made with an own key that has a successor now: it is to be replaced.</summary>
    public bool ShowsFormerKey { get; set; }

    /// <summary>When replacing it is tried again.</summary>
    public ulong RekeyNanos { get; set; } = ulong.MaxValue;

    /// <summary>The first fingerprint that was shown where there was no pin, once it was accepted.</summary>
    public PeerId? Presented { get; set; }

    /// <summary>The proof by which a stranger was let in: it has no peer before its Hello.</summary>
    public InviteProof? Invitation { get; set; }

    /// <summary>Its messages while it is not on disk yet that it has joined; null: they are read.</summary>
    public List<ControlMessage>? Held { get; set; }

    /// <summary>What was said of introductions on it.</summary>
    public IntroductionState Introductions => _introductions ??= new IntroductionState();

    /// <summary>We dialed, and showed an invite of the other side.</summary>
    public bool ShowsInvite { get; init; }

    /// <summary>We dialed a host where only an introducer says that the peer is; counted in <see cref="HearsayDials"/>.</summary>
    public IPAddress? Hearsay { get; init; }

    public ControlSession Session => _session ??= new ControlSession();

    public ulong CreatedNanos { get; } = createdNanos;

    /// <summary>The handshake is complete here; the time for Hello runs from <see cref="HelloDeadlineNanos"/>.</summary>
    public ulong HelloDeadlineNanos { get; set; } = ulong.MaxValue;

    public ulong KeepaliveNanos { get; set; } = ulong.MaxValue;

    /// <summary>When our routes are announced again; <see cref="ulong.MaxValue"/>: there are none.</summary>
    public ulong AnnounceNanos { get; set; } = ulong.MaxValue;

    /// <summary>The list of networks that the peer was told last, or null.</summary>
    public NetworkList? Told { get; set; }

    /// <summary>When this connection makes way for another one.</summary>
    public ulong CloseAsDuplicateNanos { get; set; } = ulong.MaxValue;

    /// <summary>The sender of its dialer's Hello had no other connection of use: this one stays (docs/protocol.md, Duplicates).</summary>
    public bool IsReplacement { get; set; }

    /// <summary>This side ended the attempt since another was faster: no failure.</summary>
    public bool IsSuperseded { get; set; }

    /// <summary>When it came up; 0: not yet.</summary>
    public ulong UpNanos { get; set; }

    /// <summary>When the first packet after the last answer was sent; 0: none was.</summary>
    public ulong AwaitingSinceNanos { get; set; }

    /// <summary>When the answer is looked for.</summary>
    public ulong DoubtCheckNanos { get; set; } = ulong.MaxValue;

    /// <summary>When it was found that packets are unanswered; over as soon as one is answered. 0: they are not.</summary>
    public ulong DoubtSinceNanos { get; set; }

    /// <summary>When it was last looked at whether the peer is heard, while in doubt.</summary>
    public ulong HeardNanos { get; set; }

    /// <summary>Until then a connection from the host's new address is sought in its place; 0: it is where it should be.</summary>
    public ulong MoveUntilNanos { get; set; }

    /// <summary>The address that the host would send from to the peer, when that was last asked.</summary>
    public SockAddr RouteSource { get; set; }

    /// <summary>Why this side turned the peer's certificate down, or null.</summary>
    public string? Refusal { get; set; }

    /// <summary>Where packets go, in the form the socket takes; kept here because a packet must not cost a conversion.</summary>
    public ref readonly SockAddr Remote => ref _remote;

    /// <summary>The own address they come from.</summary>
    public ref readonly SockAddr Local => ref _local;

    /// <summary>Where this side sees the peer.</summary>
    public IPEndPoint? RemoteEndPoint => Remote.IsNone ? null : Remote.ToIPEndPoint();

    /// <summary>This side's Hello is on its way.</summary>
    public bool HelloSent { get; set; }

    /// <summary>The congestion window or the pacer held back a packet in this turn.</summary>
    public bool IsBlocked { get; set; }

    /// <summary>Something was written in this turn: the burst has yet to be ended (pacing, deadline).</summary>
    public bool InBurst { get; set; }

    /// <summary>The fragmented packet that is being sent: its id, and how much of it has left.</summary>
    public ushort FragmentId { get; set; }

    public int FragmentOffset { get; set; }

    /// <summary>The next fragment is the first of a packet.</summary>
    public void EndFragments()
    {
        FragmentId++;
        FragmentOffset = 0;
    }

    /// <summary>Packets that come in pieces; made when the first does.</summary>
    public Reassembler? Reassembler { get; set; }

    /// <summary>Decides whether datagrams are repaired; made with the peer's Hello if it can do it.</summary>
    public LossMeter? LossMeter { get; set; }

    /// <summary>Decides how much parity is sent; made with the peer's Hello if it understands it.</summary>
    public ParityMeter? ParityMeter { get; set; }

    /// <summary>The peer's covered packets of which it was told last, and when it may be told again.</summary>
    public ulong ParityReported { get; set; }

    public ulong ParityReportNanos { get; set; }

    /// <summary>What was sent and may have to be sent again; made when repair first begins.</summary>
    public RepairSender? Repair { get; set; }

    /// <summary>Packets are numbered and kept at the moment.</summary>
    public bool IsRepairing { get; set; }

    /// <summary>Times the path was found too small at the last look: losses of that moment say nothing.</summary>
    public int BlackHoles { get; set; }

    /// <summary>Puts packets in order; made with the first that has a number.</summary>
    public ReorderBuffer? Reorder { get; set; }

    /// <summary>When a wait in <see cref="Reorder"/> ends, or earlier; <see cref="ulong.MaxValue"/>: nothing waits.</summary>
    public ulong ReorderNanos { get; set; } = ulong.MaxValue;

    /// <summary>Set where the handshake chose the protocol of before: then it stands in the place of <see cref="Session"/>.</summary>
    public LegacySession? Legacy { get; set; }

    /// <summary>The other's Hello was read (docs/protocol.md, Roles).</summary>
    public bool IsUp => HasPeerHello && Held is null && !Quic.IsClosed;

    /// <summary>Dialed here and not up yet.</summary>
    public bool IsAttempt => Quic.IsDialer && !HasPeerHello && !Quic.IsClosed;

    /// <summary>Up, and the peer's networks are known: packets may be sent.</summary>
    public bool IsReady => IsUp && (Legacy is not null || _session!.PeerNetworks is not null);

    /// <summary>When the peer is given up unless its node says something before; <see cref="ulong.MaxValue"/>: it owes nothing.</summary>
    public ulong EchoDeadlineNanos => Legacy?.DeadlineNanos ?? Session.EchoDeadlineNanos;

    private bool HasPeerHello => Legacy?.IsUp ?? _session?.PeerHello is not null;

    /// <summary>By the index of an own network: the tag under which the peer takes its packets, 0 where it does not. With <see cref="Legacy"/> 1 stands for any.</summary>
    public ulong[] SendTags => _sendTags ??= new ulong[_networks];

    /// <summary>By the index of an own network: why it is not joined with this peer, or null.</summary>
    public string?[] NetworkProblems => _networkProblems ??= new string?[_networks];

    /// <summary>The index of the own network that has <paramref name="tag"/> on this connection; -1: none.</summary>
    public int NetworkOf(ulong tag) => _receiveNetworks is { } known && tag < (ulong)known.Count ? known[(int)tag] : -1;

    /// <summary>Chooses a tag for what the peer will send into an own network; never one used before on this connection.</summary>
    public ulong AddReceiveTag(int network)
    {
        _receiveNetworks ??= [-1];
        var existing = _receiveNetworks.IndexOf(network, 1);
        if (existing > 0)
        {
            return (ulong)existing;
        }

        _receiveNetworks.Add(network);
        return (ulong)(_receiveNetworks.Count - 1);
    }

    /// <summary>The peer is not to send into an own network any more: packets with its tag are of no network, for the connection's life.</summary>
    public void RetireReceiveTag(int network)
    {
        if (_receiveNetworks?.IndexOf(network, 1) is { } tag and > 0)
        {
            _receiveNetworks[tag] = -1;
        }
    }

    /// <summary>Makes room for further own networks.</summary>
    public void GrowTo(int count)
    {
        _networks = count;
        if (_sendTags is not null)
        {
            Array.Resize(ref _sendTags, count);
        }

        if (_networkProblems is not null)
        {
            Array.Resize(ref _networkProblems, count);
        }
    }

    /// <summary>Packets on it go unanswered, or the host has left its address.</summary>
    public bool IsInDoubt(ulong nowNanos) => (DoubtSinceNanos != 0 && Quic.LastAnsweredNanos <= DoubtSinceNanos) || nowNanos < MoveUntilNanos;

    public void PathChanged()
    {
        _remote = ToSockAddr(Quic.Path.Remote);
        _local = ToSockAddr(Quic.Path.Local);
    }

    public static SockAddr ToSockAddr(in QuicAddress address) =>
        SockAddr.TryFromBytes(address.Bytes, out var converted) ? converted : default;

    /// <summary>Queues a message on the control stream; what does not fit its buffer ends the connection, since order would be lost.</summary>
    public void Send(ControlMessage message)
    {
        if (Quic.IsClosed || Legacy is not null)
        {
            // The protocol of before has no such messages: it has its own.
            return;
        }

        outgoing.ResetWrittenCount();
        ControlCodec.Write(outgoing, message);
        if (!Quic.TryWriteStream(ControlStream, outgoing.WrittenSpan, fin: false))
        {
            Quic.Close((ulong)CloseReason.LimitExceeded, "the control stream is not read");
        }
    }
}
