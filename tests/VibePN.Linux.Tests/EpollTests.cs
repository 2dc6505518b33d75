namespace VibePN.Linux.Tests;

public sealed class EpollTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Wait_DeadlineInTheFuture_ReturnsAtIt(bool milliseconds)
    {
        using var epoll = new Epoll { UseMilliseconds = milliseconds };
        var start = BootClock.Nanos();

        var count = epoll.Wait(new EpollReady[4], start + 20_000_000);

        var elapsed = BootClock.Nanos() - start;
        Assert.Equal(0, count);
        Assert.InRange(elapsed, 20_000_000ul, 1_000_000_000ul);
    }

    [Fact]
    public void Wait_ShortDeadline_IsMorePreciseThanAMillisecond()
    {
        using var epoll = new Epoll();
        var best = ulong.MaxValue;
        for (var i = 0; i < 50; i++)
        {
            var start = BootClock.Nanos();
            _ = epoll.Wait(new EpollReady[4], start + 100_000);
            best = Math.Min(best, BootClock.Nanos() - start);
        }

        Assert.InRange(best, 100_000ul, 900_000ul);
    }

    [Fact]
    public void Wait_PastDeadline_OnlyPolls()
    {
        using var epoll = new Epoll();
        using var wake = new WakeEvent();
        epoll.Add(wake.Fd, 7);
        var ready = new EpollReady[4];

        Assert.Equal(0, epoll.Wait(ready, 0));
        wake.Signal();
        Assert.Equal(1, epoll.Wait(ready, 0));
        Assert.Equal(new EpollReady(7, Readable: true, Writable: false, Error: false), ready[0]);
        wake.Drain();
        Assert.Equal(0, epoll.Wait(ready, 0));
    }

    [Fact]
    public void Wait_SignalFromAnotherThread_WakesIt()
    {
        using var epoll = new Epoll();
        using var wake = new WakeEvent();
        epoll.Add(wake.Fd, ulong.MaxValue - 1);
        var thread = new Thread(wake.Signal);
        thread.Start();
        var ready = new EpollReady[1];

        var count = epoll.Wait(ready, Epoll.Forever);

        thread.Join();
        Assert.Equal(1, count);
        Assert.Equal(ulong.MaxValue - 1, ready[0].Token);
    }

    [Fact]
    public void Modify_WritableAsked_IsReported()
    {
        using var epoll = new Epoll();
        using var wake = new WakeEvent();
        epoll.Add(wake.Fd, 1);
        var ready = new EpollReady[1];
        Assert.Equal(0, epoll.Wait(ready, 0));

        epoll.Modify(wake.Fd, 2, writable: true);
        Assert.Equal(1, epoll.Wait(ready, 0));
        Assert.Equal(new EpollReady(2, Readable: false, Writable: true, Error: false), ready[0]);

        epoll.Remove(wake.Fd);
        Assert.Equal(0, epoll.Wait(ready, 0));
        var error = Assert.Throws<LinuxException>(() => epoll.Remove(wake.Fd));
        Assert.Equal(2, error.ErrorNumber);
        Assert.Contains("ENOENT", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Signal_AfterDisposal_DoesNothing()
    {
        var wake = new WakeEvent();
        wake.Dispose();
        wake.Signal();
        Assert.Throws<ObjectDisposedException>(() => wake.Fd);
    }

    [Fact]
    public void BootClock_TwoReadings_DoNotGoBack()
    {
        var first = BootClock.Nanos();
        var second = BootClock.Nanos();
        Assert.True(second >= first);
        Assert.InRange(BootClock.UtcSeconds(), 1_700_000_000, 10_000_000_000);
    }
}
