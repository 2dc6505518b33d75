namespace VibePN.Linux;

/// <summary>Level-triggered epoll with deadlines of nanosecond precision. One thread waits; not thread-safe.</summary>
public sealed class Epoll : IDisposable
{
    /// <summary>The deadline that never comes.</summary>
    public const ulong Forever = ulong.MaxValue;

    /// <exception cref="LinuxException"/>
    public Epoll()
    {
    }

    /// <summary>Watches <paramref name="fd"/> for readability, and for writability on request.</summary>
    /// <exception cref="LinuxException"/>
    public void Add(int fd, ulong token, bool writable = false) => throw new NotImplementedException();

    /// <exception cref="LinuxException"/>
    public void Modify(int fd, ulong token, bool writable = false) => throw new NotImplementedException();

    /// <exception cref="LinuxException"/>
    public void Remove(int fd) => throw new NotImplementedException();

    /// <summary>Waits until a descriptor is ready or the deadline has come.</summary>
    /// <param name="deadlineNanos">By <see cref="BootClock.Nanos"/>; in the past: returns at once; <see cref="Forever"/>: no deadline.</param>
    /// <returns>How many entries of <paramref name="ready"/> were filled; 0 when the deadline came or a signal interrupted.</returns>
    /// <exception cref="LinuxException"/>
    public int Wait(Span<EpollReady> ready, ulong deadlineNanos) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
