// Attempts to reach a peer, several at once where nobody answers, and their failures in the words of people.
using System.Net;
using VibePN.Config;
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>A peer that went away without a goodbye is looked for where it was last, also by a node that has no address for it.</summary>
    private const ulong SeenNanos = 60_000_000_000;

    /// <summary>From Hello to the list of networks, which follows it; who does not say it by then may be gone.</summary>
    private const ulong ReadyNanos = 500_000_000;

    private readonly HearsayDials _hearsayDials = new();

    /// <summary>Begins a series of attempts, the first at once; one that runs already begins anew.</summary>
    private void StartDialing(Peer peer, ulong delayNanos = 0)
    {
        peer.Launched = 0;
        ScheduleDial(peer, _now.Nanos + delayNanos);
    }

    private void ScheduleDial(Peer peer, ulong nanos)
    {
        peer.NextDialNanos = nanos;
        ScheduleControl(nanos);
    }

    /// <summary>The next attempt is due: names are resolved for each anew, while what is known of them already is tried.</summary>
    private void ContinueDialing(Peer peer)
    {
        peer.NextDialNanos = ulong.MaxValue;
        if (!WantsConnection(peer))
        {
            Settle(peer);
            return;
        }

        if (peer.DialAddresses.Count == 0)
        {
            peer.DialAddresses = Literals(peer.Config);
        }

        if (!peer.IsResolving && peer.Config.DialAddresses.Where(address => address.Literal is null).ToList() is { Count: > 0 } names)
        {
            peer.IsResolving = true;
            _output.Resolve(peer.Name, names);
        }

        Launch(peer);
    }

    private static List<IPEndPoint> Literals(PeerConfig entry) =>
        [.. entry.DialAddresses.Where(address => address.Literal is not null).Select(address => new IPEndPoint(address.Literal!, address.Port))];

    /// <summary>The addresses of a peer whose names were being resolved; none: <paramref name="error"/> says why.</summary>
    public void OnResolved(string peerName, IReadOnlyList<IPEndPoint> addresses, string? error, Instant now)
    {
        _now = now;
        if (!_peersByName.TryGetValue(peerName, out var peer) || !peer.IsResolving)
        {
            return;
        }

        peer.IsResolving = false;
        if (MayDebug(peer))
        {
            Log.Resolved(_logger, peer.Name, addresses.Count > 0 ? string.Join(", ", addresses) : error ?? "nothing");
        }

        if (!WantsConnection(peer))
        {
            return;
        }

        var known = peer.DialAddresses;
        if (addresses.Count > 0)
        {
            peer.DialAddresses = [.. Literals(peer.Config).Concat(addresses).Distinct()];
            if (peer.NextDialNanos == ulong.MaxValue || addresses.Any(address => !known.Contains(address)))
            {
                Launch(peer);
            }
        }
        else if (known.Count == 0 || peer.NextDialNanos == ulong.MaxValue)
        {
            DialFailed(peer, DialFailure.Unreachable, error ?? "the name does not resolve");
        }
        else
        {
            peer.Fail(DialFailure.Unreachable, error ?? "the name does not resolve");
            NoteCondition(peer);
        }
    }

    /// <summary>No connection with the peer is up of which anything is to be hoped.</summary>
    private bool WantsConnection(Peer peer)
    {
        if (_leaving || peer.IsRemoved)
        {
            return false;
        }

        foreach (var link in peer.Connections)
        {
            var isPromising = link.IsReady ? !link.IsInDoubt(_now.Nanos) : link.IsUp && _now.Nanos < link.UpNanos + ReadyNanos;
            if (isPromising && link.CloseAsDuplicateNanos == ulong.MaxValue)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Where the peer is connected, or was until lately.</summary>
    private IPEndPoint? SeenAt(Peer peer) => peer.Active is { } link ? link.RemoteEndPoint : _now.Nanos < peer.SeenUntilNanos ? peer.SeenAt : null;

    private void Launch(Peer peer)
    {
        var seen = SeenAt(peer);
        var order = DialPolicy.Order(peer.DialAddresses, seen);
        if (order.Count == 0)
        {
            return;
        }

        var isHearsay = peer.Config.Trust == PeerTrust.Introduction && seen is null;
        var atOnce = isHearsay ? DialPolicy.HearsayAttemptsAtOnce : DialPolicy.AttemptsAtOnce;
        var underway = 0;
        foreach (var link in peer.Connections)
        {
            if (link.IsAttempt)
            {
                underway++;
                var heard = link.Quic.LastReceivedNanos;
                if (heard > 0 && _now.Nanos < heard + DialPolicy.AnsweringNanos)
                {
                    // Somebody answers there: another attempt would only be in its way.
                    underway = atOnce;
                    break;
                }
            }
        }

        if (underway >= atOnce)
        {
            ScheduleDial(peer, _now.Nanos + DialPolicy.RaceDelayNanos);
            return;
        }

        var problem = "";
        var isHeldBack = false;
        for (var i = 0; i < order.Count; i++)
        {
            var remote = order[(peer.Launched + i) % order.Count];
            var hearsay = peer.Config.Trust == PeerTrust.Introduction && !remote.Equals(seen) ? remote.Address : null;
            if (hearsay is not null && !_hearsayDials.TryTake(hearsay, _now.Nanos))
            {
                isHeldBack = true;
                continue;
            }

            peer.Attempts++;
            if (TryDial(peer, remote, hearsay, out problem))
            {
                peer.Launched += i + 1;
                ScheduleDial(peer, _now.Nanos + DialPolicy.SilenceDelayNanos(peer.Launched, order.Count, peer.IsUp, _options.Random.NextDouble(), isHearsay));
                return;
            }

            if (hearsay is not null)
            {
                _hearsayDials.GiveBack(hearsay);
            }
        }

        if (isHeldBack)
        {
            ScheduleDial(peer, DialPolicy.HearsayDueNanos(_now.Nanos, _options.Random.NextDouble()));
            return;
        }

        peer.Launched += order.Count;
        DialFailed(peer, DialFailure.Unreachable, problem);
    }

    /// <param name="hearsay">The host, where only an introducer says that the peer is there; null: it is known better.</param>
    private bool TryDial(Peer peer, IPEndPoint remote, IPAddress? hearsay, out string problem)
    {
        problem = "";
        if (_output.RemoteAddress(remote) is not { } to)
        {
            problem = $"{remote} cannot be reached: IPv6 is off on this host";
            return false;
        }

        if (_output.LocalAddressTowards(remote) is not { } from)
        {
            problem = $"this host has no route to {remote.Address}";
            return false;
        }

        var path = new QuicPath(new QuicAddress(from.Bytes), new QuicAddress(to.Bytes));
        Count("dialed");
        if (MayDebug(peer))
        {
            Log.Dialing(_logger, peer.Name, remote, from.ToString(), peer.Attempts);
        }

        var joins = JoinOf(peer) is { } inviter ? _joins[inviter] : null;
        var quic = _endpoint.Connect(path, DialedAlpn, _now, credentials: joins, token: peer.DialToken.Span);
        var link = new PeerConnection(quic, peer, _networks.Count, _controlOut, _now.Nanos) { ShowsInvite = joins is not null, Hearsay = hearsay };
        quic.Tag = link;
        AddConnection(peer, link);
        return true;
    }

    /// <summary>
    /// Ends the attempts that are not needed any more. Not those whose Hello is on its way: the other side may have chosen them already
    /// (docs/protocol.md, Duplicates).
    /// </summary>
    private static void Supersede(Peer peer, PeerConnection? winner)
    {
        foreach (var link in peer.Connections)
        {
            if (link != winner && link.IsAttempt && !link.HelloSent)
            {
                link.IsSuperseded = true;
                link.Quic.Close((ulong)CloseReason.Duplicate, "another attempt was faster");
            }
        }
    }

    /// <summary>The peer is there (again), or is about to be: the attempts end.</summary>
    private void Settle(Peer peer)
    {
        Supersede(peer, winner: null);
        Promote(peer);
        if (peer.Active is { } link && !link.IsInDoubt(_now.Nanos))
        {
            peer.Launched = 0;
            peer.Succeed();
            if (link.DoubtSinceNanos != 0)
            {
                EndDoubt(link);
            }
        }
        else if (!_leaving && !peer.IsRemoved)
        {
            // What is up says its networks soon, or is not to be counted on.
            ScheduleDial(peer, _now.Nanos + ReadyNanos);
        }
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
        if ((failure != peer.LastFailure || text != peer.LastFailureText) && MayLog(peer))
        {
            // Once per kind: an unreachable peer must not fill the log.
            Log.DialFailed(_logger, peer.Name, AddressText(peer.Config) ?? SeenAt(peer)?.ToString() ?? "?", text);
        }

        peer.Fail(failure, text);
        NoteCondition(peer);
        var next = _now.Nanos + DialPolicy.DelayNanos(failure, peer.Failures, _options.Random.NextDouble());
        var planned = peer.NextDialNanos;
        switch (failure)
        {
            case DialFailure.RefusedByPeer or DialFailure.WrongIdentity:
                // Another of its addresses may be right; if none is, all wait.
                var isUntried = planned != ulong.MaxValue && peer.Launched < DialPolicy.Order(peer.DialAddresses, SeenAt(peer)).Count;
                ScheduleDial(peer, isUntried ? planned : planned == ulong.MaxValue ? next : Math.Max(planned, next));
                break;
            case DialFailure.Timeout when planned != ulong.MaxValue:
                // Silence has its own pace.
                break;
            default:
                ScheduleDial(peer, Math.Min(planned, next));
                break;
        }
    }

    /// <summary>The end of a connection in the words of people.</summary>
    private static (DialFailure Failure, string Text) Explain(PeerConnection link, QuicClose close) => close switch
    {
        { Kind: QuicCloseKind.LocalTransport } when link.Refusal is { } refusal => (DialFailure.WrongIdentity, refusal),
        { Kind: QuicCloseKind.PeerTransport, Alert: { } alert } => (DialFailure.RefusedByPeer, AlertText(alert, link.ShowsInvite)),
        { Kind: QuicCloseKind.PeerApplication, ErrorCode: (ulong)CloseReason.InviteRefused } => (DialFailure.RefusedByPeer, $"refused by peer: {close.Reason}"),
        { Kind: QuicCloseKind.PeerApplication, ErrorCode: (ulong)CloseReason.Goodbye } => (DialFailure.Lost, "it said goodbye"),
        { Kind: QuicCloseKind.PeerApplication, ErrorCode: (ulong)CloseReason.Restarted } when link.Legacy is null =>
            (DialFailure.Lost, "it has met another process with this node's key: this host is a copy of another, or has one"),
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
    private static string AlertText(byte alert, bool showsInvite) => (TlsAlert)alert switch
    {
        TlsAlert.UnknownCa when showsInvite => "refused by peer: the invite is not one of its own (another node made it, or it has forgotten it); ask for a new one",
        TlsAlert.DecryptError when showsInvite => "refused by peer: the invite is forged; ask for a new one",
        TlsAlert.CertificateUnknown when showsInvite => "refused by peer: the invite has been used by another node; ask for a new one",
        TlsAlert.CertificateExpired when showsInvite => "refused by peer: the invite has expired; ask for a new one",
        TlsAlert.CertificateRevoked when showsInvite => "refused by peer: the invite was revoked; ask for a new one",
        TlsAlert.CertificateRevoked => "refused by peer: our key has a successor, and is not accepted any more; restore node.crt and node.key of after the rotation",
        TlsAlert.UnrecognizedName when showsInvite => "refused by peer: it is no longer in the invite's network; ask for a new one",
        TlsAlert.BadCertificate when showsInvite => "refused by peer: our certificate is expired or not yet valid there (check both clocks)",
        TlsAlert.AccessDenied => "refused by peer: it does not know our fingerprint (add-peer on the other side)",
        TlsAlert.CertificateExpired => "refused by peer: our certificate is expired or not yet valid (check both clocks)",
        TlsAlert.BadCertificate or TlsAlert.CertificateUnknown => "refused by peer: our certificate is not the one it expects",
        (TlsAlert)120 => "refused by peer: it speaks no protocol of ours",
        _ => $"refused by peer: TLS alert {alert}",
    };
}
