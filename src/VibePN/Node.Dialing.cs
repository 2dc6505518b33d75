// Attempts to reach a peer, and their failures in the words of people.
using System.Net;
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
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
        var quic = _endpoint.Connect(path, [Alpn], _now, token: peer.DialToken.Span);
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
}
