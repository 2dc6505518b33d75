using System.Buffers.Binary;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class ReorderBufferTests : IDisposable
{
    private const ulong Wait = 100;

    private readonly RepairMemory _memory = new(1 << 20, 4 << 20);
    private readonly ReorderBuffer _buffer;
    private readonly List<uint> _delivered = [];

    public ReorderBufferTests()
    {
        _buffer = new ReorderBuffer(_memory);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Packets_InOrder_PassWithoutACopy()
    {
        AddAll(0, [5, 6, 7, 8]);

        Assert.Equal([5, 6, 7, 8], _delivered);
        Assert.Equal((0, 0), (_buffer.Count, (int)_memory.ReservedBytes));
    }

    [Fact]
    public void Packets_BehindAGap_WaitAndFollowWhatFillsIt()
    {
        AddAll(0, [1, 3, 4, 6, 7]);
        Assert.Equal([1], _delivered);
        AddAll(0, [5]);
        Assert.Equal([1], _delivered);
        AddAll(0, [2]);

        Assert.Equal([1, 2, 3, 4, 5, 6, 7], _delivered);
        Assert.Equal(2UL, _buffer.Repaired);
        Assert.Equal(0, _buffer.Count);
    }

    [Fact]
    public void Gap_ThatIsNotFilled_EndsAfterTheWaitAndTheNextBeginsItsOwn()
    {
        AddAll(0, [1, 3], 0);
        AddAll(0, [5], 30);

        Assert.Equal(30 + Wait, Expire(Wait));
        Assert.Equal([1, 3], _delivered);
        Assert.Equal(ulong.MaxValue, Expire(30 + Wait));
        Assert.Equal([1, 3, 5], _delivered);
        Assert.Equal(2UL, _buffer.Missed);
    }

    [Fact]
    public void Packet_AfterTheWaitForIt_PassesAndAKnownOneDoesNot()
    {
        AddAll(0, [1, 3]);
        Expire(Wait);

        Assert.Equal(ReorderResult.Pass, Add(0, 2));
        Assert.Equal(ReorderResult.Duplicate, Add(0, 3));
        Assert.Equal(ReorderResult.Duplicate, Add(0, 1));
        Assert.Equal(1UL, _buffer.Late);
    }

    [Fact]
    public void Packet_ThatWaitsAlready_IsADuplicate()
    {
        AddAll(0, [1, 3, 4, 5]);

        Assert.Equal(ReorderResult.Duplicate, Add(0, 3));
        Assert.Equal(ReorderResult.Duplicate, Add(0, 4));
        Assert.Equal(ReorderResult.Duplicate, Add(0, 5));
        Assert.Equal(3, _buffer.Count);
    }

    [Fact]
    public void Packet_BeforeTheFirstOneSeen_Passes()
    {
        AddAll(0, [10, 9]);

        Assert.Equal([10, 9], _delivered);
    }

    [Fact]
    public void Lanes_DoNotWaitForEachOther()
    {
        AddAll(0, [1, 3]);
        AddAll(1, [101, 102]);

        Assert.Equal([1, 101, 102], _delivered);
        Expire(Wait);
        Assert.Equal([1, 101, 102, 3], _delivered);
    }

    [Fact]
    public void Numbers_Wrap()
    {
        AddAll(0, [RepairSequence.NumberMask - 1, 0, 1, RepairSequence.NumberMask]);

        Assert.Equal([RepairSequence.NumberMask - 1, RepairSequence.NumberMask, 0, 1], _delivered);
    }

    [Fact]
    public void Number_FarAhead_IsANewBeginningAfterWhatWaited()
    {
        AddAll(0, [1, 3, 500_000, 500_001]);

        Assert.Equal([1, 3, 500_000, 500_001], _delivered);
    }

    [Fact]
    public void Memory_UsedUp_ReleasesInOrderAndStaysBounded()
    {
        var packet = new byte[1400];
        for (uint number = 0; number < 5000; number++)
        {
            if (number != 1)
            {
                Take(0, number, packet, 0);
            }

            Assert.True(_buffer.Bytes <= 1 << 20);
        }

        Assert.Equal(0UL, _delivered[0]);
        Assert.Equal(Enumerable.Range(2, 4998).Select(number => (uint)number), _delivered.Skip(1));
        Assert.Equal(1UL, _buffer.Missed);
    }

    [Fact]
    public void Memory_NoneAtAll_PassesEverything()
    {
        using RepairMemory none = new(1 << 20, 1000);
        ReorderBuffer buffer = new(none);

        Assert.Equal(ReorderResult.Pass, buffer.Add(new RepairSequence(0, 1), 0, 0, new byte[100], 0));
        Assert.Equal(ReorderResult.Pass, buffer.Add(new RepairSequence(0, 3), 0, 0, new byte[100], 0));
        Assert.Equal(ReorderResult.Pass, buffer.Add(new RepairSequence(0, 4), 0, 0, new byte[100], 0));
    }

    [Fact]
    public void Gaps_ManyInOneLane_AreBounded()
    {
        for (uint number = 0; number < 4 * ReorderBuffer.MaxRuns; number++)
        {
            Take(0, number * 2, new byte[40], 0);
            Assert.True(_buffer.Count <= ReorderBuffer.MaxRuns);
        }

        Assert.True(_delivered.Count >= ReorderBuffer.MaxRuns);
        Assert.Equal(_delivered.Order(), _delivered);
    }

    [Fact]
    public void Memory_AfterTheWaits_IsGivenBack()
    {
        AddAll(0, [1, 3]);
        _buffer.ReleaseMemory();
        Assert.NotEqual(0, _memory.ReservedBytes);

        _buffer.ReleaseAll();
        Drain();
        _buffer.ReleaseMemory();

        Assert.Equal(0, _memory.ReservedBytes);
        AddAll(0, [4, 6, 5]);
        Assert.Equal([1, 3, 4, 5, 6], _delivered);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Packets_LostResentAndDoubled_ComeOnceAndInOrder(int seed)
    {
        Random random = new(seed);
        List<(ulong At, int Lane, uint Number)> arrivals = [];
        for (uint i = 0; i < 4000; i++)
        {
            var lane = random.Next(3);
            var at = i * 10UL;
            var isBeginning = i < 30;
            if (!isBeginning && random.NextDouble() < 0.03)
            {
                // Sent again, perhaps twice.
                at += (ulong)random.Next(1, 3) * 600;
            }

            arrivals.Add((at, lane, i));
            if (!isBeginning && random.NextDouble() < 0.01)
            {
                arrivals.Add((at + (ulong)random.Next(800), lane, i));
            }
        }

        // Numbers are per lane.
        Dictionary<(int, uint), uint> numbers = [];
        uint[] next = [uint.MaxValue - 100, 7, 0];
        foreach (var (_, lane, i) in arrivals.OrderBy(arrival => arrival.Number))
        {
            if (!numbers.ContainsKey((lane, i)))
            {
                numbers[(lane, i)] = next[lane]++ & RepairSequence.NumberMask;
            }
        }

        List<(int Lane, uint Value)> delivered = [];
        Span<byte> packet = stackalloc byte[60];
        foreach (var (at, lane, i) in arrivals.OrderBy(arrival => arrival.At))
        {
            Assert.True(_buffer.Expire(at, 100_000) >= at);
            BinaryPrimitives.WriteUInt32BigEndian(packet, i);
            if (_buffer.Add(new RepairSequence(lane, numbers[(lane, i)]), lane, 0, packet[..(20 + (int)(i % 40))], at) == ReorderResult.Pass)
            {
                delivered.Add((lane, i));
            }

            while (_buffer.TryTake(out var network, out _, out var taken))
            {
                var value = BinaryPrimitives.ReadUInt32BigEndian(taken);
                Assert.Equal(20 + (int)(value % 40), taken.Length);
                delivered.Add((network, value));
            }
        }

        for (var lane = 0; lane < 3; lane++)
        {
            var of = delivered.Where(one => one.Lane == lane).Select(one => one.Value).ToList();
            Assert.True(of.SequenceEqual(of.Order().Distinct()), $"lane {lane} is out of order or double with seed {seed}");
        }

        Assert.True(delivered.Count >= 3995, $"{delivered.Count} delivered with seed {seed}");
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    private void AddAll(int lane, uint[] numbers, ulong now = 0)
    {
        foreach (var number in numbers)
        {
            Take(lane, number, new byte[40], now);
        }
    }

    private void Take(int lane, uint number, byte[] packet, ulong now)
    {
        BinaryPrimitives.WriteUInt32BigEndian(packet, number);
        ReorderResult result;
        while ((result = _buffer.Add(new RepairSequence(lane, number), 0, 0, packet, now)) == ReorderResult.Full)
        {
            Drain();
        }

        if (result == ReorderResult.Pass)
        {
            _delivered.Add(number);
        }

        Drain();
    }

    private ReorderResult Add(int lane, uint number) => _buffer.Add(new RepairSequence(lane, number), 0, 0, new byte[40], 0);

    private ulong Expire(ulong now)
    {
        var next = _buffer.Expire(now, Wait);
        Drain();
        return next;
    }

    private void Drain()
    {
        while (_buffer.TryTake(out _, out _, out var packet))
        {
            _delivered.Add(BinaryPrimitives.ReadUInt32BigEndian(packet));
        }
    }
}
