using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary>The functions of the C library that this project calls. All set errno and return -1 on failure.</summary>
internal static unsafe partial class Libc
{
    public const int CLOCK_REALTIME = 0;
    public const int CLOCK_BOOTTIME = 7;
    public const int CLONE_NEWNET = 0x40000000;
    public const int O_RDWR = 2;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int EFD_CLOEXEC = O_CLOEXEC;
    public const int EFD_NONBLOCK = O_NONBLOCK;
    public const int EPOLL_CLOEXEC = O_CLOEXEC;
    public const int EPOLL_CTL_ADD = 1;
    public const int EPOLL_CTL_DEL = 2;
    public const int EPOLL_CTL_MOD = 3;
    public const uint EPOLLIN = 1;
    public const uint EPOLLOUT = 4;
    public const uint EPOLLERR = 8;
    public const uint EPOLLHUP = 16;

    public const int MADV_DONTNEED = 4;

    public const int PR_SET_TIMERSLACK = 29;
    public const int PRIO_PROCESS = 0;
    public const int STA_UNSYNC = 0x40;

    private const string Name = "libc";

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clockid, out Timespec time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string pathname, int flags, int mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int madvise(void* addr, nuint length, int advice);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint read(int fd, void* buf, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint write(int fd, void* buf, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint writev(int fd, Iovec* iov, int iovcnt);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, void* arg);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int eventfd(uint initval, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_ctl(int epfd, int op, int fd, void* ev);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_pwait(int epfd, void* events, int maxevents, int timeout, void* sigmask);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_pwait2(int epfd, void* events, int maxevents, Timespec* timeout, void* sigmask);

    [LibraryImport(Name)]
    public static partial int nanosleep(Timespec* duration, Timespec* remaining);

    [LibraryImport(Name)]
    public static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport(Name)]
    public static partial int setpriority(int which, uint who, int priority);

    /// <summary>For calls that glibc 2.36 has no function for. All parameters are passed as variadic ones would be, on x86-64 and arm64.</summary>
    [LibraryImport(Name)]
    public static partial nint syscall(nint number, nint argument1, void* argument2, nint argument3, nint argument4);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int adjtimex(Timex* buf);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int bind(int sockfd, void* addr, uint addrlen);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockname(int sockfd, void* addr, uint* addrlen);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setsockopt(int sockfd, int level, int optname, void* optval, uint optlen);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockopt(int sockfd, int level, int optname, void* optval, uint* optlen);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int recvmmsg(int sockfd, Mmsghdr* msgvec, uint vlen, int flags, Timespec* timeout);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int sendmmsg(int sockfd, Mmsghdr* msgvec, uint vlen, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recv(int sockfd, void* buf, nuint len, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sendto(int sockfd, void* buf, nuint len, int flags, void* addr, uint addrlen);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial uint if_nametoindex(string ifname);
}
