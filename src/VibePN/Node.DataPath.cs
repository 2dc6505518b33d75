// The packets. Over 400 lines: both directions of one path, in the order of the numbered steps.
//
// Glossary: a frame is what one read of the TUN gives: an IP packet, or a super-packet that stands for several (virtio-net header).
// A packet travels as the payload of one DATAGRAM frame, behind its network's tag and a byte of flags (docs/protocol.md, Data).
//
// Out (host → peer)
//   1. OnTun          one parse and one route lookup per frame
//   2. SendFrame      straight to the peer's connection while nothing waits, else
//   3. FairQueue      behind what waits for the congestion window
//   4. WritePackets   one datagram per packet of the frame, into the UDP batch; while the path loses some, numbered (Node.Repair.cs)
//   5. Flush          what else each touched connection has to say; then the batch leaves
//
// In (peer → host)
//   1. OnUdp          kernel messages → QUIC datagrams → QuicEndpoint.Receive
//   2. OnPacketIn     tag → network; flags; numbered ones in their order; parse; source check; to the host
using VibePN.Control;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Flag: the transport checksum holds the pseudo-header's sum only.</summary>
    private const byte ChecksumPartialFlag = 1;

    /// <summary>Flag: a piece of a packet, behind a fragment header.</summary>
    private const byte FragmentFlag = 2;

    /// <summary>
    /// After this time discovery has found the path's size. Before, what does not fit goes in fragments: an ICMP answer would make the
    /// host believe in a small path for minutes.
    /// </summary>
    private const ulong PathSizeSettledNanos = 5_000_000_000;

    /// <summary>IPv6 requires that packets of this size pass (RFC 8200 §5).</summary>
    private const int MinimumIPv6Mtu = 1280;

    /// <summary>Room that makes it worth while to leave a packet open for a further datagram.</summary>
    private const int WorthwhileBytes = 100;

    /// <summary>Room for a tag, the flags and the headers of a super-packet's segment (IPv6 and TCP with options, extension headers).</summary>
    private const int MaxHeaderBytes = VarInt.MaxBytes + 1 + RepairSequence.Bytes + 512;

    /// <summary>What one turn takes from a queue or a connection before the others have theirs.</summary>
    private const int FlushPackets = 512;

    /// <summary>Room for a stateless answer: Retry, version negotiation, stateless reset.</summary>
    private const int StatelessBytes = 1232;

    private readonly byte[] _whole = new byte[Limits.ReassembledBytes];

    /// <summary>The connection whose packet in the batch's reserved slot is open for more datagrams, or null.</summary>
    private PeerConnection? _open;

    /// <summary>Connections that wrote something in this turn.</summary>
    private readonly List<PeerConnection> _bursts = [];

    private readonly byte[] _header = new byte[MaxHeaderBytes];

    /// <summary>The UDP socket is full: nothing is written until the next flush.</summary>
    private bool _udpBlocked;

    /// <summary>Takes frames from the host. The batch may be changed (headers are patched in place).</summary>
    public void OnTun(int network, TunBatch batch, Instant now)
    {
        _now = now;
        var from = _networks[network];
        for (var i = 0; i < batch.Count; i++)
        {
            var frame = batch[i];
            OnFrame(from, frame.Header, frame.Packet);
        }

        FinishOpenPacket();
    }

    /// <summary>Takes one frame from the host.</summary>
    public void OnTun(int network, in VirtioNetHeader header, Span<byte> frame, Instant now)
    {
        _now = now;
        OnFrame(_networks[network], header, frame);
        FinishOpenPacket();
    }

    private void OnFrame(NodeNetwork network, in VirtioNetHeader header, Span<byte> frame)
    {
        if (!IpHeader.TryParse(frame, out var ip) || !Segmenter.Start(header, frame, out var segmenter))
        {
            DropOut(network, null, DropReason.OutMalformed, frame);
            return;
        }

        if (IsMulticast(ip.Destination))
        {
            DropOut(network, null, DropReason.OutMulticast, frame);
            return;
        }

        var peer = network.Forwarding.Lookup(ip.Destination);
        if (peer?.Active is not { } link || link.SendTags[network.Index] == 0)
        {
            DropOut(network, peer, peer is null ? DropReason.OutNoRoute : DropReason.OutPeerDown, frame);
            Answer(network, frame, mtu: null);
            return;
        }

        if (TcpMss.IsHandshake(ip, frame))
        {
            BeginTrial(link);
            TcpMss.Clamp(frame, OrderedMtuOf(link, network), segmenter.ChecksumPartial);
        }

        if (peer.Queue.Count > 0)
        {
            peer.Queue.Enqueue(network.Index, segmenter, frame, isBegun: false, _now.Nanos);
            return;
        }

        var packets = segmenter.Remaining;
        if (!WritePackets(peer, link, network, ref segmenter, frame))
        {
            peer.Queue.Enqueue(network.Index, segmenter, frame, isBegun: segmenter.Remaining < packets || link.FragmentOffset > 0, _now.Nanos);
        }
    }

    /// <summary>Takes a batch from the socket.</summary>
    public void OnUdp(UdpReceiveBatch batch, Instant now)
    {
        _now = now;
        for (var i = 0; i < batch.Count; i++)
        {
            var message = batch[i];
            var path = new QuicPath(new QuicAddress(message.Local.Bytes), new QuicAddress(message.Remote.Bytes));
            _endpoint.Receive(path, message.Ecn, message.Bytes, message.SegmentBytes, now);
        }
    }

    /// <summary>Takes one datagram.</summary>
    public void OnUdp(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, Instant now)
    {
        _now = now;
        _endpoint.Receive(path, ecn, datagram, now);
    }

    private void OnPacketIn(PeerConnection link, ReadOnlySpan<byte> datagram)
    {
        var tagBytes = VarInt.TryRead(datagram, out var tag);
        if (tagBytes == 0 || !link.IsUp)
        {
            (link.Peer?.Counters ?? _strangers).Drop(tagBytes == 0 ? DropReason.InMalformed : DropReason.InNotUp);
            return;
        }

        var peer = link.Peer!;
        if (tag == 0 && datagram.Length > 1 && datagram.IndexOfAnyExcept((byte)0) < 0)
        {
            // A probe of the path's packet size: that it arrived is all.
            return;
        }

        var index = link.NetworkOf(tag);
        if (index < 0 || datagram.Length <= tagBytes)
        {
            peer.Counters.Drop(index < 0 ? DropReason.InUnknownTag : DropReason.InMalformed);
            return;
        }

        if (peer.Carrier != link)
        {
            TakeOver(peer, link);
        }

        var network = _networks[index];
        var flags = datagram[tagBytes];
        var packet = datagram[(tagBytes + 1)..];
        if ((flags & ~(ChecksumPartialFlag | FragmentFlag | SequenceFlag)) != 0)
        {
            DropIn(network, peer, DropReason.InUnknownFlags, packet);
            return;
        }

        if ((flags & SequenceFlag) != 0)
        {
            OnOrderedPacketIn(link, network, flags, packet);
            return;
        }

        if ((flags & FragmentFlag) != 0 && !Reassemble(link, network, flags, packet, out packet))
        {
            return;
        }

        OnWholePacketIn(peer, network, packet, (flags & ChecksumPartialFlag) != 0);
    }

    /// <returns>True when the fragment completed <paramref name="packet"/>.</returns>
    private bool Reassemble(PeerConnection link, NodeNetwork network, byte flags, ReadOnlySpan<byte> fragment, out ReadOnlySpan<byte> packet)
    {
        var reassembler = link.Reassembler ??= new Reassembler();
        var result = reassembler.Add((network.Index << 8) | flags, fragment, _now.Nanos, out packet);
        if (result == ReassemblyResult.Malformed)
        {
            network.Counters.Drop(DropReason.InFragmentMalformed);
        }

        CountExpired(link);
        return result == ReassemblyResult.Complete;
    }

    private static void CountExpired(PeerConnection link)
    {
        if (link.Reassembler is { } reassembler)
        {
            // Whose fragments are taken at all is known.
            link.Peer!.Counters.Drop(DropReason.InFragmentIncomplete, (int)reassembler.TakeExpired());
        }
    }

    private void OnWholePacketIn(Peer peer, NodeNetwork network, ReadOnlySpan<byte> packet, bool checksumPartial)
    {
        if (!IpHeader.TryParse(packet, out var ip))
        {
            DropIn(network, peer, DropReason.InMalformed, packet);
            return;
        }

        if (network.Forwarding.Lookup(ip.Source) != peer)
        {
            DropIn(network, peer, DropReason.InSourceNotOwned, packet, checksumPartial);
            return;
        }

        if (_output.Deliver(network.Index, packet, checksumPartial) is { } refused)
        {
            DropIn(network, peer, refused, packet, checksumPartial);
            return;
        }

        network.Counters.In(packet.Length);
        peer.Counters.In(packet.Length);
        CaptureIn(network, peer, packet, checksumPartial);
    }

    /// <summary>Writes what the touched connections have to say, and sends it. To be called after every turn's input.</summary>
    public void Flush(Instant now)
    {
        _now = now;
        if (_udpBlocked)
        {
            TransmitBatch();
        }

        while (!_udpBlocked && _endpoint.TakeDirty() is { } connection)
        {
            FlushConnection(connection);
        }

        foreach (var link in _bursts)
        {
            link.InBurst = false;
            link.Quic.EndBurst(now);
        }

        _bursts.Clear();
        while (!_udpBlocked)
        {
            var slot = ReservePacket(StatelessBytes);
            if (slot.IsEmpty || _endpoint.TakeStateless(slot, out var path) is var bytes && bytes == 0)
            {
                break;
            }

            _udpOut.Commit(bytes, PeerConnection.ToSockAddr(path.Remote), PeerConnection.ToSockAddr(path.Local), 0);
        }

        TransmitBatch();
        _expectedNanos = NextDeadline;
    }

    private void FlushConnection(QuicConnection quic)
    {
        var link = (PeerConnection)quic.Tag!;
        link.IsBlocked = false;
        if (link.DoubtSinceNanos != 0)
        {
            CheckHeard(link);
        }

        if (quic.IsDialer && quic.IsHandshakeCompleted && !link.HelloSent && !quic.IsClosed)
        {
            // Not from inside the callback: opening a stream there is not allowed.
            if (WantsConnection(link.Peer!))
            {
                link.HelloSent = true;
                quic.OpenStream();
                SendHello(link);
            }
            else
            {
                Supersede(link.Peer!, winner: null);
            }
        }

        for (var i = 0; i < FlushPackets; i++)
        {
            var slot = ReservePacket(quic.MaxPacketBytes);
            if (slot.IsEmpty)
            {
                return;
            }

            var written = quic.WritePending(slot, _now);
            if (written.Bytes == 0)
            {
                break;
            }

            Commit(link, written);
        }

        if (link.LossMeter is { } meter && meter.NextNanos <= _now.Nanos)
        {
            CheckLoss(link, meter);
        }

        if (link.IsRepairing && !Resend(link))
        {
            if (!link.IsBlocked)
            {
                quic.Touch();
            }
        }
        else if (link.Peer is { } peer && peer.Active == link)
        {
            DrainQueue(peer, link);
            if (peer.Queue.Count > 0 && !link.IsBlocked)
            {
                // Its share is used up or the socket is full, but not the window: it goes on after the others.
                quic.Touch();
            }
        }

        FinishOpenPacket();
        if (link.IsBlocked)
        {
            // Nothing may have been written at all that would begin the time.
            AwaitUnderWay(link);
        }

        if (quic.IsParityDue(_now))
        {
            // A group that was open for long: nothing follows that would close it.
            WriteParity(link);
        }
    }

    private void DrainQueue(Peer peer, PeerConnection link)
    {
        for (var i = 0; i < FlushPackets && peer.Queue.TrySelect(_now.Nanos, stay: link.FragmentOffset > 0); i++)
        {
            ref var head = ref peer.Queue.Head;
            if (link.SendTags[head.Network] == 0)
            {
                DropOut(_networks[head.Network], peer, DropReason.OutPeerDown, peer.Queue.HeadFrame, Math.Max(head.Segmenter.Remaining, 1));
            }
            else if (!WritePackets(peer, link, _networks[head.Network], ref head.Segmenter, peer.Queue.HeadFrame))
            {
                return;
            }

            peer.Queue.Pop(_now.Nanos);
        }
    }

    /// <summary>Writes the packets of a frame that are left.</summary>
    /// <returns>False: the window, the pacer or the socket is full; <paramref name="segmenter"/> stands at the first unsent packet.</returns>
    private bool WritePackets(Peer peer, PeerConnection link, NodeNetwork network, ref Segmenter segmenter, Span<byte> frame)
    {
        if (link.Legacy is { } legacy)
        {
            return WriteLegacyPackets(link, legacy, network, ref segmenter, frame);
        }

        var flags = segmenter.ChecksumPartial ? ChecksumPartialFlag : (byte)0;
        var prefixBytes = VarInt.Write(_header, link.SendTags[network.Index]);
        _header[prefixBytes++] = flags;
        var lane = link.IsRepairing ? LaneOf(frame) : NoLane;
        while (segmenter.TryPeek(frame, out var headers, out var payload))
        {
            if (headers.Length > MaxHeaderBytes - RepairSequence.Bytes - prefixBytes)
            {
                DropOut(network, peer, DropReason.OutMalformed, frame);
                return true;
            }

            var bytes = headers.Length + payload.Length;
            DatagramWrite result;
            if (lane != NoLane && prefixBytes + RepairSequence.Bytes + bytes <= link.Quic.MaxDatagramBytes)
            {
                result = WriteOrdered(link, lane, prefixBytes, headers, payload);
            }
            else
            {
                headers.CopyTo(_header.AsSpan(prefixBytes));
                result = WriteDatagram(link, _header.AsSpan(0, prefixBytes + headers.Length), payload);
            }

            if (result == DatagramWrite.TooLarge)
            {
                if (!MayFragment(link, headers, payload))
                {
                    // The packets of a frame are equally long, but for the last: the first tells the host, the rest would say the same.
                    DropOut(network, peer, DropReason.OutTooBig, frame, checksumPartial: segmenter.ChecksumPartial);
                    Answer(network, frame, CarriedBytes(link, network) - SequenceReserve(link, frame));
                    return true;
                }

                headers.CopyTo(_whole);
                payload.CopyTo(_whole.AsSpan(headers.Length));
                result = WriteFragments(link, network, flags, _whole.AsSpan(0, bytes));
            }

            switch (result)
            {
                case DatagramWrite.Written or DatagramWrite.Open:
                    network.Counters.Out(bytes);
                    peer.Counters.Out(bytes);
                    CaptureOut(network, peer, headers, payload, segmenter.ChecksumPartial);
                    if (link.DoubtCheckNanos == ulong.MaxValue || link.Quic.LastAnsweredNanos >= link.AwaitingSinceNanos)
                    {
                        Await(link);
                    }

                    break;
                case DatagramWrite.Blocked:
                    link.IsBlocked = !_udpBlocked;
                    return false;
                default:
                    DropOut(network, peer, DropReason.OutPeerDown, frame);
                    return true;
            }

            segmenter.Advance();
        }

        return true;
    }

    /// <summary>
    /// Whether a packet that does not fit goes in pieces: while the path's size is being discovered, and afterwards where telling the
    /// sender is no use (IPv6 up to its minimum, IPv4 without DF).
    /// </summary>
    private bool MayFragment(PeerConnection link, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var bytes = headers.Length + payload.Length;
        if (bytes > Math.Min(link.Session.PeerHello?.MaxReassembledBytes ?? 0, Limits.ReassembledBytes))
        {
            return false;
        }

        var ip = headers.IsEmpty ? payload : headers;
        var isIPv6 = ip[0] >> 4 == 6;
        var mayBeSplit = isIPv6 ? bytes <= MinimumIPv6Mtu : (ip[6] & 0x40) == 0;
        return mayBeSplit || _now.Nanos < link.CreatedNanos + PathSizeSettledNanos;
    }

    /// <summary>Writes the pieces of a packet that are left; <see cref="DatagramWrite.Blocked"/>: the rest later, with the same packet.</summary>
    private DatagramWrite WriteFragments(PeerConnection link, NodeNetwork network, byte flags, ReadOnlySpan<byte> packet)
    {
        Span<byte> header = stackalloc byte[VarInt.MaxBytes + 1 + Reassembler.HeaderBytes];
        var prefixBytes = VarInt.Write(header, link.SendTags[network.Index]);
        header[prefixBytes++] = (byte)(flags | FragmentFlag);
        header = header[..(prefixBytes + Reassembler.HeaderBytes)];
        while (link.FragmentOffset < packet.Length)
        {
            var room = (link.Quic.MaxDatagramBytes - header.Length) / Reassembler.UnitBytes * Reassembler.UnitBytes;
            if (room <= 0)
            {
                return DatagramWrite.Closed;
            }

            Reassembler.WriteHeader(header[prefixBytes..], link.FragmentId, link.FragmentOffset, packet.Length);
            var piece = packet.Slice(link.FragmentOffset, Math.Min(room, packet.Length - link.FragmentOffset));
            var result = WriteDatagram(link, header, piece);
            if (result == DatagramWrite.TooLarge)
            {
                continue;
            }

            if (result is not (DatagramWrite.Written or DatagramWrite.Open))
            {
                return result;
            }

            link.FragmentOffset += piece.Length;
        }

        link.EndFragments();
        return DatagramWrite.Written;
    }

    /// <summary>Writes one datagram into the batch. A small one leaves its packet open for the next: see <see cref="FinishOpenPacket"/>.</summary>
    /// <returns>Written or Open: accepted. Never PacketOnly.</returns>
    private DatagramWrite WriteDatagram(PeerConnection link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (_open is not null && _open != link)
        {
            FinishOpenPacket();
        }

        var more = header.Length + payload.Length + WorthwhileBytes <= link.Quic.MaxDatagramBytes;
        while (true)
        {
            // An open packet lies in the slot that is reserved again here: nothing was committed since.
            var slot = ReservePacket(link.Quic.MaxPacketBytes);
            if (slot.IsEmpty)
            {
                return DatagramWrite.Blocked;
            }

            var result = link.Quic.WriteDatagram(header, payload, slot, more, out var written, _now);
            if (result is DatagramWrite.Open or DatagramWrite.Written or DatagramWrite.PacketOnly)
            {
                _open = result == DatagramWrite.Open ? link : null;
            }

            if (written.Bytes > 0)
            {
                Commit(link, written);
            }

            if (result != DatagramWrite.PacketOnly)
            {
                return result;
            }
        }
    }

    /// <summary>Completes the packet that was left open for more datagrams. To be called before anything else is asked of a connection.</summary>
    private void FinishOpenPacket()
    {
        if (_open is { } link)
        {
            _open = null;
            Commit(link, link.Quic.FinishPacket(_udpOut.Reserve(link.Quic.MaxPacketBytes), _now));
        }
    }

    /// <summary>Room for a packet in the batch, which is sent to make some; empty when the socket is full.</summary>
    private Span<byte> ReservePacket(int bytes)
    {
        if (_udpBlocked)
        {
            return default;
        }

        var slot = _udpOut.Reserve(bytes);
        return slot.IsEmpty && TransmitBatch() ? _udpOut.Reserve(bytes) : slot;
    }

    private void Commit(PeerConnection link, in QuicPacket packet)
    {
        if (!link.InBurst)
        {
            link.InBurst = true;
            _bursts.Add(link);
        }

        if (packet.IsOnActivePath)
        {
            _udpOut.Commit(packet.Bytes, link.Remote, link.Local, packet.Ecn);
        }
        else
        {
            _udpOut.Commit(packet.Bytes, PeerConnection.ToSockAddr(packet.Path.Remote), PeerConnection.ToSockAddr(packet.Path.Local), packet.Ecn);
        }

        if (link.Quic.IsParityDue(_now))
        {
            WriteParity(link);
        }
    }

    private bool TransmitBatch()
    {
        _udpBlocked = _udpOut.Count > 0 && !_output.Transmit(_udpOut);
        return !_udpBlocked;
    }

    /// <summary>
    /// Tells the sending host by ICMP: too big for <paramref name="mtu"/>, or unreachable. In IPv6 from the own address of the network; in
    /// IPv4 in the destination's name, since Linux drops what comes in from an address of its own (a martian source).
    /// </summary>
    private void Answer(NodeNetwork network, ReadOnlySpan<byte> frame, int? mtu)
    {
        if (!IpHeader.TryParse(frame, out var ip) || network.OwnAddressLike(ip.Source) is not { } own)
        {
            return;
        }

        Span<byte> source = stackalloc byte[16];
        own.CopyTo(source);
        source = source[..own.ByteCount];
        if (ip.Version == 4)
        {
            ip.Destination.CopyTo(source);
        }
        else if (mtu < MinimumIPv6Mtu)
        {
            // Up to there fragments carry it; and hosts take no notice of less (RFC 8201 §4).
            mtu = MinimumIPv6Mtu;
        }

        var bytes = mtu is { } size
            ? IcmpError.PacketTooBig(frame, source, size, _icmp)
            : IcmpError.Unreachable(frame, source, IcmpUnreachable.Host, _icmp);
        if (bytes > 0)
        {
            _output.Deliver(network.Index, _icmp.AsSpan(0, bytes), checksumPartial: false);
            CaptureIn(network, peer: null, _icmp.AsSpan(0, bytes), checksumPartial: false);
        }
    }

    /// <summary>The largest packet that goes to the peer whole; before discovery has settled, the interface's.</summary>
    private int MtuOf(PeerConnection link, NodeNetwork network) => link.Legacy is null && _now.Nanos < link.CreatedNanos + PathSizeSettledNanos
        ? network.MtuBytes
        : Math.Min(network.MtuBytes, CarriedBytes(link, network));

    /// <summary>
    /// The largest packet that one datagram to the peer carries now: what is left beside tag and flags. A stream carries any; how large one
    /// the other side's interface takes, the old protocol does not say: no larger than what every path should.
    /// </summary>
    private static int CarriedBytes(PeerConnection link, NodeNetwork network) => link.Legacy is not null
        ? network.Config.Mtu ?? NodeNetwork.DefaultMtuBytes
        : Math.Max(link.Quic.MaxDatagramBytes - VarInt.ByteCount(link.SendTags[network.Index]) - 1, 0);

    /// <summary>Multicast, or the limited broadcast: what no single peer owns.</summary>
    private static bool IsMulticast(ReadOnlySpan<byte> destination) =>
        destination.Length == 4 ? destination[0] >= 224 : destination[0] == 0xff;
}
