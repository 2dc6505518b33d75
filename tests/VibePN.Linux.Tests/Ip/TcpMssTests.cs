using System.Buffers.Binary;
using CsCheck;

namespace VibePN.Linux.Tests;

public sealed class TcpMssTests
{
    private const byte SynAck = Packets.Syn | Packets.Ack;

    // As Linux sends it: MSS, SACK permitted, timestamps, no-operation, window scale.
    private static readonly byte[] LinuxOptions = Convert.FromHexString("020405b40402080a00000001000000000103030a");

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", Packets.Syn, 1400, 1360)]
    [InlineData("10.0.0.1", "10.0.0.2", SynAck, 1280, 1240)]
    [InlineData("10.0.0.1", "10.0.0.2", Packets.Syn, 300, TcpMss.MinBytes)]
    [InlineData("fd00::1", "fd00::2", Packets.Syn, 1400, 1340)]
    [InlineData("fd00::1", "fd00::2", SynAck, -5, TcpMss.MinBytes)]
    public void Clamp_TooLarge_LoweredAndChecksumRight(string source, string destination, byte flags, int mtu, int expected)
    {
        var packet = Packets.Tcp(source, destination, 7, flags, [], options: LinuxOptions);
        var before = packet.ToArray();

        Assert.True(TcpMss.Clamp(packet, mtu, checksumPartial: false));

        var transport = packet.Length - 40;
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(transport + 22)));
        Assert.Equal(0xffff, Packets.TransportSum(packet));
        before.AsSpan(transport + 16, 2).CopyTo(packet.AsSpan(transport + 16));
        before.AsSpan(transport + 22, 2).CopyTo(packet.AsSpan(transport + 22));
        Assert.Equal(before, packet);
    }

    [Fact]
    public void Clamp_GoldenPacket_GoldenBytes()
    {
        // 10.0.0.1:4660 > 10.0.0.2:80 SYN, MSS 1460 → 1360; both checksums by another implementation.
        var packet = Convert.FromHexString("4500002c00014000400626c90a0000010a00000212340050000000010000000060027210ff8e0000020405b4");

        Assert.True(TcpMss.Clamp(packet, 1400, checksumPartial: false));
        Assert.Equal("4500002c00014000400626c90a0000010a00000212340050000000010000000060027210fff2000002040550", Convert.ToHexStringLower(packet));
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "fd00::2")]
    public void Clamp_PartialChecksum_CompletedLaterItIsRight(string source, string destination)
    {
        var packet = Packets.Tcp(source, destination, 7, Packets.Syn, Packets.Data(11, 3), options: LinuxOptions);
        Packets.FillTransportChecksum(packet, partial: true);
        var transport = packet.Length - 51;

        Assert.True(TcpMss.Clamp(packet, 1400, checksumPartial: true));

        // What the receiving kernel does: the sum from the transport header on, the field as it is.
        Assert.Equal(Packets.PseudoSum(packet), BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(transport + 16)));
        var complete = (ushort)~Packets.Sum(packet.AsSpan(transport));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 16), complete);
        Assert.Equal(0xffff, Packets.TransportSum(packet));
    }

    [Fact]
    public void Clamp_AnyPlaceOfTheOptionAndAnyValues_ChecksumRight()
    {
        Gen.Select(Gen.Int[0, 9], Gen.UShort, Gen.Int[576, 9000], Gen.Byte.Array[0, 9], Gen.Bool).Sample(
            (skip, mss, mtu, payload, isIPv6) =>
            {
                byte[] options = [.. Enumerable.Repeat((byte)1, skip), 2, 4, (byte)(mss >> 8), (byte)mss];
                Array.Resize(ref options, (options.Length + 3) / 4 * 4);
                var packet = isIPv6
                    ? Packets.Tcp("fd00::1", "fd00::2", mss, Packets.Syn, payload, options: options)
                    : Packets.Tcp("10.0.0.1", "10.0.0.2", mss, Packets.Syn, payload, options: options);
                var most = mtu - (isIPv6 ? 60 : 40);
                var expected = Math.Min(mss, Math.Max(most, TcpMss.MinBytes));

                Assert.Equal(expected != mss, TcpMss.Clamp(packet, mtu, checksumPartial: false));

                var at = packet.Length - payload.Length - options.Length + skip + 2;
                Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(at)));
                Assert.Equal(0xffff, Packets.TransportSum(packet));
                Assert.False(TcpMss.Clamp(packet, mtu, checksumPartial: false));
            },
            iter: 20_000);
    }

    [Fact]
    public void Clamp_WhatIsNoSynWithTheOption_Unchanged()
    {
        byte[][] others =
        [
            [],
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Ack, [], options: LinuxOptions),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, []),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [1, 1, 1, 0]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [0, 0, 2, 4, 5, 0xb4, 0, 0]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [3, 0, 2, 4, 5, 0xb4, 0, 0]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [3, 200, 2, 4, 5, 0xb4, 0, 0]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [0xb4, 1], options: [1, 2, 4, 5]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [2, 3, 5, 0]),
            Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: [1, 1, 1, 2]),
            Packets.Udp("10.0.0.1", "10.0.0.2", 1, 2, [0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4]),
            Fragment(),
        ];
        Assert.All(others, packet =>
        {
            var before = packet.ToArray();
            Assert.False(TcpMss.Clamp(packet, 1000, checksumPartial: false));
            Assert.Equal(before, packet);
        });

        static byte[] Fragment()
        {
            var packet = Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, [], options: LinuxOptions);
            packet[7] = 9;
            return packet;
        }
    }

    [Fact]
    public void Clamp_MutatedPackets_NeverThrowsNorWritesOutsideTheTcpHeader()
    {
        for (var seed = 0; seed < 50_000; seed++)
        {
            var random = new Random(seed);
            var packet = seed % 2 == 0
                ? Packets.Tcp("10.0.0.1", "10.0.0.2", 7, Packets.Syn, Packets.Data(6, seed), options: LinuxOptions)
                : Packets.Tcp("fd00::1", "fd00::2", 7, Packets.Syn, Packets.Data(6, seed), options: LinuxOptions);
            for (var i = random.Next(1, 4); i > 0; i--)
            {
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            }

            var cut = packet.AsSpan(0, random.Next(packet.Length + 1));
            var before = cut.ToArray();
            if (TcpMss.Clamp(cut, random.Next(-10, 2000), checksumPartial: false))
            {
                Assert.True(Enumerable.Range(0, cut.Length).Count(i => packet[i] != before[i]) <= 4, $"more than option and checksum changed (seed {seed})");
                Assert.True(cut[..20].SequenceEqual(before.AsSpan(0, 20)), $"the IP header changed (seed {seed})");
            }
        }
    }
}
