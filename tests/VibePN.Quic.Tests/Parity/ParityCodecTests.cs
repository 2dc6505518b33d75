using VibePN.Quic.Parity;

namespace VibePN.Quic.Tests.Parity;

/// <summary>Covered packets and parity from the encoder to the decoder, with whatever a line does to them.</summary>
public sealed class ParityCodecTests : IDisposable
{
    private const ulong Millisecond = 1_000_000;
    private const int PathBytes = 1_472;

    private readonly ParityEncoder _encoder = new();
    private readonly ParityDecoder _decoder = new();
    private readonly byte[] _buffer = new byte[2_048];
    private byte[] _id = [1, 2, 3, 4, 5, 6, 7, 8];
    private ulong _now = 1_000 * Millisecond;

    public ParityCodecTests() => _encoder.Set(10, 3 * Millisecond);

    public void Dispose() => _decoder.Free();

    /// <summary>The worked example of docs/protocol.md.</summary>
    [Fact]
    public void Cover_WorkedExample_MatchesTheProtocolText()
    {
        _encoder.Set(2, 3 * Millisecond);

        Assert.Equal("000102030405060708aabbcc0000", Hex(Cover(Convert.FromHexString("400102030405060708aabbcc"))));
        Assert.Equal("03010203040506070801020001", Hex(Cover(Convert.FromHexString("4301020304050607080102"))));
        Assert.Equal("030102030405060708abb9cc0007018000", Hex(Close()!));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Solve_OneOfAGroupMissing_IsWhatWasSent(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 5_000; round++)
        {
            _encoder.Set(random.Next(1, ParityFormat.MaxGroup + 1), 3 * Millisecond);
            var packets = Packets(random, _encoder.Group);
            var covered = packets.ConvertAll(Cover);
            var parity = Close();
            Assert.True(parity is not null, $"seed {seed}, round {round}");
            var lost = random.Next(packets.Count);
            for (var i = 0; i < packets.Count; i++)
            {
                Assert.True(i == lost || _decoder.Add(covered[i]).SequenceEqual(packets[i]), $"seed {seed}, round {round}");
            }

            Assert.True(_decoder.Solve(parity).SequenceEqual(packets[lost]), $"seed {seed}, round {round}: {packets.Count} packets, {lost} lost");

            // Parity that comes twice makes nothing twice.
            Assert.True(_decoder.Solve(parity).IsEmpty);
        }

        Assert.Equal((5_000UL, 0UL), (_decoder.Rebuilt, _decoder.Unsolved));
    }

    [Fact]
    public void Solve_NoneOrTwoMissing_MakesNothing()
    {
        var random = new Random(5);
        var covered = Packets(random, 10).ConvertAll(Cover);
        var parity = Close()!;
        covered.ForEach(packet => _decoder.Add(packet));
        Assert.True(_decoder.Solve(parity).IsEmpty);

        covered = Packets(random, 10).ConvertAll(Cover);
        parity = Close()!;
        covered.Skip(2).ToList().ForEach(packet => _decoder.Add(packet));
        Assert.True(_decoder.Solve(parity).IsEmpty);
        Assert.Equal((0UL, 1UL, 2UL, 18UL), (_decoder.Rebuilt, _decoder.Unsolved, _decoder.Parity, _decoder.Covered));
    }

    [Fact]
    public void Solve_LengthsOrSumOfOthers_IsUnfit()
    {
        var packets = Packets(new Random(8), 10);
        var covered = packets.ConvertAll(Cover);
        var parity = Close()!;
        var shortest = packets.MinBy(packet => packet.Length)!;
        covered.Where((_, i) => packets[i] != shortest).ToList().ForEach(packet => _decoder.Add(packet));

        byte[] lengths = [.. parity];
        var group = ParityFormat.ReadGroup(parity);
        ParityFormat.WriteGroup(lengths, group with { Lengths = (ushort)(group.Lengths ^ 0x8000) });
        Assert.True(_decoder.Solve(lengths).IsEmpty);
        byte[] sum = [.. parity];
        sum[^(ParityFormat.ParityTrailerBytes + 1)] ^= 1;
        Assert.True(_decoder.Solve(sum).IsEmpty);

        Assert.Equal((2UL, 0UL), (_decoder.Unfit, _decoder.Rebuilt));
        Assert.Equal(shortest, _decoder.Solve(parity));
        Assert.Equal((2UL, 1UL), (_decoder.Unfit, _decoder.Rebuilt));
    }

    [Fact]
    public void Add_APacketThatWasRebuilt_CountsAsLate()
    {
        var packets = Packets(new Random(6), 10);
        var covered = packets.ConvertAll(Cover);
        covered.Skip(1).ToList().ForEach(packet => _decoder.Add(packet));
        Assert.Equal(packets[0], _decoder.Solve(Close()!));
        Assert.Equal(1UL, _decoder.Rebuilt);

        Assert.Equal(packets[0], _decoder.Add(covered[0]));
        Assert.Equal(packets[0], _decoder.Add(covered[0]));

        Assert.Equal(0UL, _decoder.Rebuilt);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(8)]
    public void Solve_NumbersFarApart_IsUnderstood(int distance)
    {
        var packets = Packets(new Random(distance), 32 * distance);
        var covered = packets.ConvertAll(Cover);
        var sum = new byte[PathBytes];
        ushort lengths = 0;
        byte first = 0;
        for (var i = 0; i < packets.Count; i++)
        {
            if (i % distance != 1)
            {
                _decoder.Add(covered[i]);
                continue;
            }

            ParityFormat.Add(sum, packets[i].AsSpan(ParityFormat.HeadBytes));
            lengths ^= (ushort)packets[i].Length;
            first ^= covered[i][0];
            if (i != 1 + distance)
            {
                _decoder.Add(covered[i]);
            }
        }

        byte[] parity = [first, .. _id, .. sum.AsSpan(0, 1_400), .. new byte[ParityFormat.ParityTrailerBytes]];
        ParityFormat.WriteGroup(parity, new ParityGroup(1, 32, distance, lengths));

        Assert.Equal(packets[1 + distance], _decoder.Solve(parity));
    }

    [Fact]
    public void Close_FewPackets_WaitsForTheAgeAndIsPaidForByOthers()
    {
        var random = new Random(7);
        var written = 0;
        for (var i = 0; i < 1_000; i++)
        {
            Cover(Packets(random, 1)[0]);
            Assert.Null(Close());
            Assert.Equal(_now + (3 * Millisecond), _encoder.Deadline);
            _now += 3 * Millisecond;
            written += Close() is null ? 0 : 1;
            Assert.Equal(ulong.MaxValue, _encoder.Deadline);
            _now += 20 * Millisecond;
        }

        Assert.InRange(written, 140, 151);
        Assert.Equal((1_000UL, (ulong)written), (_encoder.Covered, _encoder.Written));
    }

    [Fact]
    public void Cover_BehindAnotherId_BeginsAGroup()
    {
        var random = new Random(8);
        Packets(random, 4).ForEach(packet => Cover(packet));
        _id = [8, 7, 6, 5, 4, 3, 2, 1];
        var packets = Packets(random, 10);
        var covered = packets.ConvertAll(Cover);
        covered.Skip(1).ToList().ForEach(packet => _decoder.Add(packet));

        Assert.Equal(packets[0], _decoder.Solve(Close()!));
    }

    [Fact]
    public void Close_MoreThanThePathCarries_WritesNothing()
    {
        Packets(new Random(9), 10).ForEach(packet => Cover(packet));

        Assert.Equal(0, _encoder.Close(_buffer, 60, _now));
        Assert.Equal(ulong.MaxValue, _encoder.Deadline);
    }

    [Fact]
    public void Set_Zero_ForgetsTheOpenGroup()
    {
        Packets(new Random(10), 4).ForEach(packet => Cover(packet));
        _encoder.Set(0, 0);

        Assert.Equal(ulong.MaxValue, _encoder.Deadline);
        Assert.Null(Close());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Decoder_AnyBytes_KeepsItsBounds(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 100_000; i++)
        {
            var datagram = new byte[random.Next(0, i % 100 == 0 ? 9_000 : 60)];
            random.NextBytes(datagram);
            if (datagram.Length < ParityFormat.TrailerBytes)
            {
                continue;
            }

            // Numbers near one another, so that groups find packets.
            ParityFormat.WriteTrailer(datagram, (ushort)(random.Next(40) | (random.Next(2) * ParityFormat.ParityBit)));
            var packet = ParityFormat.IsParity(datagram) ? _decoder.Solve(datagram) : _decoder.Add(datagram);
            Assert.True(packet.IsEmpty || (packet.Length > ParityFormat.HeadBytes && packet.Length < datagram.Length), $"seed {seed}, {i}");
            Assert.True(packet.IsEmpty || (packet[0] & 0xc0) == ParityFormat.FixedBit, $"seed {seed}, {i}");
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(101)]
    public void Solve_ForgedLength_MakesNothing(int bytes)
    {
        var covered = Packets(new Random(11), 10).ConvertAll(packet =>
        {
            Array.Resize(ref packet, bytes);
            packet[^1] = 1;
            return Cover(packet);
        });
        var parity = Close()!;
        covered.Skip(1).ToList().ForEach(packet => _decoder.Add(packet));
        var group = ParityFormat.ReadGroup(parity);

        // One byte more than the sum has, or one less.
        ParityFormat.WriteGroup(parity, group with { Lengths = (ushort)(group.Lengths ^ 1) });
        Assert.True(_decoder.Solve(parity).IsEmpty);
        Assert.Equal(0UL, _decoder.Rebuilt);

        ParityFormat.WriteGroup(parity, group);
        Assert.Equal(bytes, _decoder.Solve(parity).Length);
    }

    [Fact]
    public void EncoderAndDecoder_SteadyState_AllocateNothing()
    {
        var packet = Packets(new Random(12), 1)[0];
        Exchange(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Exchange(10_000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(_decoder.Rebuilt > 900);

        void Exchange(int packets)
        {
            for (var i = 0; i < packets; i++)
            {
                packet.CopyTo(_buffer, 0);
                var bytes = _encoder.Cover(_buffer, packet.Length, 0, _now);
                if (i % 10 != 5)
                {
                    _decoder.Add(_buffer.AsSpan(0, bytes));
                }

                bytes = _encoder.Close(_buffer, PathBytes, _now);
                if (bytes > 0)
                {
                    _decoder.Solve(_buffer.AsSpan(0, bytes));
                }
            }
        }
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private List<byte[]> Packets(Random random, int count) =>
    [
        .. Enumerable.Range(0, count).Select(_ =>
        {
            var packet = new byte[random.Next(ParityFormat.HeadBytes + 1, 1_400)];
            random.NextBytes(packet);
            packet[0] = (byte)((packet[0] & 0x3f) | ParityFormat.FixedBit);
            _id.CopyTo(packet, 1);
            return packet;
        }),
    ];

    private byte[] Cover(byte[] packet)
    {
        packet.CopyTo(_buffer, 0);
        return _buffer[.._encoder.Cover(_buffer, packet.Length, 0, _now)];
    }

    private byte[]? Close() => _encoder.Close(_buffer, PathBytes, _now) is > 0 and var bytes ? _buffer[..bytes] : null;
}
