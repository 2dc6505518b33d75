using VibePN.Doctor.Bench;
using Xunit;

namespace VibePN.Tests.Doctor;

public sealed class BenchMessageTests
{
    private static readonly BenchMessage Full = new()
    {
        Kind = BenchKind.Result,
        Test = BenchTest.UdpDown,
        Status = BenchStatus.Fine,
        IsOutside = true,
        Port = 51822,
        MtuBytes = 1420,
        Millis = 5000,
        RateKilobits = 50_000,
        DatagramBytes = 1200,
        Token = [.. Enumerable.Range(1, BenchMessage.TokenBytes).Select(i => (byte)i)],
        Received = 1L << 40,
        Micros = 5_000_000,
        Packets = 26_000,
        Sent = 26_001,
        Reordered = 7,
        JitterMicros = 123,
        DaemonPermille = 990,
        BusyPermille = 1000,
        Loss = 0.0125,
        QueueMillis = 17,
        Flags = BenchFlags.RepairKnown | BenchFlags.NoTunUdp,
    };

    [Fact]
    public void Message_WrittenAndRead_IsTheSame()
    {
        BenchMessage read = BenchMessage.TryRead(Full.Write())!;
        Assert.All(typeof(BenchMessage).GetProperties(), property => Assert.Equal(property.GetValue(Full), property.GetValue(read)));
        Assert.Null(BenchMessage.TryRead(new BenchMessage { Kind = BenchKind.End }.Write())!.Loss);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(4, 8)]
    [InlineData(5, 6)]
    [InlineData(6, 4)]
    [InlineData(7, 2)]
    [InlineData(12, 1)]
    [InlineData(12, 0x80)]
    [InlineData(16, 0x7f)]
    [InlineData(20, 0xff)]
    [InlineData(22, 1)]
    [InlineData(40, 0x80)]
    [InlineData(40, 0x7f)]
    [InlineData(80, 0x80)]
    [InlineData(88, 0x10)]
    [InlineData(92, 0xff)]
    [InlineData(96, 64)]
    [InlineData(97, 1)]
    [InlineData(107, 1)]
    public void Message_FieldOutOfBounds_IsNone(int at, byte value)
    {
        byte[] bytes = Full.Write();
        bytes[at] = value;
        Assert.Null(BenchMessage.TryRead(bytes));
    }

    [Fact]
    public void Message_OfAnotherLength_IsNone()
    {
        byte[] bytes = [.. Full.Write(), 0];
        Assert.All(Enumerable.Range(0, BenchMessage.Bytes), length => Assert.Null(BenchMessage.TryRead(bytes.AsSpan(0, length))));
        Assert.Null(BenchMessage.TryRead(bytes));
    }

    [Fact]
    public void Runnable_OnlyWithinBounds()
    {
        Assert.True(IsRunnable());
        Assert.True(IsRunnable(test: BenchTest.TcpUp, rate: 0, bytes: 0));
        Assert.False(IsRunnable(kind: BenchKind.Hello));
        Assert.False(IsRunnable(test: BenchTest.None));
        Assert.False(IsRunnable(millis: 99));
        Assert.False(IsRunnable(millis: 30_001));
        Assert.False(IsRunnable(rate: 0));
        Assert.False(IsRunnable(rate: 1_000_001));
        Assert.False(IsRunnable(bytes: 63));
        Assert.False(IsRunnable(bytes: 9001));

        static bool IsRunnable(BenchKind kind = BenchKind.Run, BenchTest test = BenchTest.UdpUp, int millis = 100, int rate = 1, int bytes = 64) =>
            new BenchMessage { Kind = kind, Test = test, Millis = millis, RateKilobits = rate, DatagramBytes = bytes }.IsRunnable;
    }

    [Fact]
    public void Datagram_WrongTokenOrShort_IsNone()
    {
        byte[] token = Full.Token, bytes = new byte[100];
        BenchDatagram.Write(bytes, new BenchDatagram(BenchDatagramKind.Begin, 4_000_000_000, -5), token, token);
        Assert.Equal(new BenchDatagram(BenchDatagramKind.Begin, 4_000_000_000, -5), BenchDatagram.TryRead(bytes, token));
        Assert.Equal(token, BenchDatagram.CookieOf(bytes).ToArray());
        Assert.Null(BenchDatagram.TryRead(bytes.AsSpan(0, BenchDatagram.HeadBytes - 1), token));
        bytes[8 + 15] ^= 1;
        Assert.Null(BenchDatagram.TryRead(bytes, token));
    }

    [Fact]
    public void Meter_OrderLossDuplicatesJitter_AreCountedAsRfc3550Does()
    {
        UdpMeter meter = new();
        // 0 1 3 2 2 4, one a millisecond by the sender's clock; number 3 takes 16 ms more.
        foreach ((uint number, long late) in new (uint, long)[] { (0, 0), (1, 0), (3, 16_000), (2, 0), (2, 0), (4, 0) })
        {
            meter.Add(number, number * 1000, 5_000_000 + (number * 1000) + late, 100);
        }

        Assert.Equal((5L, 1L, 500L), (meter.Packets, meter.Reordered, meter.Bytes));
        // |D| of 16 ms twice: 1000 µs, then 1000 + (16000 - 1000) / 16, then a sixteenth less.
        Assert.Equal(1816, meter.JitterMicros);
        meter.Add(uint.MaxValue, long.MinValue, long.MaxValue, 100);
        meter.Add(4, 4000, 1, 100);
        Assert.Equal((7L, 2L), (meter.Packets, meter.Reordered));
    }

    [Fact]
    public void CpuMeter_LinesOfProc_AreReadAndNonsenseIsNot()
    {
        Assert.Equal(15 + 7, CpuMeter.Ticks("42 (a) b (c)) S 1 1 1 0 -1 4194560 1 0 0 0 15 7 0 0 20 0 9 0 1 2 3"));
        Assert.Equal((60, 100), CpuMeter.Host("cpu  10 10 10 30 10 10 10 10 5 5\ncpu0 1"));
        Assert.All(["", ")", "42 (a) S 1 2", "42 (a) S 1 1 1 0 -1 4194560 1 0 0 0 x y"], text => Assert.Null(CpuMeter.Ticks(text)));
        Assert.All(["", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 x 5 6 7 8"], text => Assert.Null(CpuMeter.Host(text)));
    }
}
