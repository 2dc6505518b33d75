using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>Level-triggered epoll with deadlines of nanosecond precision. One thread waits; not thread-safe.</summary>
public sealed unsafe class Epoll : IDisposable
{
    /// <summary>The deadline that never comes.</summary>
    public const ulong Forever = ulong.MaxValue;

    private const int MaxEvents = 64;
    private const ulong NanosPerSecond = 1_000_000_000;
    private const ulong NanosPerMilli = 1_000_000;
    private const ulong LongestWaitNanos = 86_400 * NanosPerSecond;

    private readonly FileDescriptor _fd;
    private bool _hasNanoTimeout = true;

    /// <exception cref="LinuxException"/>
    public Epoll() => _fd = FileDescriptor.Take(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1");

    /// <summary>Waits in whole milliseconds, as on kernels before 5.11; for tests.</summary>
    internal bool UseMilliseconds
    {
        set => _hasNanoTimeout = !value;
    }

    /// <summary>Watches <paramref name="fd"/> for readability, and for writability on request.</summary>
    /// <exception cref="LinuxException"/>
    public void Add(int fd, ulong token, bool writable = false) => Control(Libc.EPOLL_CTL_ADD, fd, token, writable);

    /// <exception cref="LinuxException"/>
    public void Modify(int fd, ulong token, bool writable = false) => Control(Libc.EPOLL_CTL_MOD, fd, token, writable);

    /// <exception cref="LinuxException"/>
    public void Remove(int fd) => Control(Libc.EPOLL_CTL_DEL, fd, 0, writable: false);

    /// <summary>Waits until a descriptor is ready or the deadline has come.</summary>
    /// <param name="deadlineNanos">By <see cref="BootClock.Nanos"/>; past: returns at once; <see cref="Forever"/>: none.</param>
    /// <returns>How many entries of <paramref name="ready"/> were filled; 0 when the deadline came or a signal interrupted.</returns>
    /// <exception cref="LinuxException"/>
    public int Wait(Span<EpollReady> ready, ulong deadlineNanos)
    {
        var events = stackalloc byte[MaxEvents * EpollEvent.Size];
        var max = Math.Min(ready.Length, MaxEvents);
        var count = WaitNative(events, max, deadlineNanos);
        if (count < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Errno.EINTR ? 0 : throw new LinuxException("epoll_pwait2", errno);
        }

        for (var i = 0; i < count; i++)
        {
            var entry = events + (i * EpollEvent.Size);
            var bits = EpollEvent.Events(entry);
            ready[i] = new EpollReady(
                EpollEvent.Data(entry),
                (bits & Libc.EPOLLIN) != 0,
                (bits & Libc.EPOLLOUT) != 0,
                (bits & (Libc.EPOLLERR | Libc.EPOLLHUP)) != 0);
        }

        return count;
    }

    public void Dispose() => _fd.Dispose();

    private int WaitNative(byte* events, int max, ulong deadlineNanos)
    {
        var wait = deadlineNanos == Forever ? Forever : Remaining(deadlineNanos);
        if (_hasNanoTimeout)
        {
            Timespec timeout = default;
            if (wait != Forever)
            {
                timeout.tv_sec = (long)(wait / NanosPerSecond);
                timeout.tv_nsec = (long)(wait % NanosPerSecond);
            }

            try
            {
                var count = Libc.epoll_pwait2(_fd.Value, events, max, wait == Forever ? null : &timeout, null);
                if (count >= 0 || Marshal.GetLastPInvokeError() != Errno.ENOSYS)
                {
                    return count;
                }
            }
            catch (EntryPointNotFoundException)
            {
                // A C library before 2.35.
            }

            _hasNanoTimeout = false;
        }

        var millis = wait == Forever ? -1 : (int)Math.Min((wait + NanosPerMilli - 1) / NanosPerMilli, int.MaxValue);
        return Libc.epoll_pwait(_fd.Value, events, max, millis, null);
    }

    private static ulong Remaining(ulong deadlineNanos)
    {
        var now = BootClock.Nanos();
        return deadlineNanos <= now ? 0 : Math.Min(deadlineNanos - now, LongestWaitNanos);
    }

    private void Control(int operation, int fd, ulong token, bool writable)
    {
        var entry = stackalloc byte[EpollEvent.Size];
        EpollEvent.Write(entry, Libc.EPOLLIN | (writable ? Libc.EPOLLOUT : 0), token);
        if (Libc.epoll_ctl(_fd.Value, operation, fd, entry) != 0)
        {
            throw LinuxException.FromLastError("epoll_ctl");
        }
    }
}
