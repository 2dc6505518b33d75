namespace VibePN.Linux;

/// <summary>An eventfd: wakes a thread that waits in <see cref="Epoll.Wait"/>.</summary>
public sealed class WakeEvent : IDisposable
{
    /// <exception cref="LinuxException"/>
    public WakeEvent()
    {
    }

    public int Fd => throw new NotImplementedException();

    /// <summary>Makes <see cref="Fd"/> readable until <see cref="Drain"/>. Any thread; after disposal it does nothing.</summary>
    public void Signal() => throw new NotImplementedException();

    /// <summary>Takes back all signals so far.</summary>
    public void Drain() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
