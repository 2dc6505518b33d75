using System.Buffers.Binary;

namespace VibePN.Linux.Tests;

public sealed class ChecksumTests
{
    [Fact]
    public void Compute_Rfc1071Example_IsDdf2()
    {
        var bytes = Convert.FromHexString("0001f203f4f5f6f7");

        Assert.Equal(0xddf2, BinaryPrimitives.ReverseEndianness(Checksum.Fold(Checksum.Add(0, bytes))));
        Assert.Equal(0x220d, BinaryPrimitives.ReverseEndianness(Checksum.Compute(bytes)));
    }

    [Fact]
    public void Add_EveryLengthAndAlignment_AgreesWithTheScalarOracle()
    {
        var bytes = Packets.Data(2100, seed: 1);
        for (var length = 0; length < 2050; length++)
        {
            var piece = bytes.AsSpan(length % 33, length);
            Assert.Equal(Packets.Sum(piece), InNetworkOrder(Checksum.Fold(Checksum.Add(0, piece))));
        }
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(1_000_001)]
    public void Add_AllOnes_CarriesAreKept(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0xff);
        Assert.Equal(Packets.Sum(bytes), InNetworkOrder(Checksum.Fold(Checksum.Add(0, bytes))));
    }

    [Fact]
    public void Add_SplitAtAnyEvenPlaces_GivesTheSameSum()
    {
        var bytes = Packets.Data(3001, seed: 2);
        var whole = Checksum.Fold(Checksum.Add(0, bytes));
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            ulong sum = 0;
            var at = 0;
            while (at < bytes.Length)
            {
                var left = bytes.Length - at;
                var take = random.Next(3) == 0 ? left : Math.Min(random.Next(0, 400) * 2, left);
                sum = Checksum.Add(sum, bytes.AsSpan(at, take));
                at += take;
            }

            Assert.True(whole == Checksum.Fold(sum), $"seed {seed}");
        }
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("fd00::1", "2001:db8:ffff::2")]
    public void PseudoHeader_RandomPackets_AgreesWithTheScalarOracle(string source, string destination)
    {
        for (var length = 0; length < 1000; length += 7)
        {
            var packet = Packets.Udp(source, destination, 1, 2, Packets.Data(length, length));
            Assert.True(IpHeader.TryParse(packet, out var ip));
            var pseudo = Checksum.PseudoHeader(ip.Source, ip.Destination, ip.Protocol, packet.Length - ip.PayloadOffset);

            Assert.Equal(Packets.PseudoSum(packet), InNetworkOrder(Checksum.Fold(pseudo)));
            Assert.Equal(0xffff, Checksum.Fold(Checksum.Add(pseudo, packet.AsSpan(ip.PayloadOffset))));
        }
    }

    private static ushort InNetworkOrder(ushort value) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value;
}
