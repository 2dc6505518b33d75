using System.Runtime.InteropServices;
using System.Text;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>A TUN interface whose frames carry virtio-net headers; it goes away when closed. One thread.</summary>
public sealed unsafe class TunDevice : IDisposable
{
    private const string DevicePath = "/dev/net/tun";

    private readonly FileDescriptor _fd;
    private TunCounters _counters;

    private TunDevice(FileDescriptor fd, string name, int index)
    {
        _fd = fd;
        Name = name;
        InterfaceIndex = index;
    }

    public string Name { get; }

    public int InterfaceIndex { get; }

    public int Fd => _fd.Value;

    /// <summary>Somebody has deleted the interface: nothing moves any more, and epoll reports an error for ever. Close it.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Checksum and TCP segmentation offloads are in use: frames may be super-packets with partial checksums.</summary>
    public bool HasOffloads { get; private set; }

    /// <summary>UDP segmentation offload too (Linux 6.2).</summary>
    public bool HasUdpOffload { get; private set; }

    /// <summary>Why <see cref="HasOffloads"/> is false, for people; null when it is true.</summary>
    public string? OffloadsInactiveReason { get; private set; }

    /// <summary>Why <see cref="HasUdpOffload"/> is false, for people; null when it is true.</summary>
    public string? UdpOffloadInactiveReason { get; private set; }

    public TunCounters Counters => _counters;

    /// <summary>Asked before each write, so that tests can play a kernel that refuses; null: ask the real one.</summary>
    internal Func<VirtioNetHeader, TunWriteResult?>? WriteFault { get; set; }

    /// <param name="name">1…15 bytes, no slash, colon, percent sign or space.</param>
    /// <exception cref="ArgumentException">A name that no interface can have.</exception>
    /// <exception cref="LinuxException">No permission, no TUN driver, name in use; the message says the cure.</exception>
    public static TunDevice Open(string name, TunOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        CheckName(name);
        var fd = OpenDriver(name);
        try
        {
            Create(fd.Value, name);
            var index = (int)Libc.if_nametoindex(name);
            if (index == 0)
            {
                throw LinuxException.FromLastError($"create interface {name}");
            }

            var device = new TunDevice(fd, name, index);
            device.SetOffloads(options);
            return device;
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    /// <summary>Replaces the contents of the batch by the frames that wait, as many as it holds.</summary>
    /// <returns>False: nothing was there, or the interface <see cref="IsGone"/>.</returns>
    public bool Read(TunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();

        // Bounded also when the kernel has nothing but unusable frames.
        for (var i = 0; i < batch.Capacity; i++)
        {
            var bytes = (int)Libc.read(Fd, batch.NextSlot, TunBatch.SlotBytes);
            if (bytes < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                if (errno == Errno.EINTR)
                {
                    continue;
                }

                IsGone |= errno is Errno.EBADFD or Errno.ENODEV or Errno.ENXIO;
                break;
            }

            if (bytes <= VirtioNetHeader.Bytes || bytes == TunBatch.SlotBytes)
            {
                _counters.ReadInvalid++;
                continue;
            }

            _counters.ReadFrames++;
            _counters.ReadBytes += (ulong)(bytes - VirtioNetHeader.Bytes);
            batch.Append(bytes);
        }

        return batch.Count > 0;
    }

    /// <summary>Gives one frame to the host. Never throws.</summary>
    public TunWriteResult Write(in VirtioNetHeader header, ReadOnlySpan<byte> packet)
    {
        if (WriteFault?.Invoke(header) is { } fault)
        {
            return fault;
        }

        fixed (VirtioNetHeader* headerBytes = &header)
        fixed (byte* packetBytes = packet)
        {
            var vectors = stackalloc Iovec[2];
            vectors[0].iov_base = headerBytes;
            vectors[0].iov_len = VirtioNetHeader.Bytes;
            vectors[1].iov_base = packetBytes;
            vectors[1].iov_len = (nuint)packet.Length;
            nint written;
            do
            {
                written = Libc.writev(Fd, vectors, 2);
            }
            while (written < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);

            if (written >= 0)
            {
                _counters.WrittenFrames++;
                _counters.WrittenBytes += (ulong)packet.Length;
                return TunWriteResult.Ok;
            }
        }

        return CountFailure(Marshal.GetLastPInvokeError());
    }

    /// <summary>Switches all offloads off, at any time. Frames that already wait may still be super-packets.</summary>
    public void DisableOffloads(string reason)
    {
        _ = TrySetOffloads(0);
        HasOffloads = false;
        HasUdpOffload = false;
        OffloadsInactiveReason = reason;
        UdpOffloadInactiveReason = reason;
    }

    public void Dispose() => _fd.Dispose();

    private TunWriteResult CountFailure(int errno)
    {
        switch (errno)
        {
            case Errno.EAGAIN:
                _counters.WriteWouldBlock++;
                return TunWriteResult.WouldBlock;
            case Errno.EMSGSIZE or Errno.E2BIG:
                _counters.WriteTooBig++;
                return TunWriteResult.TooBig;
            case Errno.EIO or Errno.EBADFD or Errno.ENODEV or Errno.ENXIO or Errno.ENETDOWN:
                IsGone |= errno is Errno.EBADFD or Errno.ENODEV or Errno.ENXIO;
                _counters.WriteDown++;
                return TunWriteResult.Down;
            case Errno.EINVAL:
                _counters.WriteInvalid++;
                return TunWriteResult.Invalid;
            default:
                _counters.WriteFailed++;
                return TunWriteResult.Failed;
        }
    }

    /// <summary>What the kernel shall hand over unfinished; falls back step by step.</summary>
    private void SetOffloads(TunOptions options)
    {
        if (!options.Offloads)
        {
            DisableOffloads("switched off");
            return;
        }

        var (tcpFailure, udpFailure) = !options.SelfTest ? default : options.Trial?.Verdict() ?? TunSelfTest.Run();
        if (tcpFailure is not null)
        {
            DisableOffloads($"self-test failed: {tcpFailure}");
            return;
        }

        const uint Tcp = TunConstants.TUN_F_CSUM | TunConstants.TUN_F_TSO4 | TunConstants.TUN_F_TSO6;
        const uint Udp = TunConstants.TUN_F_USO4 | TunConstants.TUN_F_USO6;
        UdpOffloadInactiveReason = udpFailure is null ? null : $"self-test failed: {udpFailure}";
        HasUdpOffload = udpFailure is null && TrySetOffloads(Tcp | Udp);
        HasOffloads = HasUdpOffload || TrySetOffloads(Tcp);
        if (!HasOffloads)
        {
            DisableOffloads(LinuxException.FromLastError($"set offloads of {Name}").Message);
        }
        else if (!HasUdpOffload)
        {
            UdpOffloadInactiveReason ??= "the kernel has no UDP segmentation for TUN (Linux 6.2 is needed)";
        }
    }

    private bool TrySetOffloads(uint flags) => Libc.ioctl(Fd, TunConstants.TUNSETOFFLOAD, (void*)flags) == 0;

    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var isValid = Encoding.UTF8.GetByteCount(name) < TunConstants.IFNAMSIZ && name is not ("." or "..")
            && !name.AsSpan().ContainsAny("/:%") && !name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));
        if (!isValid)
        {
            throw new ArgumentException(
                $"'{name}' cannot be the name of an interface: 1 to 15 bytes without space, '/', ':' and '%'", nameof(name));
        }
    }

    private static FileDescriptor OpenDriver(string name)
    {
        var fd = Libc.open(DevicePath, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC, 0);
        if (fd >= 0)
        {
            return new FileDescriptor(fd);
        }

        throw OpenFailure(name, Marshal.GetLastPInvokeError());
    }

    /// <summary>What can be done about a failed open of the driver.</summary>
    internal static LinuxException OpenFailure(string name, int errno) => new($"open {DevicePath} for interface {name}", errno, errno switch
    {
        Errno.ENOENT or Errno.ENODEV or Errno.ENXIO =>
            "load the tun module: modprobe tun; in a container pass --device /dev/net/tun --cap-add NET_ADMIN",
        Errno.EACCES or Errno.EPERM => "run as root, or allow reading and writing the device; in a container pass --device /dev/net/tun",
        _ => null,
    });

    /// <summary>What can be done about a failed creation of the interface.</summary>
    internal static LinuxException CreateFailure(string name, int errno) => new($"create TUN interface {name}", errno, errno switch
    {
        Errno.EPERM or Errno.EACCES => "this needs CAP_NET_ADMIN: run as root or give the program that capability",
        Errno.EBUSY or Errno.EEXIST or Errno.EINVAL => "the name is in use; end the other program or choose another interface name",
        _ => null,
    });

    private static void Create(int fd, string name)
    {
        Ifreq request = default;
        Encoding.UTF8.GetBytes(name, new Span<byte>(request.ifr_name, TunConstants.IFNAMSIZ - 1));
        request.ifr_flags = TunConstants.IFF_TUN | TunConstants.IFF_NO_PI | TunConstants.IFF_VNET_HDR | TunConstants.IFF_TUN_EXCL;
        if (Libc.ioctl(fd, TunConstants.TUNSETIFF, &request) != 0)
        {
            throw CreateFailure(name, Marshal.GetLastPInvokeError());
        }
    }
}
