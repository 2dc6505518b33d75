using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class RepairSenderTests : IDisposable
{
    private const ulong Milli = 1_000_000;

    private readonly RepairMemory _memory = new(1 << 20, 4 << 20);
    private readonly RepairSender _sender;
    private readonly byte[] _scratch = new byte[9216];

    public RepairSenderTests()
    {
        _sender = new RepairSender(_memory);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Datagram_FoundLost_IsGivenAgainUntilItIsAcknowledged()
    {
        Send(10);
        for (var again = 11u; again < 14; again++)
        {
            _sender.OnLost(again - 1);
            Assert.True(_sender.TryPeekLost(Milli, out var bytes));
            Assert.Equal([1, 2, 10], bytes.ToArray());
            _sender.Resend(again, _scratch);
            Assert.False(_sender.TryPeekLost(Milli, out _));
        }

        _sender.OnAcked(13);

        Assert.Equal((3UL, 0), (_sender.Resent, _sender.Count));
    }

    [Fact]
    public void Datagram_OvertakenByThree_IsLostAtOnce()
    {
        Send(1, 2, 3, 4, 5);
        _sender.OnAcked(2);
        _sender.OnAcked(3);
        Assert.False(_sender.TryPeekLost(0, out _));
        _sender.OnAcked(4);

        Assert.True(_sender.TryPeekLost(0, out var bytes));
        Assert.Equal(1, bytes[^1]);
        _sender.Resend(6, _scratch);
        _sender.OnLost(1);
        Assert.False(_sender.TryPeekLost(0, out _));
    }

    [Fact]
    public void Datagram_ThatWasOnlyLate_MakesTheSenderWaitForMore()
    {
        Send(1, 2, 3, 4);
        _sender.OnAcked(4);
        _sender.TryPeekLost(0, out _);
        _sender.Resend(5, _scratch);
        _sender.OnAcked(1);
        _sender.OnAcked(2);
        _sender.OnAcked(3);
        _sender.OnAcked(5);
        Assert.Equal((1UL, 0), (_sender.Spurious, _sender.Count));

        Send(100, 101, 102, 103, 104, 105, 106);
        _sender.OnAcked(105);
        Assert.False(_sender.TryPeekLost(0, out _));
        _sender.OnAcked(106);
        Assert.True(_sender.TryPeekLost(0, out var bytes));
        Assert.Equal(100, bytes[^1]);
    }

    [Fact]
    public void Datagram_AcknowledgedBeforeItWasSentAgain_IsNot()
    {
        Send(1, 2);
        _sender.OnLost(1);
        _sender.OnAcked(1);

        Assert.False(_sender.TryPeekLost(0, out _));
        Assert.Equal(1, _sender.Count);
    }

    [Fact]
    public void Datagram_OlderThanAnyReceiverWaits_IsGivenUp()
    {
        Send(1);
        _sender.OnLost(1);

        Assert.False(_sender.TryPeekLost(RepairSequence.MaxWaitNanos + 1, out _));
        Assert.Equal((1UL, 0), (_sender.GivenUp, _sender.Count));
    }

    [Fact]
    public void Copies_BeyondTheBound_MakeRoomFromTheOldest()
    {
        var payload = new byte[1400];
        for (ulong datagram = 0; datagram < 3000; datagram++)
        {
            _sender.Sent(0, datagram, payload, default, 0);
            Assert.True(_memory.ReservedBytes <= 1 << 20);
        }

        Assert.InRange(_sender.Count, 600, 750);
        _sender.OnLost(0);
        Assert.False(_sender.TryPeekLost(0, out _));
        _sender.OnLost(2999);
        Assert.True(_sender.TryPeekLost(0, out _));
        _sender.Release();
        Assert.Equal((0, 0L), (_sender.Count, _memory.ReservedBytes));
    }

    [Fact]
    public void Fates_OfUnknownDatagrams_AreIgnored()
    {
        _sender.OnAcked(5);
        _sender.OnLost(5);
        Send(1_048_570, 1_048_580, 2_000_000);
        _sender.OnAcked(77);
        _sender.OnLost(77);

        Assert.False(_sender.TryPeekLost(0, out _));
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Copies_UnderRandomFates_AreWhatWasSent(int seed)
    {
        Random random = new(seed);
        var payload = new byte[1400];
        ulong next = 1_048_000;
        for (var i = 0; i < 20_000; i++)
        {
            // Every byte follows from the length and the first.
            next += (ulong)random.Next(1, 3);
            var bytes = payload.AsSpan(0, random.Next(40, 1400));
            bytes.Fill((byte)(i ^ bytes.Length));
            bytes[0] = (byte)i;
            _sender.Sent(0, next, bytes[..10], bytes[10..], 0);
            var reported = (uint)(next - (ulong)random.Next(400)) & 0xfffff;
            if (random.Next(3) == 0)
            {
                _sender.OnLost(reported);
            }
            else
            {
                _sender.OnAcked(reported);
            }

            while (_sender.TryPeekLost(0, out var copy))
            {
                Assert.True(copy[1..].IndexOfAnyExcept((byte)(copy[0] ^ copy.Length)) < 0, $"not what was sent, seed {seed}");
                _sender.Resend(++next, _scratch);
            }
        }

        Assert.True(_sender.Resent > 1000);
    }

    public static TheoryData<int> Seeds => [1, 2, 3];

    private void Send(params ulong[] datagrams)
    {
        foreach (var datagram in datagrams)
        {
            _sender.Sent(0, datagram, [1, 2], [(byte)datagram], 0);
        }
    }
}
