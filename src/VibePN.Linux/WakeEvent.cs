using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>An eventfd: wakes a thread that waits in <see cref="Epoll.Wait"/>.</summary>
public sealed unsafe class WakeEvent : IDisposable
{
    private readonly FileDescriptor _fd;
    private readonly Lock _closing = new();
    private bool _isClosed;

    /// <exception cref="LinuxException"/>
    public WakeEvent() => _fd = FileDescriptor.Take(Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK), "eventfd");

    public int Fd => _fd.Value;

    /// <summary>Makes <see cref="Fd"/> readable until <see cref="Drain"/>. Any thread; after disposal it does nothing.</summary>
    public void Signal()
    {
        // The lock keeps a late signal from hitting a descriptor number that somebody else has got since.
        lock (_closing)
        {
            if (!_isClosed)
            {
                ulong one = 1;
                _ = Libc.write(_fd.Value, &one, sizeof(ulong));
            }
        }
    }

    /// <summary>Takes back all signals so far.</summary>
    public void Drain()
    {
        ulong count;
        _ = Libc.read(_fd.Value, &count, sizeof(ulong));
    }

    public void Dispose()
    {
        lock (_closing)
        {
            _isClosed = true;
            _fd.Dispose();
        }
    }
}
