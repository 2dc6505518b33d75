// Parity below QUIC (docs/protocol.md, Parity; docs/adr/0013): on while repair is, with a peer that understands it. QUIC does the work; here is
// when, how much, and what the two sides tell each other about it.
using VibePN.Control;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>A group is closed after this part of a round trip at the latest: QUIC finds lost what an eighth of one has overtaken.</summary>
    private const int ParityAgePart = 16;

    private static readonly TimeSpan MinParityAge = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxParityAge = TimeSpan.FromMilliseconds(5);

    /// <summary>Begins, ends or adapts the parity that is sent, and tells the peer what became of its own.</summary>
    private void CheckParity(PeerConnection link, in QuicStats stats)
    {
        if (link.ParityMeter is not { } meter)
        {
            return;
        }

        var age = TimeSpan.FromTicks(Math.Clamp(stats.SmoothedRtt.Ticks / ParityAgePart, MinParityAge.Ticks, MaxParityAge.Ticks));
        meter.Update(stats.DatagramsAcked, link.Quic.PathLosses);
        link.Quic.SetParity(link.IsRepairing ? meter.Group(_now.Nanos) : 0, age);
        link.Quic.ReleaseIdleParity(_now);
        var parity = link.Quic.Parity;
        if (parity.CoveredIn != link.ParityReported && link.ParityReportNanos <= _now.Nanos)
        {
            link.ParityReported = parity.CoveredIn;
            link.ParityReportNanos = _now.Nanos + ParityMeter.ReportNanos;
            link.Send(new ParityReport(parity.CoveredIn, parity.Rebuilt, parity.Unsolved));
        }
    }

    private void OnParityReport(PeerConnection link, ParityReport report) => link.ParityMeter?.OnReport(report.Covered, report.Rebuilt, report.Unsolved, _now.Nanos);

    /// <summary>Sends the parity that is due, behind the packets of its group.</summary>
    private void WriteParity(PeerConnection link)
    {
        var slot = ReservePacket(link.Quic.MaxPacketBytes);
        if (slot.IsEmpty)
        {
            // The socket is full. It is tried again with the next packet; late parity is of little use.
            return;
        }

        var parity = link.Quic.WriteParity(slot, _now);
        _udpOut.Commit(parity.Bytes, link.Remote, link.Local, parity.Ecn);
    }

    private static ParitySnapshot? ParityOf(PeerConnection link, ulong nowNanos) => link.ParityMeter is not { } meter ? null : new ParitySnapshot
    {
        Loss = meter.Loss(nowNanos),
        Counts = link.Quic.Parity,
    };
}
