using System.Net;
using Microsoft.Extensions.Logging;

namespace VibePN;

/// <summary>The node's log lines: state changes, never packets. Ids are stable.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "Peer {Peer} is connected at {Path} (dialed by {Dialer})")]
    public static partial void PeerUp(ILogger logger, string peer, string path, string dialer);

    [LoggerMessage(101, LogLevel.Information, "Peer {Peer} is disconnected: {Reason}")]
    public static partial void PeerDown(ILogger logger, string peer, string reason);

    [LoggerMessage(102, LogLevel.Warning, "Refused {Peer} at {Path}: {Reason} (fingerprint {Fingerprint})")]
    public static partial void CertificateRefused(ILogger logger, string peer, string path, string reason, string fingerprint);

    [LoggerMessage(103, LogLevel.Warning, "Cannot connect to peer {Peer} at {Path}: {Reason}; trying again")]
    public static partial void DialFailed(ILogger logger, string peer, string path, string reason);

    [LoggerMessage(104, LogLevel.Warning, "Peer {Peer} broke the protocol: {Reason}")]
    public static partial void ProtocolError(ILogger logger, string peer, string reason);

    [LoggerMessage(105, LogLevel.Warning, "Network {Network} is not joined with peer {Peer}: {Reason}")]
    public static partial void NetworkNotJoined(ILogger logger, string network, string peer, string reason);

    [LoggerMessage(106, LogLevel.Warning, "Peer {Peer} may not have {Prefix} in network {Network}: {Reason}")]
    public static partial void RouteRefused(ILogger logger, string peer, string prefix, string network, string reason);

    [LoggerMessage(107, LogLevel.Warning, "Peer {Peer} reports: {Reason}")]
    public static partial void PeerReports(ILogger logger, string peer, string reason);

    [LoggerMessage(108, LogLevel.Warning, "Network {Network}: {Prefix} belongs to another node; our addresses are now {Address}")]
    public static partial void AddressChanged(ILogger logger, string network, string prefix, string address);

    [LoggerMessage(109, LogLevel.Warning, "What the node remembers: {Reason}")]
    public static partial void MemoryFailed(ILogger logger, string reason);

    [LoggerMessage(110, LogLevel.Information, "Listening on {Path}")]
    public static partial void Listening(ILogger logger, string path);

    [LoggerMessage(111, LogLevel.Information, "Network {Network} is on interface {Interface} with {Prefix}")]
    public static partial void NetworkOpen(ILogger logger, string network, string @interface, string prefix);

    [LoggerMessage(112, LogLevel.Error, "The host's network could not be changed: {Reason}")]
    public static partial void HostNetworkFailed(ILogger logger, string reason);

    [LoggerMessage(113, LogLevel.Warning, "IPv6 is off on this host: listening on IPv4 only")]
    public static partial void NoIPv6(ILogger logger);

    [LoggerMessage(114, LogLevel.Critical, "The packet loop failed; the daemon ends")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(115, LogLevel.Information, "Saying goodbye to {Count} peers")]
    public static partial void Goodbye(ILogger logger, int count);

    [LoggerMessage(116, LogLevel.Warning, "{Count} more lines about {Peer} were left out in the last minute")]
    public static partial void LinesLeftOut(ILogger logger, int count, string peer);

    [LoggerMessage(117, LogLevel.Information, "Route {Prefix} of peer {Peer} in network {Network} has expired: it was not announced again")]
    public static partial void RouteExpired(ILogger logger, string prefix, string peer, string network);

    [LoggerMessage(118, LogLevel.Information, "Config taken into use: {Networks} networks ({Opened} new, {Closed} gone), {Peers} peers ({Added} new, {Removed} gone)")]
    public static partial void ConfigApplied(ILogger logger, int networks, int opened, int closed, int peers, int added, int removed);

    [LoggerMessage(150, LogLevel.Warning, "{Path} dialed and was refused: it speaks no protocol that is accepted here. A daemon of version vibepn/0.1 is dialed only: give its entry an address")]
    public static partial void ProtocolRefused(ILogger logger, string path);

    [LoggerMessage(140, LogLevel.Information, "The clock has jumped {Seconds} s: the host slept")]
    public static partial void ClockJumped(ILogger logger, ulong seconds);

    [LoggerMessage(141, LogLevel.Information, "This host now reaches peer {Peer} from {Path}: {Reason}")]
    public static partial void PathMoved(ILogger logger, string peer, string path, string reason);

    [LoggerMessage(142, LogLevel.Warning, "Changes of this host's addresses are noticed late: {Reason}")]
    public static partial void NoPathEvents(ILogger logger, string reason);

    [LoggerMessage(120, LogLevel.Information, "Loss repair towards {Peer} {Change}: {Percent:F2} % of datagrams lost, {Millis:F1} ms away")]
    public static partial void RepairChanged(ILogger logger, string peer, string change, double percent, double millis);

    [LoggerMessage(119, LogLevel.Information, "Network {Network} carries packets of {After} bytes now, after {Before}")]
    public static partial void MtuChanged(ILogger logger, string network, int before, int after);

    [LoggerMessage(130, LogLevel.Information, "Not listening on {Path} any more")]
    public static partial void SocketClosed(ILogger logger, string path);

    [LoggerMessage(131, LogLevel.Error, "The config was not taken into use, and the old one could not be restored whole: {Reason}")]
    public static partial void NotRestored(ILogger logger, string reason);

    [LoggerMessage(132, LogLevel.Information, "Interface {Interface} is gone")]
    public static partial void InterfaceGone(ILogger logger, string @interface);

    [LoggerMessage(121, LogLevel.Information, "Route {Prefix} in network {Network} goes to peer {Peer} now, after {Before}: {Reason}")]
    public static partial void RouteMoved(ILogger logger, string prefix, string network, string peer, string before, string reason);

    [LoggerMessage(180, LogLevel.Debug, "Dialing peer {Peer} at {Path} from {Local}, attempt {Attempt}")]
    public static partial void Dialing(ILogger logger, string peer, IPEndPoint path, string local, int attempt);

    [LoggerMessage(181, LogLevel.Debug, "The names of peer {Peer} resolve to {Path}")]
    public static partial void Resolved(ILogger logger, string peer, string path);

    [LoggerMessage(182, LogLevel.Debug, "A connection with peer {Peer} at {Path} has ended: {Reason}")]
    public static partial void ConnectionEnded(ILogger logger, string peer, string path, string reason);

    [LoggerMessage(183, LogLevel.Debug, "Packets for peer {Peer} go over the connection at {Path} now, one of {Connections}")]
    public static partial void ConnectionChosen(ILogger logger, string peer, string path, int connections);

    [LoggerMessage(184, LogLevel.Debug, "Packets for peer {Peer} at {Path} go unanswered: others are tried beside it")]
    public static partial void DoubtBegins(ILogger logger, string peer, string path);

    [LoggerMessage(185, LogLevel.Debug, "Packets for peer {Peer} at {Path} are answered again")]
    public static partial void DoubtEnds(ILogger logger, string peer, string path);

    [LoggerMessage(186, LogLevel.Debug, "Peer {Peer} says: {Message}")]
    public static partial void MessageIn(ILogger logger, string peer, string message);

    [LoggerMessage(187, LogLevel.Debug, "The path to peer {Peer} carries packets of {After} bytes now, after {Before}")]
    public static partial void PathMtuChanged(ILogger logger, string peer, int before, int after);

    [LoggerMessage(160, LogLevel.Information, "Peer {Peer} at {Path} has joined with fingerprint {Fingerprint} by invite {Invite}")]
    public static partial void PeerJoined(ILogger logger, string peer, string path, string fingerprint, string invite);

    [LoggerMessage(170, LogLevel.Warning, "A connection with {Peer} that was made with {Key} ends: that key has a successor, and the overlap is over")]
    public static partial void KeyOver(ILogger logger, string peer, string key);

    [LoggerMessage(169, LogLevel.Warning, "Peer {Peer} has a new key, signed by the one before: fingerprint {Fingerprint}; it began with {First}")]
    public static partial void Succession(ILogger logger, string peer, string fingerprint, string first);

    [LoggerMessage(161, LogLevel.Warning, "Peer {Peer} at {Path} is trusted on first use from now on: fingerprint {Fingerprint}")]
    public static partial void FirstUse(ILogger logger, string peer, string path, string fingerprint);

    [LoggerMessage(164, LogLevel.Information, "Peer {Peer} is introduced by {Introducer} in network {Network}")]
    public static partial void Introduced(ILogger logger, string peer, string introducer, string network);

    [LoggerMessage(165, LogLevel.Information, "{Introducer} introduces {Peer} no longer")]
    public static partial void IntroductionOver(ILogger logger, string introducer, string peer);

    [LoggerMessage(166, LogLevel.Warning, "{Introducer} introduces a '{Name}'; it is called {Peer} here, since that is another peer's name")]
    public static partial void IntroducedAs(ILogger logger, string introducer, string name, string peer);

    [LoggerMessage(167, LogLevel.Warning, "An introduction by {Introducer} is not taken: {Reason}")]
    public static partial void IntroductionRefused(ILogger logger, string introducer, string reason);

    [LoggerMessage(168, LogLevel.Warning, "Peer {Peer} was removed, and stays out whoever introduces it; 'vibepn add-peer --name {Name}' lets it in again")]
    public static partial void KeptOut(ILogger logger, string peer, string name);

    [LoggerMessage(162, LogLevel.Information, "{Count} introductions have ended: their introducers have not confirmed them for 30 days")]
    public static partial void IntroductionsExpired(ILogger logger, int count);

    [LoggerMessage(163, LogLevel.Warning, "A statement for an invite is not used: {Reason}")]
    public static partial void JoinIgnored(ILogger logger, string reason);

    [LoggerMessage(188, LogLevel.Warning, "Two hosts run with the key of peer {Peer}, at {Where}: one is a copy of the other, and they push each other out; the copy needs a key of its own ('vibepn init --force' there)")]
    public static partial void PeerIsCopied(ILogger logger, string peer, string where);
}
