using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class ReassemblerTests
{
    private readonly Reassembler _reassembler = new();

    [Fact]
    public void Add_ShuffledAndRepeatedPieces_GiveThePacket()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (ushort id = 0; id < 500; id++)
        {
            var packet = new byte[random.Next(1, Limits.ReassembledBytes + 1)];
            random.NextBytes(packet);
            var pieces = Cut(packet, id, random.Next(1, 200) * Reassembler.UnitBytes);
            var completions = 0;
            foreach (var piece in pieces.Concat(pieces.Take(pieces.Count - 1)).OrderBy(_ => random.Next()).ToList())
            {
                if (_reassembler.Add(1, piece, 0, out var whole) == ReassemblyResult.Complete)
                {
                    completions++;
                    Assert.True(whole.SequenceEqual(packet), $"another packet (seed {seed})");
                    break;
                }
            }

            Assert.True(completions == 1, $"not complete (seed {seed})");
            _reassembler.Clear();
        }
    }

    [Fact]
    public void Add_OnlyFirstFragmentsForAMinute_StaysBounded()
    {
        for (var i = 0; i < 60_000; i++)
        {
            var piece = Cut(new byte[2000], (ushort)i, 1000)[0];
            Assert.Equal(ReassemblyResult.Incomplete, _reassembler.Add(1, piece, (ulong)i * 1_000_000, out _));
            Assert.InRange(_reassembler.Count, 1, Limits.ReassemblyPackets);
        }

        _reassembler.Expire(62_000_000_000);
        Assert.Equal(0, _reassembler.Count);
        Assert.Equal(60_000UL, _reassembler.Expired);
    }

    [Fact]
    public void Add_SteadyFragments_AllocatesNothing()
    {
        var packets = Enumerable.Range(0, 100).Select(id => Cut(new byte[3000 + id], (ushort)id, 1000)).ToList();
        var least = long.MaxValue;

        // The first rounds fill the pools, and the compiler may replace code meanwhile.
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var completions = 0;
            foreach (var pieces in packets)
            {
                foreach (var piece in pieces)
                {
                    completions += _reassembler.Add(1, piece, 0, out _) == ReassemblyResult.Complete ? 1 : 0;
                }
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(packets.Count, completions);
        }

        Assert.Equal(0, least);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(4, 100, 8)]
    [InlineData(8, 100, 7)]
    [InlineData(96, 100, 8)]
    [InlineData(0, Limits.ReassembledBytes + 1, 8)]
    [InlineData(0, 4, 8)]
    public void Add_ContradictingLengths_Malformed(int offset, int total, int pieceBytes)
    {
        var fragment = new byte[Reassembler.HeaderBytes + pieceBytes];
        Reassembler.WriteHeader(fragment, 1, offset, total);

        Assert.Equal(ReassemblyResult.Malformed, _reassembler.Add(1, fragment, 0, out _));
        Assert.Equal(0, _reassembler.Count);
    }

    [Fact]
    public void Add_LargestPacketInOnePiece_Complete()
    {
        var packet = new byte[Limits.ReassembledBytes];

        Assert.Equal(ReassemblyResult.Complete, _reassembler.Add(1, Cut(packet, 1, packet.Length)[0], 0, out var whole));
        Assert.Equal(packet.Length, whole.Length);
    }

    [Fact]
    public void Add_SecondCopyWithOtherBytes_FirstStands()
    {
        var pieces = Cut(Enumerable.Repeat((byte)1, 16).ToArray(), 1, 8);
        var forged = Cut(Enumerable.Repeat((byte)2, 16).ToArray(), 1, 8);
        _reassembler.Add(1, pieces[0], 0, out _);
        _reassembler.Add(1, forged[0], 0, out _);

        _reassembler.Add(1, pieces[1], 0, out var whole);

        Assert.True(whole.SequenceEqual(Enumerable.Repeat((byte)1, 16).ToArray()));
    }

    private static List<byte[]> Cut(byte[] packet, ushort id, int pieceBytes)
    {
        var pieces = new List<byte[]>();
        for (var offset = 0; offset < packet.Length; offset += pieceBytes)
        {
            var piece = packet.AsSpan(offset, Math.Min(pieceBytes, packet.Length - offset));
            var fragment = new byte[Reassembler.HeaderBytes + piece.Length];
            Reassembler.WriteHeader(fragment, id, offset, packet.Length);
            piece.CopyTo(fragment.AsSpan(Reassembler.HeaderBytes));
            pieces.Add(fragment);
        }

        return pieces;
    }
}
