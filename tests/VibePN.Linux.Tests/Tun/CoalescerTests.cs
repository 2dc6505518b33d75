// Longer than 400 lines: one table of what is merged and what is not, and the properties that hold for both.
using System.Buffers.Binary;
using CsCheck;

namespace VibePN.Linux.Tests;

public sealed class CoalescerTests
{
    private const string A4 = "10.0.0.1";
    private const string B4 = "10.0.0.2";
    private const string A6 = "fd00::1";
    private const string B6 = "fd00::2";

    private static readonly byte[] _timestamps = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9];

    [Fact]
    public void Add_TcpV4Run_GoldenSuperPacket()
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);

        Add(coalescer, Packets.Tcp(A4, B4, 5, Packets.Ack, [1, 2, 3], id: 9));
        Add(coalescer, Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], id: 10));
        Add(coalescer, Packets.Tcp(A4, B4, 11, Packets.Ack | Packets.Psh, [7], id: 11));

        var frame = Assert.Single(Frames(coalescer));
        Assert.Equal(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, VirtioGsoType.TcpV4, 40, 3, 20, 16), frame.Header);
        Assert.Equal(
            "4500002f00094000400626be0a0000010a000002" + "9c4000500000000500000001501801f4" + "14240000" + "01020304050607",
            Convert.ToHexStringLower(frame.Packet));
    }

    [Theory]
    [InlineData(A4, B4, false)]
    [InlineData(A4, B4, true)]
    [InlineData(A6, B6, false)]
    [InlineData(A6, B6, true)]
    public void Add_UdpRun_BecomesOneSuperPacket(string source, string destination, bool partial)
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        for (var i = 0; i < 3; i++)
        {
            Add(coalescer, Packets.Udp(source, destination, 5, 6, Packets.Data(i == 2 ? 30 : 100, i), (ushort)i), partial);
        }

        Add(coalescer, Packets.Udp(source, destination, 5, 6, Packets.Data(100, 3), 3), partial);

        var frames = Frames(coalescer);
        Assert.Equal(2, frames.Count);
        var offset = source == A4 ? 20 : 40;
        Assert.Equal(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, VirtioGsoType.UdpL4, (ushort)(offset + 8), 100, (ushort)offset, 6), frames[0].Header);
        var expected = Packets.Udp(source, destination, 5, 6, [.. Packets.Data(100, 0), .. Packets.Data(100, 1), .. Packets.Data(30, 2)]);
        Packets.FillTransportChecksum(expected, partial: true);
        Assert.Equal(expected, frames[0].Packet);
    }

    [Fact]
    public void Add_UdpRunLongerThanTheKernelTakes_StartsANewFrame()
    {
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        for (var i = 0; i < 130; i++)
        {
            Add(coalescer, Packets.Udp(A6, B6, 5, 6, [1, 2]));
        }

        Assert.Equal([128, 128, 4], Frames(coalescer).Select(f => f.Packet.Length - 48));
    }

    [Fact]
    public void Add_TcpPast64KiB_StartsANewFrame()
    {
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        for (var i = 0; i < 100; i++)
        {
            Add(coalescer, Packets.Tcp(A6, B6, (uint)(i * 1300), Packets.Ack, Packets.Data(1300, i)));
        }

        var frames = Frames(coalescer);
        Assert.Equal([50, 50], frames.Select(f => (f.Packet.Length - 60) / 1300));
        Assert.All(frames, f => Assert.InRange(f.Packet.Length, 60, 65_535));
    }

    public static TheoryData<string, byte[], byte[]> NotMerged() => new()
    {
        { "gap", Tcp(5), Tcp(9) },
        { "repeated", Tcp(5), Tcp(5) },
        { "longer", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [1, 2, 3, 4]) },
        { "after a shorter one", Packets.Tcp(A4, B4, 5, Packets.Ack, [1]), Packets.Tcp(A4, B4, 6, Packets.Ack, [1, 2, 3]) },
        { "after PSH", Packets.Tcp(A4, B4, 5, Packets.Ack | Packets.Psh, [1, 2, 3]), Tcp(8) },
        { "no data", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, []) },
        { "FIN", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Fin, [4, 5, 6]) },
        { "RST", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Rst, [4, 5, 6]) },
        { "SYN", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Syn, [4, 5, 6]) },
        { "URG", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Urg, [4, 5, 6]) },
        { "CWR", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Cwr, [4, 5, 6]) },
        { "ECE differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack | Packets.Ece, [4, 5, 6]) },
        { "no ACK", Packets.Tcp(A4, B4, 5, 0, [1, 2, 3]), Packets.Tcp(A4, B4, 8, 0, [1, 2, 3]) },
        { "acknowledgement differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], acknowledgement: 2) },
        { "window differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], window: 7) },
        { "options differ", Tcp(5, _timestamps), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], options: [1, 1, 8, 10, 0, 0, 0, 6, 0, 0, 0, 9]) },
        { "option length differs", Tcp(5), Tcp(8, _timestamps) },
        { "ECN differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], trafficClass: 3) },
        { "time to live differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], ttl: 63) },
        { "port differs", Tcp(5), Packets.Tcp(A4, B4, 8, Packets.Ack, [4, 5, 6], sourcePort: 40001) },
        { "address differs", Tcp(5), Packets.Tcp(A4, "10.0.0.3", 8, Packets.Ack, [4, 5, 6]) },
        { "wrong checksum", Tcp(5), Broken(Tcp(8), 36) },
        { "wrong header checksum", Tcp(5), Broken(Tcp(8), 10) },
        { "fragment", Tcp(5), Fragment(Tcp(8)) },
        { "hop limit differs", Packets.Tcp(A6, B6, 5, Packets.Ack, [1, 2, 3]), Packets.Tcp(A6, B6, 8, Packets.Ack, [1, 2, 3], ttl: 63) },
        { "flow label differs", Packets.Tcp(A6, B6, 5, Packets.Ack, [1, 2, 3]), Broken(Packets.Tcp(A6, B6, 8, Packets.Ack, [1, 2, 3]), 3) },
        { "UDP longer", Packets.Udp(A4, B4, 5, 6, [1]), Packets.Udp(A4, B4, 5, 6, [1, 2]) },
        { "UDP empty", Packets.Udp(A6, B6, 5, 6, [1]), Packets.Udp(A6, B6, 5, 6, []) },
        { "UDP without checksum", Packets.Udp(A4, B4, 5, 6, [1]), WithoutChecksum(Packets.Udp(A4, B4, 5, 6, [1])) },
        { "UDP after TCP", Tcp(5), Packets.Udp(A4, B4, 40000, 80, [1, 2, 3]) },
        { "no DF, identification stands still", NoDf(5, 1), NoDf(8, 1) },
        { "ICMP", Packets.IcmpEcho(A4, B4, 8, [1, 2]), Packets.IcmpEcho(A4, B4, 8, [1, 2]) },
    };

    [Theory]
    [MemberData(nameof(NotMerged))]
    public void Add_NoContinuation_PassesUnchanged(string why, byte[] first, byte[] second)
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        Add(coalescer, first);
        Add(coalescer, second);

        var frames = Frames(coalescer);
        Assert.True(frames.Count == 2, why);
        Assert.Equal([first, second], frames.Select(f => f.Packet));
        Assert.All(frames, f => Assert.Equal(default, f.Header));
    }

    [Fact]
    public void Add_NoDfButCountingIdentification_IsMerged()
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        Add(coalescer, NoDf(5, 0xffff));
        Add(coalescer, NoDf(8, 0));
        Assert.Single(Frames(coalescer));
    }

    [Fact]
    public void Add_InterleavedFlows_AreMergedEach()
    {
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        for (var i = 0; i < 10; i++)
        {
            Add(coalescer, Packets.Tcp(A4, B4, (uint)(i * 10), Packets.Ack, Packets.Data(10, i)));
            Add(coalescer, Packets.Tcp(A6, B6, (uint)(i * 20), Packets.Ack, Packets.Data(20, i)));
            Add(coalescer, Packets.Udp(A4, B4, 5, 6, Packets.Data(30, i), (ushort)i));
        }

        Assert.Equal([100, 200, 300], Frames(coalescer).Select(f => f.Packet.Length - f.Header.HeaderBytes));
    }

    [Fact]
    public void Add_FragmentBetween_IsNotOvertaken()
    {
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        Add(coalescer, Tcp(5));
        Add(coalescer, Fragment(Tcp(90)));
        Add(coalescer, Tcp(8));

        Assert.Equal([5u, 90u, 8u], Frames(coalescer).Select(f => BinaryPrimitives.ReadUInt32BigEndian(f.Packet.AsSpan(24))));
    }

    [Fact]
    public void Add_OnlyPartialPacket_CarriesTheFlagAndOurOwnSum()
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        var expected = Packets.Udp(A6, B6, 5, 6, [1, 2, 3]);
        Packets.FillTransportChecksum(expected, partial: true);

        Add(coalescer, Broken(expected, 46), partial: true);

        var frame = Assert.Single(Frames(coalescer));
        Assert.Equal(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, VirtioGsoType.None, 0, 0, 40, 6), frame.Header);
        Assert.Equal(expected, frame.Packet);
    }

    public static TheoryData<string, byte[]> InvalidPartial() => new()
    {
        { "ICMP", Packets.IcmpEcho(A4, B4, 8, []) },
        { "fragment", Fragment(Tcp(5)) },
        { "extension headers", Packets.Ip(A6, B6, IpProtocol.DestinationOptions, [17, 0, 1, 4, 0, 0, 0, 0, .. new byte[20]]) },
        { "truncated TCP", Packets.Ip(A4, B4, IpProtocol.Tcp, new byte[19]) },
        { "truncated UDP", Packets.Ip(A6, B6, IpProtocol.Udp, new byte[7]) },
        { "no payload", Packets.Ip(A6, B6, IpProtocol.NoNext, []) },
    };

    [Theory]
    [MemberData(nameof(InvalidPartial))]
    public void Add_PartialChecksumOnWhatHasNone_IsInvalid(string why, byte[] packet)
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        Assert.True(coalescer.Add(packet, checksumPartial: true) == CoalesceResult.Invalid, why);
        Assert.True(coalescer.Add(packet, checksumPartial: false) == CoalesceResult.Ok, why);
        Assert.Equal(packet, Assert.Single(Frames(coalescer)).Packet);
    }

    [Theory]
    [InlineData("")]
    [InlineData("45")]
    [InlineData("00000000")]
    public void Add_NoPacket_IsInvalid(string hex)
    {
        using var coalescer = new Coalescer(4, tcp: true, udp: true);
        Assert.Equal(CoalesceResult.Invalid, coalescer.Add(Convert.FromHexString(hex), checksumPartial: false));
        Assert.Equal(0, coalescer.Count);
    }

    [Fact]
    public void Add_NoFreeFrame_SaysFullAndTakesNothing()
    {
        using var coalescer = new Coalescer(1, tcp: true, udp: true);
        Assert.Equal(CoalesceResult.Ok, coalescer.Add(Tcp(5), false));
        Assert.Equal(CoalesceResult.Full, coalescer.Add(Tcp(100), false));
        Assert.Equal(CoalesceResult.Full, coalescer.Add(Packets.IcmpEcho(A4, B4, 8, []), false));
        Assert.Equal(CoalesceResult.Ok, coalescer.Add(Tcp(8), false));
        Assert.Equal(6 + 40, Assert.Single(Frames(coalescer)).Packet.Length);

        coalescer.Clear();
        Assert.Equal(CoalesceResult.Ok, coalescer.Add(Tcp(11), false));
        Assert.Equal(Tcp(11), Assert.Single(Frames(coalescer)).Packet);
    }

    [Fact]
    public void Add_SwitchedOff_PassesEverything()
    {
        using var coalescer = new Coalescer(8, tcp: false, udp: false);
        byte[][] packets = [Tcp(5), Tcp(8), Packets.Udp(A6, B6, 5, 6, [1]), Packets.Udp(A6, B6, 5, 6, [1])];
        foreach (var packet in packets)
        {
            Add(coalescer, packet);
        }

        Assert.Equal(packets, Frames(coalescer).Select(f => f.Packet));
    }

    [Fact]
    public void Add_ReadBetween_DoesNotDisturbTheFrame()
    {
        using var coalescer = new Coalescer(8, tcp: true, udp: true);
        for (var i = 0; i < 5; i++)
        {
            Add(coalescer, Packets.Tcp(A6, B6, (uint)(i * 10), Packets.Ack, Packets.Data(10, i)), partial: i % 2 == 0);
            var frame = Assert.Single(Frames(coalescer));
            var expected = Packets.Tcp(A6, B6, 0, Packets.Ack, [.. Enumerable.Range(0, i + 1).SelectMany(n => Packets.Data(10, n))]);
            Packets.FillTransportChecksum(expected, partial: true);
            Assert.Equal(expected, frame.Packet);
        }
    }

    /// <summary>What goes in comes out again when the frames are segmented: every byte of every packet, in the order of its flow.</summary>
    [Fact]
    public void SegmentAfterCoalesce_AnyStreams_AreTheSameStreams()
    {
        var step = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 12], Gen.Int[0, 20], Gen.Bool);
        Gen.Select(step.Array[1, 200], Gen.Int[1, 12], Gen.Bool, Gen.Bool).Sample(input =>
        {
            var (steps, frames, tcp, udp) = input;
            var sent = BuildStreams(steps);
            using var coalescer = new Coalescer(frames, tcp, udp);
            var received = new List<byte[]>();
            foreach (var (packet, partial) in sent)
            {
                var wire = (byte[])packet.Clone();
                if (partial)
                {
                    Packets.FillTransportChecksum(wire, partial: true);
                }

                var result = coalescer.Add(wire, partial);
                if (result == CoalesceResult.Full)
                {
                    Drain(coalescer, received);
                    result = coalescer.Add(wire, partial);
                }

                if (result != CoalesceResult.Ok)
                {
                    return false;
                }
            }

            Drain(coalescer, received);
            return ByFlow(sent.Select(s => s.Packet)).SequenceEqual(ByFlow(received));
        });
    }

    [Fact]
    public void CoalesceAfterSegment_AnySuperPacket_IsTheSameSuperPacket()
    {
        Gen.Select(Gen.Int[0, 60_000], Gen.Int[1000, 9000], Gen.Bool, Gen.Bool, Gen.Int[0, 65_535]).Sample(input =>
        {
            var (bytes, segment, isV4, isTcp, id) = input;
            bytes = Math.Max(bytes, segment + 1);
            var (source, destination) = isV4 ? (A4, B4) : (A6, B6);
            var frame = isTcp
                ? Packets.Tcp(source, destination, 0xfffff000, Packets.Ack | Packets.Psh, Packets.Data(bytes, 1), (ushort)id)
                : Packets.Udp(source, destination, 5, 6, Packets.Data(bytes, 1), (ushort)id);
            Packets.FillTransportChecksum(frame, partial: true);
            var type = isTcp ? (isV4 ? VirtioGsoType.TcpV4 : VirtioGsoType.TcpV6) : VirtioGsoType.UdpL4;
            var headers = (isV4 ? 20 : 40) + (isTcp ? 20 : 8);
            var header = new VirtioNetHeader(
                VirtioNetBits.NeedsChecksum, type, (ushort)headers, (ushort)segment, (ushort)(isV4 ? 20 : 40), (ushort)(isTcp ? 16 : 6));
            var work = (byte[])frame.Clone();
            using var coalescer = new Coalescer(4, tcp: true, udp: true);
            if (!Segmenter.Start(header, work, out var segmenter))
            {
                return false;
            }

            while (segmenter.TryNext(work, out var first, out var payload))
            {
                _ = coalescer.Add([.. first, .. payload], segmenter.ChecksumPartial);
            }

            return coalescer.Count == 1 && coalescer[0].Header == header && coalescer[0].Packet.SequenceEqual(frame);
        });
    }

    [Fact]
    public void Add_MutatedPackets_NeverLeavesTheBuffers()
    {
        using var coalescer = new Coalescer(16, tcp: true, udp: true);
        byte[][] originals = [Tcp(5, _timestamps), Packets.Udp(A6, B6, 5, 6, [1, 2, 3, 4]), Packets.Tcp(A6, B6, 1, Packets.Ack, new byte[30])];
        for (var seed = 0; seed < 200_000; seed++)
        {
            var random = new Random(seed);
            var packet = originals[random.Next(originals.Length)][..];
            packet = random.Next(3) == 0 ? packet[..random.Next(packet.Length)] : (byte[])packet.Clone();
            for (var i = random.Next(4); i > 0 && packet.Length > 0; i--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }

            if (coalescer.Add(packet, random.Next(2) == 0) == CoalesceResult.Full)
            {
                for (var i = 0; i < coalescer.Count; i++)
                {
                    var frame = coalescer[i];
                    Assert.True(frame.Packet.Length <= 65_535, $"seed {seed}");
                    Assert.True(frame.Header.ChecksumStart + frame.Header.ChecksumOffset + 2 <= frame.Packet.Length, $"seed {seed}");
                }

                coalescer.Clear();
            }
        }
    }

    [Fact]
    public void Add_SteadyState_AllocatesNothing()
    {
        using var coalescer = new Coalescer(16, tcp: true, udp: true);
        var packets = Enumerable.Range(0, 40).Select(i => Packets.Tcp(A4, B4, (uint)(i * 1300), Packets.Ack, Packets.Data(1300, i))).ToArray();
        var total = 0L;
        for (var round = 0; round < 50; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var packet in packets)
            {
                _ = coalescer.Add(packet, checksumPartial: false);
            }

            for (var i = 0; i < coalescer.Count; i++)
            {
                total += coalescer[i].Packet.Length;
            }

            coalescer.Clear();
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(round < 30 || allocated == 0, $"round {round}: {allocated} bytes");
        }

        Assert.Equal(50 * (40 + (40 * 1300)), total);
    }

    private static void Add(Coalescer coalescer, byte[] packet, bool partial = false) =>
        Assert.Equal(CoalesceResult.Ok, coalescer.Add(packet, partial));

    private static List<(VirtioNetHeader Header, byte[] Packet)> Frames(Coalescer coalescer)
    {
        var frames = new List<(VirtioNetHeader, byte[])>();
        for (var i = 0; i < coalescer.Count; i++)
        {
            frames.Add((coalescer[i].Header, coalescer[i].Packet.ToArray()));
        }

        return frames;
    }

    /// <summary>Packets of six flows; the numbers choose lengths, flags and faults.</summary>
    private static List<(byte[] Packet, bool Partial)> BuildStreams((int Flow, int Kind, int Size, bool Partial)[] steps)
    {
        var sequences = new uint[6];
        var ids = new ushort[6];
        var packets = new List<(byte[], bool)>();
        foreach (var (flow, kind, size, partial) in steps)
        {
            var (source, destination) = flow % 2 == 0 ? (A4, B4) : (A6, B6);
            var data = Packets.Data(kind == 0 ? 0 : size < 14 ? 700 : size, sequences.Length + packets.Count);
            var id = ids[flow] = (ushort)(ids[flow] + (kind == 1 ? 2 : 1));
            byte[] packet;
            if (flow >= 4)
            {
                packet = Packets.Udp(source, destination, 5, 6, data, id);
            }
            else
            {
                var flags = (byte)(Packets.Ack | (kind switch { 2 => Packets.Psh, 3 => Packets.Fin, 4 => Packets.Ece, 5 => Packets.Cwr, _ => 0 }));
                sequences[flow] += kind == 6 ? 100u : 0;
                packet = Packets.Tcp(source, destination, sequences[flow], flags, data, id, sourcePort: 40000 + flow, trafficClass: (byte)(kind == 7 ? 3 : 0));
                sequences[flow] += (uint)data.Length;
            }

            if (kind == 8 && !partial)
            {
                packet = Broken(packet, packet.Length - 1);
            }

            packets.Add((packet, partial));
        }

        return packets;
    }

    private static void Drain(Coalescer coalescer, List<byte[]> received)
    {
        foreach (var (header, packet) in Frames(coalescer))
        {
            Assert.True(Segmenter.Start(header, packet, out var segmenter));
            foreach (var piece in SegmenterTests.Take(segmenter, packet))
            {
                if (segmenter.ChecksumPartial)
                {
                    Packets.FillTransportChecksum(piece, partial: false);
                }

                received.Add(piece);
            }
        }

        coalescer.Clear();
    }

    /// <summary>Flow by flow, in hex; IPv4 identification (free with DF) and its checksum blanked.</summary>
    private static List<string> ByFlow(IEnumerable<byte[]> packets) =>
    [
        .. packets.GroupBy(p => Convert.ToHexString(p[0] >> 4 == 4 ? [p[9], .. p[12..24]] : [p[6], .. p[8..44]]))
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .SelectMany(g => g.Select(p =>
            {
                if (p[0] >> 4 == 4)
                {
                    Assert.Equal(0xffff, Packets.HeaderSum(p));
                    p = (byte[])p.Clone();
                    p.AsSpan(4, 2).Clear();
                    p.AsSpan(10, 2).Clear();
                }

                return Convert.ToHexString(p);
            })),
    ];

    private static byte[] Tcp(uint sequence, byte[]? options = null) => Packets.Tcp(A4, B4, sequence, Packets.Ack, [1, 2, 3], options: options);

    private static byte[] NoDf(uint sequence, ushort id)
    {
        var packet = Packets.Tcp(A4, B4, sequence, Packets.Ack, [1, 2, 3], id);
        packet[6] = 0;
        return WithHeaderChecksum(packet);
    }

    private static byte[] Fragment(byte[] packet)
    {
        packet[6] = 0x20;
        return WithHeaderChecksum(packet);
    }

    private static byte[] WithHeaderChecksum(byte[] packet)
    {
        packet.AsSpan(10, 2).Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~Packets.Sum(packet.AsSpan(0, 20)));
        return packet;
    }

    private static byte[] WithoutChecksum(byte[] packet)
    {
        packet.AsSpan(26, 2).Clear();
        return packet;
    }

    private static byte[] Broken(byte[] packet, int at)
    {
        packet = (byte[])packet.Clone();
        packet[at] ^= 0x55;
        return packet;
    }
}
