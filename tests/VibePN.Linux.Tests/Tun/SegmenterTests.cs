using System.Buffers.Binary;

namespace VibePN.Linux.Tests;

public sealed class SegmenterTests
{
    private static readonly byte[] _timestamps = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 9];

    [Fact]
    public void TryNext_TcpV4_GoldenBytes()
    {
        var frame = Packets.Tcp("10.0.0.1", "10.0.0.2", 0xfffffffe, Packets.Ack | Packets.Psh, [0xa1, 0xa2, 0xa3, 0xb1, 0xb2, 0xb3, 0xc1], id: 0xffff);

        Assert.True(Segmenter.Start(Header(VirtioGsoType.TcpV4, 3, 20, 16), frame, out var segmenter));

        Assert.Equal(3, segmenter.Remaining);
        Assert.Equal(43, segmenter.LargestBytes);
        Assert.True(segmenter.ChecksumPartial);
        Assert.Equal(
            [
                "4500002bffff4000400626cb0a0000010a000002" + "9c400050fffffffe00000001501001f4" + "14200000" + "a1a2a3",
                "4500002b00004000400626cb0a0000010a000002" + "9c4000500000000100000001501001f4" + "14200000" + "b1b2b3",
                "4500002900014000400626cc0a0000010a000002" + "9c4000500000000400000001501801f4" + "141e0000" + "c1",
            ],
            Take(segmenter, frame).Select(Convert.ToHexStringLower));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", 4000, 1000)]
    [InlineData("10.0.0.1", "10.0.0.2", 4001, 1000)]
    [InlineData("10.0.0.1", "10.0.0.2", 65_000, 536)]
    [InlineData("fd00::1", "fd00::2", 4000, 1000)]
    [InlineData("fd00::1", "fd00::2", 65_000, 1220)]
    [InlineData("fd00::1", "fd00::2", 1, 1220)]
    public void TryNext_Tcp_MakesThePacketsThatASenderWouldHaveMade(string source, string destination, int bytes, int segment)
    {
        const byte All = Packets.Cwr | Packets.Ece | Packets.Ack | Packets.Psh | Packets.Fin;
        var data = Packets.Data(bytes, seed: 7);
        var frame = Packets.Tcp(source, destination, 100, All, data, id: 7, options: _timestamps);
        var isV4 = frame[0] >> 4 == 4;
        var type = (isV4 ? VirtioGsoType.TcpV4 : VirtioGsoType.TcpV6) | VirtioGsoType.Ecn;

        Assert.True(Segmenter.Start(Header(type, segment, isV4 ? 20 : 40, 16), frame, out var segmenter));

        var packets = Take(segmenter, frame);
        Assert.Equal((bytes + segment - 1) / segment, packets.Count);
        for (var i = 0; i < packets.Count; i++)
        {
            var flags = (byte)(Packets.Ece | Packets.Ack | (i == 0 ? Packets.Cwr : 0) | (i == packets.Count - 1 ? Packets.Psh | Packets.Fin : 0));
            var piece = data[(i * segment)..Math.Min((i + 1) * segment, bytes)];
            var expected = Packets.Tcp(source, destination, (uint)(100 + (i * segment)), flags, piece, (ushort)(7 + i), _timestamps);
            Packets.FillTransportChecksum(expected, partial: true);
            Assert.Equal(expected, packets[i]);
        }
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void TryNext_Udp_MakesThePacketsThatASenderWouldHaveMade(string source, string destination)
    {
        var data = Packets.Data(3100, seed: 8);
        var frame = Packets.Udp(source, destination, 5, 6, data, id: 3);

        Assert.True(Segmenter.Start(Header(VirtioGsoType.UdpL4, 1000, frame[0] >> 4 == 4 ? 20 : 40, 6), frame, out var segmenter));

        var packets = Take(segmenter, frame);
        Assert.Equal(4, packets.Count);
        for (var i = 0; i < 4; i++)
        {
            var expected = Packets.Udp(source, destination, 5, 6, data[(i * 1000)..Math.Min((i + 1) * 1000, 3100)], (ushort)(3 + i));
            Packets.FillTransportChecksum(expected, partial: true);
            Assert.Equal(expected, packets[i]);
        }
    }

    [Fact]
    public void TryPeek_ContinuedWithACopyOfTheFrame_GoesOnWhereItWas()
    {
        var data = Packets.Data(5000, seed: 9);
        var frame = Packets.Tcp("10.0.0.1", "10.0.0.2", 1, Packets.Ack | Packets.Psh, data);
        var header = Header(VirtioGsoType.TcpV4, 1000, 20, 16);
        Assert.True(Segmenter.Start(header, (byte[])frame.Clone(), out var reference));
        var expected = Take(reference, (byte[])frame.Clone());

        Assert.True(Segmenter.Start(header, frame, out var segmenter));
        var taken = new List<byte[]>();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(expected[i].Length, segmenter.NextBytes);
            Assert.True(segmenter.TryPeek(frame, out _, out _));
            frame = (byte[])frame.Clone();
            Assert.True(segmenter.TryPeek(frame, out var first, out var payload));
            taken.Add([.. first, .. payload]);
            segmenter.Advance();
        }

        Assert.Equal(expected, taken);
        Assert.Equal(0, segmenter.NextBytes);
        Assert.Equal(0, segmenter.Remaining);
        Assert.False(segmenter.TryPeek(frame, out _, out _));
    }

    [Fact]
    public void Start_PlainPacket_IsOnePacketUntouched()
    {
        var frame = Packets.Udp("10.0.0.1", "10.0.0.2", 5, 6, [1, 2, 3]);
        Assert.True(Segmenter.Start(default, frame, out var segmenter));
        Assert.False(segmenter.ChecksumPartial);
        Assert.Equal(frame.Length, segmenter.LargestBytes);
        Assert.True(segmenter.TryNext(frame, out var header, out var payload));
        Assert.True(header.IsEmpty);
        Assert.Equal(frame, payload.ToArray());
        Assert.False(segmenter.TryNext(frame, out _, out _));
    }

    [Fact]
    public void Start_PartialPlainPacket_StaysPartial()
    {
        var frame = Packets.Udp("fd00::1", "fd00::2", 5, 6, [1, 2, 3]);
        Packets.FillTransportChecksum(frame, partial: true);
        var before = (byte[])frame.Clone();

        Assert.True(Segmenter.Start(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 40, 6), frame, out var segmenter));

        Assert.True(segmenter.ChecksumPartial);
        Assert.Equal(before, Assert.Single(Take(segmenter, frame)));
    }

    [Fact]
    public void Start_PartialChecksumOfATunnelInside_IsCompleted()
    {
        // An IPv4 packet in an IPv4 packet (protocol 4): the inner UDP checksum is the partial one.
        var inner = Packets.Udp("10.9.0.1", "10.9.0.2", 5, 6, [1, 2, 3]);
        var whole = Packets.Ip("10.0.0.1", "10.0.0.2", 4, inner);
        Packets.FillTransportChecksum(inner, partial: true);
        var frame = Packets.Ip("10.0.0.1", "10.0.0.2", 4, inner);

        Assert.True(Segmenter.Start(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 40, 6), frame, out var segmenter));

        Assert.False(segmenter.ChecksumPartial);
        Assert.Equal(whole, Assert.Single(Take(segmenter, frame)));
    }

    [Fact]
    public void TryNext_TcpBehindExtensionHeaders_HasFullChecksums()
    {
        var data = Packets.Data(2500, seed: 3);
        var tcp = Packets.Tcp("fd00::1", "fd00::2", 10, Packets.Ack, data)[40..];
        var frame = Packets.Ip("fd00::1", "fd00::2", IpProtocol.DestinationOptions, [IpProtocol.Tcp, 0, 1, 4, 0, 0, 0, 0, .. tcp]);

        Assert.True(Segmenter.Start(Header(VirtioGsoType.TcpV6, 1000, 48, 16), frame, out var segmenter));

        Assert.False(segmenter.ChecksumPartial);
        var packets = Take(segmenter, frame);
        for (var i = 0; i < 3; i++)
        {
            var piece = data[(i * 1000)..Math.Min((i + 1) * 1000, 2500)];
            Assert.Equal(Packets.Tcp("fd00::1", "fd00::2", (uint)(10 + (i * 1000)), Packets.Ack, piece)[40..], packets[i][48..]);
            Assert.Equal(packets[i].Length - 40, BinaryPrimitives.ReadUInt16BigEndian(packets[i].AsSpan(4)));
        }
    }

    [Theory]
    [InlineData(VirtioGsoType.TcpV6, 1000, "10.0.0.1", "10.0.0.2")]
    [InlineData(VirtioGsoType.TcpV4, 1000, "fd00::1", "fd00::2")]
    [InlineData(VirtioGsoType.TcpV4, 0, "10.0.0.1", "10.0.0.2")]
    [InlineData(VirtioGsoType.UdpL4, 1000, "10.0.0.1", "10.0.0.2")]
    [InlineData(VirtioGsoType.Udp, 1000, "10.0.0.1", "10.0.0.2")]
    [InlineData((VirtioGsoType)77, 1000, "10.0.0.1", "10.0.0.2")]
    public void Start_HeaderContradictsThePacket_IsRefused(VirtioGsoType type, int segment, string source, string destination)
    {
        var frame = Packets.Tcp(source, destination, 10, Packets.Ack, new byte[3000]);
        Assert.False(Segmenter.Start(Header(type, segment, 20, 16), frame, out var segmenter));
        Assert.Equal(0, segmenter.Remaining);
    }

    [Fact]
    public void Start_ChecksumFieldOutsideThePacket_IsRefused()
    {
        var frame = Packets.Udp("10.0.0.1", "10.0.0.2", 5, 6, [1, 2, 3]);
        Assert.False(Segmenter.Start(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 20, 60_000), frame, out _));
        Assert.False(Segmenter.Start(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 31, 0), frame, out _));
        Assert.False(Segmenter.Start(new VirtioNetHeader(VirtioNetBits.NeedsChecksum, 0, 0, 0, 30, 0), frame, out _));
    }

    [Fact]
    public void Start_RandomHeadersAndPackets_StaysInside()
    {
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var frame = random.Next(2) == 0
                ? Packets.Tcp("10.0.0.1", "10.0.0.2", 1, Packets.Ack, new byte[random.Next(300)])
                : Packets.Udp("fd00::1", "fd00::2", 1, 2, new byte[random.Next(300)]);
            for (var i = random.Next(4); i > 0; i--)
            {
                frame[random.Next(Math.Min(frame.Length, 80))] = (byte)random.Next(256);
            }

            var type = new[] { VirtioGsoType.None, VirtioGsoType.TcpV4, VirtioGsoType.TcpV6, VirtioGsoType.UdpL4 }[random.Next(4)];
            var header = new VirtioNetHeader(
                (VirtioNetBits)random.Next(4), type, (ushort)random.Next(100), (ushort)random.Next(100), (ushort)random.Next(60), (ushort)random.Next(60));
            if (!Segmenter.Start(header, frame, out var segmenter))
            {
                continue;
            }

            var total = 0;
            while (segmenter.TryNext(frame, out var first, out var payload))
            {
                Assert.True(first.Length + payload.Length <= frame.Length, $"seed {seed}");
                total += payload.Length;
            }

            Assert.True(total <= frame.Length, $"seed {seed}");
        }
    }

    [Fact]
    public void TryNext_SteadyState_AllocatesNothing()
    {
        var frame = Packets.Tcp("10.0.0.1", "10.0.0.2", 1, Packets.Ack, new byte[60_000]);
        var pristine = (byte[])frame.Clone();
        for (var round = 0; round < 50; round++)
        {
            pristine.CopyTo(frame, 0);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(Segmenter.Start(Header(VirtioGsoType.TcpV4, 1380, 20, 16), frame, out var segmenter));
            while (segmenter.TryNext(frame, out _, out _))
            {
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(round < 30 || allocated == 0, $"round {round}: {allocated} bytes");
        }
    }

    internal static VirtioNetHeader Header(VirtioGsoType type, int segment, int start, int offset) =>
        new(VirtioNetBits.NeedsChecksum, type, 0, (ushort)segment, (ushort)start, (ushort)offset);

    internal static List<byte[]> Take(Segmenter segmenter, Span<byte> frame)
    {
        var packets = new List<byte[]>();
        while (segmenter.TryNext(frame, out var header, out var payload))
        {
            packets.Add([.. header, .. payload]);
        }

        return packets;
    }
}
