// Peers that speak the protocol of before, vibepn/0.1: what is different with them. They are dialed, and packets go on streams.
using System.Text;
using VibePN.Control;
using VibePN.Legacy;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Nobody here speaks a protocol that the other side offered (RFC 7301 §3.2).</summary>
    private const byte NoApplicationProtocol = 120;

    /// <summary>For so long a dial that was refused for its protocol is shown: the daemons of before come again after 30 s.</summary>
    private const ulong RefusedProtocolNanos = 120_000_000_000;

    /// <summary>What is offered to a peer; the acceptor chooses.</summary>
    private static readonly string[] DialedAlpn = [Alpn, LegacySession.Alpn];

    /// <summary>One frame on its way out; made with the first peer of the old protocol.</summary>
    private byte[]? _legacyFrame;

    private string? _refusedProtocolPath;
    private ulong _refusedProtocolNanos;

    public override void OnStreamReset(QuicConnection connection, long streamId, ulong errorCode) =>
        ((PeerConnection)connection.Tag!).Legacy?.Receiver.OnReset(streamId);

    /// <summary>A stream that the peer no longer reads is replaced when it is needed next.</summary>
    public override void OnStopSending(QuicConnection connection, long streamId, ulong errorCode)
    {
    }

    /// <summary>The handshake has chosen the old protocol.</summary>
    private void BeginLegacy(PeerConnection link)
    {
        link.Legacy = new LegacySession(
            link.Quic,
            _controlOut,
            (ulong)_options.Random.NextInt64(),
            (name, packet) => OnLegacyPacketIn(link, name, packet));

        // It knows no successors: what goes on with the key of before is all there is.
        (link.ShowsFormerKey, link.KeyEndUtcSeconds) = (false, null);
    }

    /// <exception cref="ControlException">The peer broke the protocol.</exception>
    private void OnLegacyStreamData(PeerConnection link, LegacySession legacy, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        const long Initiator = 3;
        const long AcceptorBidirectional = 1;
        if (streamId != PeerConnection.ControlStream)
        {
            if ((streamId & Initiator) == AcceptorBidirectional)
            {
                legacy.Receiver.Receive(streamId, data, fin);
                link.Peer!.Counters.Drop(DropReason.InMalformed, legacy.TakeMalformed());
            }

            // What comes back on our own data streams is of no use.
            return;
        }

        foreach (var message in legacy.Receive(data, _now.Nanos))
        {
            OnLegacyMessage(link, legacy, message);
        }

        if (fin)
        {
            throw new ControlException(CloseReason.Malformed, "the control stream was closed");
        }
    }

    private void OnLegacyMessage(PeerConnection link, LegacySession legacy, LegacyMessage message)
    {
        switch (message)
        {
            case LegacyHello:
                OnLegacyHello(link, legacy);
                break;
            case LegacyAnnounce announce:
                if (announce.Unreadable > 0 && MayLog(link.Peer!))
                {
                    Log.PeerReports(_logger, link.Peer!.Name, $"{announce.Unreadable} routes in network {announce.Network} that are no prefixes");
                }

                OnLegacyRoutes(link, legacy, announce.Network);
                break;
            case LegacyWithdraw withdraw:
                OnLegacyRoutes(link, legacy, withdraw.Network);
                break;
            case LegacyGoodbye:
                link.Quic.Close((ulong)CloseReason.Goodbye, "it said goodbye");
                break;
        }
    }

    /// <summary>The connection is up, and ready. It knows no boot ids: of several connections the newest stays.</summary>
    private void OnLegacyHello(PeerConnection link, LegacySession legacy)
    {
        if (!PinFirstUse(link))
        {
            return;
        }

        var peer = link.Peer!;
        TakeUp(link);
        _ = peer.Meet(process: null, link.RemoteEndPoint, _now.Nanos);
        foreach (var other in peer.Connections)
        {
            if (other != link && other.IsUp)
            {
                other.CloseAsDuplicateNanos = Math.Min(other.CloseAsDuplicateNanos, _now.Nanos + DuplicateGraceNanos);
                ScheduleControl(other.CloseAsDuplicateNanos);
            }
        }

        TellLegacy(link, legacy);
        JoinLegacy(link, legacy);
        Promote(peer);
    }

    /// <summary>Announces our IPv4 addresses and routes in the networks that the peer's entry names, as single addresses and not as whole prefixes.</summary>
    private void TellLegacy(PeerConnection link, LegacySession legacy)
    {
        if (!legacy.IsUp)
        {
            return;
        }

        var shared = _live.Where(network => IsShared(link.Peer!, network)).ToList();
        foreach (var gone in legacy.ToldNetworks.Where(name => !shared.Exists(network => network.Name == name)))
        {
            legacy.Tell(gone, []);
        }

        foreach (var network in shared)
        {
            legacy.Tell(network.Name, [.. network.OwnAddresses.Select(Prefix.Host).Concat(network.OwnRoutes).Where(prefix => !prefix.First.IsV6)]);
        }
    }

    private void OnLegacyRoutes(PeerConnection link, LegacySession legacy, string name)
    {
        if (_live.Find(network => network.Name == name) is { } network)
        {
            JoinLegacy(link, legacy, network);
            TakeRoutesIntoUse();
        }
    }

    private void JoinLegacy(PeerConnection link, LegacySession legacy)
    {
        foreach (var network in _live)
        {
            JoinLegacy(link, legacy, network);
        }

        TakeRoutesIntoUse();
    }

    /// <summary>
    /// A network is joined once the peer has announced anything in it, or its entry lists addresses there. A prefix that it announces whole
    /// gives it the rest of the prefix: what is no other peer's. An entry's addresses take the place of that.
    /// </summary>
    private void JoinLegacy(PeerConnection link, LegacySession legacy, NodeNetwork network)
    {
        var peer = link.Peer!;
        var isShared = IsShared(peer, network);
        var listed = peer.Rights.Addresses;
        var addresses = new SortedDictionary<Prefix, uint>();
        var rests = new SortedDictionary<Prefix, uint>();
        var routes = new List<RouteOffer>();
        foreach (var address in isShared ? listed.Where(address => network.Prefixes.Any(own => own.Contains(address))) : [])
        {
            addresses[Prefix.Host(address)] = 0;
        }

        foreach (var (prefix, metric) in isShared ? legacy.AnnouncedIn(network.Name) : [])
        {
            var overlapping = network.Prefixes.Where(own => own.Overlaps(prefix)).ToList();
            if (overlapping.Count == 0)
            {
                routes.Add(new RouteOffer(prefix, metric, 0));
                continue;
            }

            if (prefix.IsHost)
            {
                addresses[prefix] = metric;
                continue;
            }

            foreach (var own in listed.Count == 0 ? overlapping : [])
            {
                rests[own.Length > prefix.Length ? own : prefix] = metric;
                if (LegacyAddress.Of(network.Name, peer.Id.ToString(), prefix) is { } address && own.Contains(address) && !own.IsReserved(address))
                {
                    addresses[Prefix.Host(address)] = 0;
                }
            }
        }

        var isJoined = addresses.Count + rests.Count + routes.Count > 0;
        link.SendTags[network.Index] = isJoined ? 1u : 0;
        link.NetworkProblems[network.Index] = isShared && !isJoined ? "it has announced nothing there (is the network exported on the other side?)" : null;
        Claim(peer, network, RouteSource.Address, [.. addresses.Select(claim => (claim.Key, claim.Value))]);
        Claim(peer, network, RouteSource.Rest, [.. rests.Select(claim => (claim.Key, claim.Value))]);
        network.ForgetAnnounced(peer.Id);
        if (routes.Count > 0)
        {
            OnAnnounce(link, new Announce(network.Name, routes));
        }
        else
        {
            Claim(peer, network, RouteSource.Announced, []);
        }
    }

    private void OnLegacyPacketIn(PeerConnection link, ReadOnlySpan<byte> name, ReadOnlySpan<byte> packet)
    {
        var peer = link.Peer!;
        if (!link.IsUp)
        {
            peer.Counters.Drop(DropReason.InNotUp);
            return;
        }

        foreach (var network in _live)
        {
            if (link.SendTags[network.Index] != 0 && Ascii.Equals(name, network.Name))
            {
                OnWholePacketIn(peer, network, packet, checksumPartial: false);
                return;
            }
        }

        peer.Counters.Drop(DropReason.InUnknownTag);
    }

    /// <summary>As <see cref="WritePackets"/>, on streams. A receiver of this protocol knows no partial checksums: they are completed here.</summary>
    private bool WriteLegacyPackets(PeerConnection link, LegacySession legacy, NodeNetwork network, ref Segmenter segmenter, Span<byte> frame)
    {
        var carried = CarriedBytes(link, network);
        _legacyFrame ??= new byte[LegacyFrame.MaxBytes];
        while (segmenter.TryPeek(frame, out var headers, out var payload))
        {
            var bytes = headers.Length + payload.Length;
            if (bytes > ushort.MaxValue)
            {
                DropOut(network, link.Peer, DropReason.OutMalformed, frame);
                return true;
            }

            var at = LegacyFrame.WriteHeader(_legacyFrame, network.Name, bytes);
            var packet = _legacyFrame.AsSpan(at, bytes);
            headers.CopyTo(packet);
            payload.CopyTo(packet[headers.Length..]);
            if (!IpHeader.TryParse(packet, out var ip))
            {
                DropOut(network, link.Peer, DropReason.OutMalformed, frame);
                return true;
            }

            if (bytes > carried && ip.DontFragment)
            {
                // What may be split on its way is no longer asked about here: there is nothing that would split it.
                DropOut(network, link.Peer, DropReason.OutTooBig, packet, checksumPartial: segmenter.ChecksumPartial);
                Answer(network, frame, carried);
                return true;
            }

            var flow = FlowHash.Of(ip, packet, _flowSalt);
            if (segmenter.ChecksumPartial)
            {
                Checksum.Complete(packet, ip);
            }

            if (!legacy.Sender.TryWrite(flow, _legacyFrame.AsSpan(0, at + bytes)))
            {
                link.IsBlocked = !_udpBlocked;
                return false;
            }

            network.Counters.Out(bytes);
            link.Peer!.Counters.Out(bytes);
            CaptureOut(network, link.Peer, packet, default, checksumPartial: false);
            if (link.Quic.LastAnsweredNanos >= link.AwaitingSinceNanos)
            {
                Await(link);
            }

            segmenter.Advance();
        }

        return true;
    }

    /// <summary>The keepalive of whichever protocol it is.</summary>
    private void SendKeepalive(PeerConnection link)
    {
        if (link.Legacy is { } legacy)
        {
            legacy.SendKeepalive(_now.UtcSeconds);
        }
        else
        {
            link.Send(link.Session.NextKeepalive(link.RemoteEndPoint, _now.Nanos));
        }
    }

    /// <summary>A goodbye of the old protocol is a message: it has to leave before the connection ends.</summary>
    private void SayLegacyGoodbye(QuicConnection connection)
    {
        if (connection is { IsClosed: false, Tag: PeerConnection { Legacy: { IsUp: true } legacy } })
        {
            legacy.SendGoodbye();
            FlushConnection(connection);
        }
    }

    /// <summary>Somebody dialed who offers no protocol that is accepted here; who it is, is not known yet when that is found.</summary>
    private void OnProtocolRefused(QuicConnection connection)
    {
        Count("protocolRefused");
        _refusedProtocolPath = PathText(connection);
        _refusedProtocolNanos = _now.Nanos;
        if (_strangersLog.MayLog(_now.Nanos))
        {
            Log.ProtocolRefused(_logger, _refusedProtocolPath);
        }
        else
        {
            ScheduleControl(_strangersLog.DueNanos);
        }
    }

    /// <summary>Why a peer that has to dial us is not here.</summary>
    private string WaitingText() => _refusedProtocolPath is { } path && _now.Nanos < _refusedProtocolNanos + RefusedProtocolNanos
        ? $"it has no address here and has to dial us; {path} tried and speaks no protocol that is accepted: if that is this peer and its version "
            + $"{LegacySession.Alpn}, give its entry an address, for such peers are dialed only"
        : "it has no address here and has to dial us";
}
