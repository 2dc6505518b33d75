// The peers: dialing, admission, Hello, duplicates, networks, and how connections end. Over 400 lines because these share one state
// machine: a connection is dialing → admitted → up (Hello read) → ready (networks known) → closed, and every step may promote or
// demote another connection of the same peer.
using System.Net;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Of two connections that are up the superfluous one lives on for this long: packets under way still arrive.</summary>
    private const ulong DuplicateGraceNanos = 1_000_000_000;

    public override void OnAccepted(QuicConnection connection)
    {
        var link = new PeerConnection(connection, null, _networks.Count, _controlOut, _now.Nanos);
        connection.Tag = link;
        _unknown.Add(link);
        if (_leaving)
        {
            // Whoever dials during the last moments must not believe in a connection that ends with them.
            connection.Close((ulong)CloseReason.Goodbye, "the node is shutting down");
        }
    }

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now)
    {
        var link = (PeerConnection)connection.Tag!;
        var result = Judge(link, chain, now, out var fingerprint);
        if (!result.IsAccepted)
        {
            Count("refused");
            Log.CertificateRefused(
                _logger,
                result.Claimed?.Name ?? "a stranger",
                PathText(connection),
                result.Text,
                fingerprint);
            link.Refusal = result.Text;
            return result.Alert;
        }

        if (link.Peer is null)
        {
            link.Peer = _peersByName[result.Peer!.Name];
            _unknown.Remove(link);
            AddConnection(link.Peer, link);
        }

        return TlsAlert.Accept;
    }

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
        var link = (PeerConnection)connection.Tag!;
        link.HelloDeadlineNanos = _now.Nanos + ControlSession.HelloTimeoutNanos;
        ScheduleControl(link.HelloDeadlineNanos);
    }

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        var link = (PeerConnection)connection.Tag!;
        if (link.Peer is null || connection.IsClosed)
        {
            return;
        }

        try
        {
            if (streamId != PeerConnection.ControlStream)
            {
                throw new ControlException(CloseReason.Malformed, $"data on stream {streamId}");
            }

            _messages.Clear();
            link.Session.Receive(data, _messages, _now.Nanos);
            foreach (var message in _messages)
            {
                OnMessage(link, message);
            }

            if (fin)
            {
                throw new ControlException(CloseReason.Malformed, "the control stream was closed");
            }
        }
        catch (ControlException broken)
        {
            Log.ProtocolError(_logger, link.Peer.Name, broken.Message);
            connection.Close((ulong)broken.Reason, broken.Message);
        }
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now) =>
        OnPacketIn((PeerConnection)connection.Tag!, datagram);

    public override void OnNewToken(QuicConnection connection, ReadOnlySpan<byte> token)
    {
        if (((PeerConnection)connection.Tag!).Peer is { } peer)
        {
            peer.DialToken = token.ToArray();
        }
    }

    public override void OnPathChanged(QuicConnection connection) => ((PeerConnection)connection.Tag!).PathChanged();

    public override void OnClosed(QuicConnection connection, QuicClose close)
    {
        var link = (PeerConnection)connection.Tag!;
        _unknown.Remove(link);
        if (link.Peer is not { } peer)
        {
            return;
        }

        peer.Connections.Remove(link);
        link.Reassembler?.Clear();
        CountExpired(link);
        if (peer.Active == link)
        {
            Promote(peer);
            if (!peer.IsUp)
            {
                PeerDown(peer, link, close);
            }
        }

        if (peer.Dialing == link)
        {
            peer.Dialing = null;
            if (!peer.IsUp && link.Session.PeerHello is null)
            {
                var (failure, text) = Explain(link, close);
                DialFailed(peer, failure, text);
            }
        }
        else if (!peer.IsUp && peer is { Dialing: null, IsResolving: false, NextDialNanos: ulong.MaxValue, Config.Address: not null })
        {
            // It ended between Hello and the list of networks: no attempt any more, and not yet what PeerDown dials for.
            DialFailed(peer, DialFailure.Lost, Explain(link, close).Text);
        }
    }

    private AdmissionResult Judge(PeerConnection link, CertificateChain chain, Instant now, out string fingerprint)
    {
        fingerprint = "none";
        if (chain.Count == 0 || !CertificateInfo.TryRead(chain[0], out var certificate) || certificate is null)
        {
            return Admission.Malformed(_trust, link.Peer?.Name);
        }

        var presented = PeerId.OfCertificate(chain[0]);
        fingerprint = presented.ToString();
        return Admission.Decide(
            _trust,
            new AdmissionRequest(presented, certificate.NotBeforeUtcSeconds, certificate.NotAfterUtcSeconds, now.UtcSeconds, link.Peer?.Name));
    }

    /// <summary>Begins an attempt: names are resolved first, each time anew.</summary>
    private void StartDial(Peer peer)
    {
        peer.NextDialNanos = ulong.MaxValue;
        if (peer.IsUp || peer.Dialing is not null || peer.IsResolving || _leaving || peer.Config.Address is not { } address)
        {
            return;
        }

        if (address.Literal is { } literal)
        {
            peer.DialAddresses = [new IPEndPoint(literal, address.Port)];
            Dial(peer);
        }
        else
        {
            peer.IsResolving = true;
            _output.Resolve(peer.Name, address);
        }
    }

    private void Dial(Peer peer)
    {
        if (peer.IsUp || _leaving)
        {
            return;
        }

        peer.Attempts++;
        var remote = peer.DialAddresses[peer.NextDialAddress++ % peer.DialAddresses.Count];
        if (_output.RemoteAddress(remote) is not { } to)
        {
            DialFailed(peer, DialFailure.Unreachable, $"{remote} cannot be reached: IPv6 is off on this host");
            return;
        }

        if (_output.LocalAddressTowards(remote) is not { } from)
        {
            DialFailed(peer, DialFailure.Unreachable, $"this host has no route to {remote.Address}");
            return;
        }

        var path = new QuicPath(new QuicAddress(from.Bytes), new QuicAddress(to.Bytes));
        Count("dialed");
        var quic = _endpoint.Connect(path, [Alpn], _now, token: peer.DialToken);
        var link = new PeerConnection(quic, peer, _networks.Count, _controlOut, _now.Nanos);
        quic.Tag = link;
        peer.Dialing = link;
        AddConnection(peer, link);
    }

    private void DialFailed(Peer peer, DialFailure failure, string text)
    {
        if (_leaving)
        {
            return;
        }

        Count(failure switch
        {
            DialFailure.RefusedByPeer => "refusedByPeer",
            DialFailure.WrongIdentity => "refusedByUs",
            DialFailure.Timeout => "timedOut",
            DialFailure.Unreachable => "unreachable",
            _ => "lost",
        });
        if (failure != peer.LastFailure || text != peer.LastFailureText)
        {
            // Once per kind: an unreachable peer must not fill the log.
            Log.DialFailed(_logger, peer.Name, peer.Config.Address?.ToString() ?? "?", text);
        }

        peer.Fail(failure, text);
        peer.NextDialNanos = _now.Nanos + DialPolicy.DelayNanos(failure, peer.Failures, _options.Random.NextDouble());
        ScheduleControl(peer.NextDialNanos);
    }

    /// <summary>Holds the peer's number of connections down: the oldest that carries nothing goes first.</summary>
    private static void AddConnection(Peer peer, PeerConnection link)
    {
        peer.Connections.Add(link);
        if (peer.Connections.Count > Limits.ConnectionsPerPeer
            && peer.Connections.Find(other => other != link && other != peer.Active) is { } oldest)
        {
            oldest.Quic.Close((ulong)CloseReason.LimitExceeded, "too many connections");
        }
    }

    private void OnMessage(PeerConnection link, ControlMessage message)
    {
        switch (message)
        {
            case Hello hello:
                OnHello(link, hello);
                break;
            case NetworkList list:
                OnNetworkList(link, list);
                break;
            case Announce announce:
                OnAnnounce(link, announce);
                break;
            case Withdraw withdraw:
                OnWithdraw(link, withdraw);
                break;
            case Keepalive keepalive:
                link.Send(new KeepaliveReply(keepalive.Id, link.RemoteEndPoint));
                break;
            case KeepaliveReply reply:
                link.Peer!.ObservedAt = reply.Observed ?? link.Peer.ObservedAt;
                break;
            case AddressInUse inUse:
                OnAddressInUse(link, inUse);
                break;
            case PeerError error when link.Peer!.MayLog(_now.Nanos):
                Log.PeerReports(_logger, link.Peer!.Name, error.Text);
                break;
        }
    }

    /// <summary>The connection is up: former lives and duplicates of the peer make way (docs/protocol.md, Duplicates).</summary>
    private void OnHello(PeerConnection link, Hello hello)
    {
        var peer = link.Peer!;
        Count("up");
        link.HelloDeadlineNanos = ulong.MaxValue;
        link.KeepaliveNanos = _now.Nanos + ControlSession.KeepaliveIntervalNanos;
        ScheduleControl(link.KeepaliveNanos);
        peer.ObservedAt = hello.Observed ?? peer.ObservedAt;
        peer.Succeed();
        if (peer.Dialing == link)
        {
            peer.Dialing = null;
        }

        if (!link.Quic.IsDialer)
        {
            SendHello(link);
            link.Quic.SendNewToken();
        }

        var restarted = peer.BootId is { } before && before != hello.BootId;
        peer.BootId = hello.BootId;
        foreach (var other in peer.Connections.ToArray())
        {
            if (other == link || other.Session.PeerHello is not { } otherHello)
            {
                continue;
            }

            if (restarted || otherHello.BootId != hello.BootId)
            {
                other.Quic.Close((ulong)CloseReason.Restarted, "the node restarted");
            }
            else if (hello.Replaces)
            {
                CloseLater(other);
            }
            else if (Self.CompareTo(peer.Id) < 0)
            {
                // Only the smaller node closes, and keeps what it dialed itself; of two of the same kind the newer.
                CloseLater(link.Quic.IsDialer || !other.Quic.IsDialer ? other : link);
            }
        }

        SendNetworks(link);
    }

    private void CloseLater(PeerConnection link)
    {
        link.CloseAsDuplicateNanos = Math.Min(link.CloseAsDuplicateNanos, _now.Nanos + DuplicateGraceNanos);
        ScheduleControl(link.CloseAsDuplicateNanos);
    }

    private void SendHello(PeerConnection link) => link.Send(new Hello(
        _options.BootId,
        _options.Config.Node.Name,
        [],
        link.RemoteEndPoint,
        Limits.ReassembledBytes,
        Replaces: false));

    /// <summary>Only networks that the peer's entry names are told to it.</summary>
    private void SendNetworks(PeerConnection link)
    {
        var shared = _networks.Where(network => link.Peer!.Config.Networks.Contains(network.Name)).ToList();
        link.Send(new NetworkList(
            [.. shared.Select(network => new NetworkOffer(network.Name, network.Prefixes, network.OwnAddresses, link.AddReceiveTag(network.Index)))]));
        foreach (var network in shared.Where(network => network.Config.Export && network.Config.Routes.Count > 0))
        {
            link.Send(new Announce(
                network.Name,
                [.. network.Config.Routes.Select(route => new RouteOffer(Prefix.FromIPNetwork(route), 0, 0))]));
        }
    }

    private void OnNetworkList(PeerConnection link, NetworkList list)
    {
        var peer = link.Peer!;
        foreach (var network in _networks)
        {
            var offer = list.Networks.FirstOrDefault(offered => offered.Name == network.Name);
            var problem = offer is null || !peer.Config.Networks.Contains(network.Name) ? null
                : network.Prefixes.Any(own => offer.Prefixes.Any(own.Overlaps)) ? null
                : $"prefix mismatch: {string.Join(", ", network.Prefixes)} here, {string.Join(", ", offer.Prefixes)} there";
            var joined = offer is not null && problem is null && peer.Config.Networks.Contains(network.Name);
            link.SendTags[network.Index] = joined ? offer!.Tag : 0;
            if (problem is not null && problem != link.NetworkProblems[network.Index])
            {
                if (peer.MayLog(_now.Nanos))
                {
                    Log.NetworkNotJoined(_logger, network.Name, peer.Name, problem);
                }

                link.Send(new PeerError(CloseReason.None, $"network {network.Name}: {problem}"));
            }

            link.NetworkProblems[network.Index] = problem;
            Claim(peer, network, RouteSource.Address, joined ? [.. offer!.Addresses.Select(address => (Prefix.Host(address), 0u))] : []);
            SettleAddresses(link, network);
        }

        Promote(peer);
        TakeRoutesIntoUse();
    }

    private void OnAnnounce(PeerConnection link, Announce announce)
    {
        if (FindJoined(link, announce.Network) is { } network)
        {
            var mine = AnnouncedBy(link.Peer!, network);
            foreach (var offer in announce.Routes)
            {
                mine[offer.Prefix] = offer.Metric;
            }

            if (mine.Count > Limits.RoutesPerPeerAndNetwork)
            {
                throw new ControlException(CloseReason.LimitExceeded, $"more than {Limits.RoutesPerPeerAndNetwork} routes in network {network.Name}");
            }

            Claim(link.Peer!, network, RouteSource.Announced, [.. mine.Select(route => (route.Key, route.Value))]);
            TakeRoutesIntoUse();
        }
    }

    private void OnWithdraw(PeerConnection link, Withdraw withdraw)
    {
        if (FindJoined(link, withdraw.Network) is { } network)
        {
            var mine = AnnouncedBy(link.Peer!, network);
            foreach (var prefix in withdraw.Prefixes)
            {
                mine.Remove(prefix);
            }

            Claim(link.Peer!, network, RouteSource.Announced, [.. mine.Select(route => (route.Key, route.Value))]);
            TakeRoutesIntoUse();
        }
    }

    /// <summary>
    /// Two nodes with one address: whoever had it first keeps it, and the other is told. Between the peer and ourselves the larger id
    /// makes way if its address is automatic.
    /// </summary>
    private void SettleAddresses(PeerConnection link, NodeNetwork network)
    {
        var peer = link.Peer!;
        foreach (var route in network.Routes.Routes.Where(route => route.Peer == peer.Id && route.Source == RouteSource.Address).ToList())
        {
            var address = route.Prefix.First;
            if (route.Verdict == RouteVerdict.OwnAddress && Self.CompareTo(peer.Id) > 0 && network.IsAutomatic(address))
            {
                MoveFrom(network, address);
            }
            else if (route.Verdict is RouteVerdict.OwnAddress or RouteVerdict.AddressInUse or RouteVerdict.AddressRemembered)
            {
                link.Send(new AddressInUse(network.Name, address));
            }
        }
    }

    private void OnAddressInUse(PeerConnection link, AddressInUse inUse)
    {
        if (FindJoined(link, inUse.Network) is { } network && network.OwnAddresses.Contains(inUse.Address) && !MoveFrom(network, inUse.Address)
            && link.Peer!.MayLog(_now.Nanos))
        {
            Log.PeerReports(_logger, link.Peer!.Name, $"our address {inUse.Address} in network {network.Name} belongs to another node");
        }
    }

    /// <summary>Takes the next automatic address, and tells everybody who knew the old one.</summary>
    private bool MoveFrom(NodeNetwork network, IpKey address)
    {
        if (!network.MoveFrom(address, _now.UtcSeconds))
        {
            return false;
        }

        Log.AddressChanged(_logger, network.Name, address.ToString(), string.Join(", ", network.OwnAddresses));
        HostStateVersion++;
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Where(link => link.IsUp))
        {
            if (link.Peer!.Config.Networks.Contains(network.Name))
            {
                SendNetworks(link);
                if (link.Session.PeerNetworks?.Networks.FirstOrDefault(offer => offer.Name == network.Name) is { } offer && link.SendTags[network.Index] != 0)
                {
                    Claim(link.Peer!, network, RouteSource.Address, [.. offer.Addresses.Select(theirs => (Prefix.Host(theirs), 0u))]);
                }
            }
        }

        TakeRoutesIntoUse();
        return true;
    }

    private NodeNetwork? FindJoined(PeerConnection link, string name) =>
        _networks.Find(network => network.Name == name && link.SendTags[network.Index] != 0);

    private static SortedDictionary<Prefix, uint> AnnouncedBy(Peer peer, NodeNetwork network) => new(
        network.Routes.Routes
            .Where(route => route.Peer == peer.Id && route.Source == RouteSource.Announced)
            .ToDictionary(route => route.Prefix, route => route.Metric));

    private void Claim(Peer peer, NodeNetwork network, RouteSource source, IReadOnlyList<(Prefix Prefix, uint Metric)> offers)
    {
        var known = network.Routes.Routes.Where(route => route.Peer == peer.Id && !route.IsUsed).ToHashSet();
        foreach (var route in network.Routes.Replace(peer.Rights, source, offers, _now.UtcSeconds))
        {
            if (!route.IsUsed && !known.Contains(route) && peer.MayLog(_now.Nanos))
            {
                Log.RouteRefused(_logger, peer.Name, route.Prefix.ToString(), network.Name, route.Why);
            }
        }
    }

    private void TakeRoutesIntoUse()
    {
        foreach (var network in _networks)
        {
            if (network.RebuildForwarding(id => _peers.GetValueOrDefault(id)))
            {
                network.Routes.RecordOwners(_now.UtcSeconds);
                HostStateVersion++;
            }
        }
    }

    /// <summary>Chooses the connection that packets leave on: the one the smaller node dialed, else the newest that is ready.</summary>
    private void Promote(Peer peer)
    {
        var before = peer.Active;
        peer.Active = peer.Connections
            .Where(link => link.IsReady && link.CloseAsDuplicateNanos == ulong.MaxValue)
            .OrderByDescending(link => link.Quic.IsDialer == (Self.CompareTo(peer.Id) < 0))
            .ThenByDescending(link => link.CreatedNanos)
            .FirstOrDefault() ?? peer.Connections.Find(link => link.IsReady);
        if (before is null && peer.Active is { } active)
        {
            peer.ChangedNanos = _now.Nanos;
            Log.PeerUp(_logger, peer.Name, PathText(active.Quic), active.Quic.IsDialer ? "us" : "the peer");
        }
    }

    private void PeerDown(Peer peer, PeerConnection link, QuicClose close)
    {
        peer.ChangedNanos = _now.Nanos;
        peer.Queue.Clear();
        foreach (var network in _networks)
        {
            network.Routes.RecordOwners(_now.UtcSeconds);
            network.Routes.Remove(peer.Id);
        }

        TakeRoutesIntoUse();
        var (_, text) = Explain(link, close);
        Log.PeerDown(_logger, peer.Name, text);
        peer.Fail(DialFailure.Lost, text);
        if (peer.Config.Address is not null && !_leaving)
        {
            peer.NextDialNanos = _now.Nanos
                + (Self.CompareTo(peer.Id) > 0 ? DialPolicy.LargerNodeDelayNanos : 0)
                + DialPolicy.DelayNanos(DialFailure.Lost, 1, _options.Random.NextDouble());
            ScheduleControl(peer.NextDialNanos);
        }
    }

    /// <summary>The end of a connection in the words of people.</summary>
    private static (DialFailure Failure, string Text) Explain(PeerConnection link, QuicClose close) => close switch
    {
        { Kind: QuicCloseKind.LocalTransport } when link.Refusal is { } refusal => (DialFailure.WrongIdentity, refusal),
        { Kind: QuicCloseKind.PeerTransport, Alert: { } alert } => (DialFailure.RefusedByPeer, AlertText(alert)),
        { Kind: QuicCloseKind.PeerApplication, ErrorCode: (ulong)CloseReason.Goodbye } => (DialFailure.Lost, "it said goodbye"),
        { Kind: QuicCloseKind.PeerApplication } => (DialFailure.Lost, close.Reason.Length > 0 ? $"it closed: {close.Reason}" : $"it closed with code {close.ErrorCode}"),
        { Kind: QuicCloseKind.Local } => (DialFailure.Lost, close.Reason.Length > 0 ? close.Reason : "closed here"),
        { Kind: QuicCloseKind.IdleTimeout } => (DialFailure.Timeout, "nothing was heard from it any more"),
        { Kind: QuicCloseKind.HandshakeTimeout } => (DialFailure.Timeout, "no answer"),
        { Kind: QuicCloseKind.StatelessReset } => (DialFailure.Lost, "it restarted and forgot the connection"),
        { Kind: QuicCloseKind.VersionNegotiation } => (DialFailure.RefusedByPeer, "it speaks no common version of QUIC"),
        { Kind: QuicCloseKind.PeerTransport } => (DialFailure.Lost, $"it reported QUIC error 0x{close.ErrorCode:x} {close.Reason}".TrimEnd()),
        { Kind: QuicCloseKind.LocalTransport } => (DialFailure.Lost, $"QUIC error 0x{close.ErrorCode:x} {close.Reason}".TrimEnd()),
        _ => (DialFailure.Timeout, "the connection was dropped"),
    };

    /// <summary>What a peer's refusal asks of the user here (RFC 8446 §6.2).</summary>
    private static string AlertText(byte alert) => (TlsAlert)alert switch
    {
        TlsAlert.AccessDenied => "refused by peer: it does not know our fingerprint (add-peer on the other side)",
        TlsAlert.CertificateExpired => "refused by peer: our certificate is expired or not yet valid (check both clocks)",
        TlsAlert.BadCertificate or TlsAlert.CertificateUnknown => "refused by peer: our certificate is not the one it expects",
        (TlsAlert)120 => "refused by peer: it speaks no protocol of ours",
        _ => $"refused by peer: TLS alert {alert}",
    };

    /// <summary>Everything with a time of its own; finds the next such time on the way.</summary>
    private void RunControlTimers()
    {
        _controlDeadline = ulong.MaxValue;
        foreach (var peer in _peers.Values)
        {
            if (peer.NextDialNanos <= _now.Nanos)
            {
                StartDial(peer);
            }

            ScheduleControl(peer.NextDialNanos);
            for (var i = peer.Connections.Count - 1; i >= 0; i--)
            {
                RunTimers(peer.Connections[i]);
            }
        }

        for (var i = _unknown.Count - 1; i >= 0; i--)
        {
            RunTimers(_unknown[i]);
        }
    }

    private void RunTimers(PeerConnection link)
    {
        if (link.Quic.IsClosed)
        {
            return;
        }

        if (link.HelloDeadlineNanos <= _now.Nanos)
        {
            link.Quic.Close((ulong)CloseReason.HelloTimeout, "no Hello within its time");
            return;
        }

        if (link.CloseAsDuplicateNanos <= _now.Nanos)
        {
            link.Quic.Close((ulong)CloseReason.Duplicate, "another connection stays");
            return;
        }

        if (link.KeepaliveNanos <= _now.Nanos)
        {
            link.KeepaliveNanos = _now.Nanos + ControlSession.KeepaliveIntervalNanos;
            link.Reassembler?.Expire(_now.Nanos);
            CountExpired(link);
            link.Send(link.Session.NextKeepalive(link.RemoteEndPoint, _now.Nanos));
        }

        ScheduleControl(Math.Min(link.HelloDeadlineNanos, Math.Min(link.CloseAsDuplicateNanos, link.KeepaliveNanos)));
    }

    private static string PathText(QuicConnection connection) =>
        SockAddr.TryFromBytes(connection.Path.Remote.Bytes, out var remote) ? remote.ToString() : "an unknown address";
}
