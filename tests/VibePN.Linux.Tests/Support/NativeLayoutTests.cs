using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

/// <summary>Compares every declared struct with the C headers of this machine, by a program that the C compiler builds.</summary>
public sealed class NativeLayoutTests
{
    private const string Includes = """
        #define _GNU_SOURCE
        #include <stddef.h>
        #include <stdio.h>
        #include <time.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/socket.h>
        #include <sys/timex.h>
        #include <sys/uio.h>
        #include <sys/epoll.h>
        #include <netinet/in.h>
        #include <net/if.h>
        #include <fcntl.h>
        #include <sched.h>
        #include <sys/eventfd.h>
        #include <sys/ioctl.h>
        #include <errno.h>
        #include <linux/if_tun.h>
        #include <linux/virtio_net.h>
        #include <linux/netlink.h>
        #include <linux/rtnetlink.h>
        #include <linux/fib_rules.h>
        #include <linux/if_addr.h>
        #include <linux/if_link.h>
        #include <netinet/udp.h>
        """;

    private static readonly Dictionary<Type, string> _structs = new()
    {
        [typeof(Timespec)] = "struct timespec",
        [typeof(Timex)] = "struct timex",
        [typeof(Iovec)] = "struct iovec",
        [typeof(Msghdr)] = "struct msghdr",
        [typeof(Mmsghdr)] = "struct mmsghdr",
        [typeof(Cmsghdr)] = "struct cmsghdr",
        [typeof(InPktinfo)] = "struct in_pktinfo",
        [typeof(In6Pktinfo)] = "struct in6_pktinfo",
        [typeof(SockaddrNl)] = "struct sockaddr_nl",
        [typeof(Ifreq)] = "struct ifreq",
        [typeof(Nlmsghdr)] = "struct nlmsghdr",
        [typeof(Rtattr)] = "struct rtattr",
        [typeof(Ifinfomsg)] = "struct ifinfomsg",
        [typeof(Ifaddrmsg)] = "struct ifaddrmsg",
        [typeof(Rtmsg)] = "struct rtmsg",
    };

    /// <summary>Newer than the headers of Debian 12.</summary>
    private static readonly HashSet<string> _notInHeaders = ["TUN_F_USO4", "TUN_F_USO6"];

    [Fact]
    public void Struct_EveryOne_HasSizeAndOffsetsOfC()
    {
        var expected = new List<string>();
        var program = new StringBuilder();
        foreach (var (type, name) in _structs)
        {
            expected.Add($"{name} {SizeOf(type)}");
            program.AppendLine(CultureInfo.InvariantCulture, $"printf(\"{name} %zu\\n\", sizeof({name}));");
            foreach (var field in type.GetFields())
            {
                expected.Add($"{name}.{field.Name} {Marshal.OffsetOf(type, field.Name)}");
                program.AppendLine(CultureInfo.InvariantCulture, $"printf(\"{name}.{field.Name} %zu\\n\", offsetof({name}, {field.Name}));");
            }
        }

        expected.Add($"struct epoll_event {EpollEvent.Size}");
        expected.Add($"struct epoll_event.data {EpollEvent.DataOffset}");
        expected.Add($"struct virtio_net_hdr {VirtioNetHeader.Bytes}");
        expected.Add("struct virtio_net_hdr.gso_type 1");
        expected.Add("struct virtio_net_hdr.hdr_len 2");
        expected.Add("struct virtio_net_hdr.gso_size 4");
        expected.Add("struct virtio_net_hdr.csum_start 6");
        expected.Add("struct virtio_net_hdr.csum_offset 8");
        program.AppendLine("printf(\"struct epoll_event %zu\\n\", sizeof(struct epoll_event));");
        program.AppendLine("printf(\"struct epoll_event.data %zu\\n\", offsetof(struct epoll_event, data));");
        program.AppendLine("printf(\"struct virtio_net_hdr %zu\\n\", sizeof(struct virtio_net_hdr));");
        foreach (var field in new[] { "gso_type", "hdr_len", "gso_size", "csum_start", "csum_offset" })
        {
            program.AppendLine(CultureInfo.InvariantCulture, $"printf(\"struct virtio_net_hdr.{field} %zu\\n\", offsetof(struct virtio_net_hdr, {field}));");
        }

        Assert.Equal(expected, RunC(program.ToString()));
    }

    [Fact]
    public void VirtioNetHeader_Fields_AreWhereTheKernelWritesThem()
    {
        var header = new VirtioNetHeader(VirtioNetBits.NeedsChecksum, VirtioGsoType.TcpV6, 0x0203, 0x0405, 0x0607, 0x0809);

        var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<VirtioNetHeader>(in header)).ToArray();

        Assert.Equal([1, 4, 0x03, 0x02, 0x05, 0x04, 0x07, 0x06, 0x09, 0x08], bytes);
    }

    [Fact]
    public void Constant_EveryOne_HasTheValueOfC()
    {
        var expected = new List<string>();
        var program = new StringBuilder();
        foreach (var type in new[] { typeof(Libc), typeof(SocketConstants), typeof(TunConstants), typeof(NetlinkConstants), typeof(Errno) })
        {
            foreach (var field in type.GetFields().Where(f => f.IsLiteral && !_notInHeaders.Contains(f.Name)))
            {
                var value = Convert.ToInt64(field.GetRawConstantValue() switch { nuint n => (long)n, var v => v }, CultureInfo.InvariantCulture);
                expected.Add($"{field.Name} {value & 0xffffffff}");
                program.AppendLine(CultureInfo.InvariantCulture, $"printf(\"{field.Name} %lu\\n\", (unsigned long)({field.Name}) & {Mask(field.FieldType)});");
            }
        }

        // TUNSETIFF and the like are 32 bits; shorts are compared as such.
        Assert.Equal(expected.Select(line => Narrow(line)), RunC(program.ToString()).Select(line => Narrow(line)));
    }

    private static string Mask(Type type) => type == typeof(short) || type == typeof(ushort) ? "0xfffful" : "0xfffffffful";

    private static string Narrow(string line)
    {
        var parts = line.Split(' ');
        var value = ulong.Parse(parts[1], CultureInfo.InvariantCulture);
        return parts[0] == "IFF_TUN_EXCL" ? $"{parts[0]} {value & 0xffff}" : line;
    }

    private static int SizeOf(Type type) => Marshal.SizeOf(type);

    private static List<string> RunC(string body)
    {
        var folder = Directory.CreateTempSubdirectory($"vibepn-test-{Environment.ProcessId}-");
        try
        {
            var source = Path.Combine(folder.FullName, "layout.c");
            var program = Path.Combine(folder.FullName, "layout");
            File.WriteAllText(source, $"{Includes}\nint main(void)\n{{\n{body}return 0;\n}}\n");
            _ = Run("gcc", ["-o", program, source]);
            return [.. Run(program, []).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {errors}");
        return output;
    }
}
