using System.Globalization;
using System.Net;
using System.Net.Sockets;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;
using VibePN.Linux;

namespace VibePN.Doctor.Checks;

/// <summary>What the daemon needs of the host before any network.</summary>
internal static class SystemChecks
{
    private static readonly string[] BufferLimits = ["rmem_max", "wmem_max"];

    /// <summary>No VibePN is older, so no clock that is right shows less.</summary>
    private static readonly DateTimeOffset FirstRelease = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static IEnumerable<Finding> Capabilities(HostFacts facts)
    {
        ProcessFacts process = facts.Process;
        bool isDaemon = process.DaemonCapabilities is not null;
        if (!isDaemon && !process.IsRoot)
        {
            yield return Finding.Skip("without a running daemon, and not as root, its rights cannot be seen");
            yield break;
        }

        ulong capabilities = process.DaemonCapabilities ?? process.Capabilities;
        string who = isDaemon ? "the daemon" : "root here";
        const string Cure = "run it by the systemd unit, as root, or give the container --cap-add NET_ADMIN";
        bool any = false;
        if (!ProcessFacts.Has(capabilities, ProcessFacts.NetAdmin))
        {
            any = true;
            yield return Finding.Error($"{who} lacks CAP_NET_ADMIN", "without it there are no interfaces and no routes", Cure);
        }

        if (facts.Config.Config is { Node.Listen.Port: > 0 and < 1024 and var port } && !ProcessFacts.Has(capabilities, ProcessFacts.NetBindService))
        {
            any = true;
            yield return Finding.Error($"{who} lacks CAP_NET_BIND_SERVICE, which port {port} needs", cure: "take a port from 1024", place: facts.Config.Places?.Of("node", "listen"));
        }

        if (!ProcessFacts.Has(capabilities, ProcessFacts.SysNice))
        {
            any = true;
            yield return Finding.Info(
                $"{who} lacks CAP_SYS_NICE",
                "the packet thread then does not go before other programs; on a busy host small packets wait and get lost",
                "AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_NICE in the unit, or --cap-add SYS_NICE");
        }

        if (!any)
        {
            yield return Finding.Ok($"{who} has CAP_NET_ADMIN and CAP_SYS_NICE");
        }
    }

    public static IEnumerable<Finding> Tun(HostFacts facts) => [facts.System switch
    {
        { TunProblem: null } => Finding.Ok("/dev/net/tun can be opened"),
        { IsTunHidden: true, TunProblem: { } problem } when !facts.Process.IsRoot => Finding.Skip($"{problem}; run as root"),
        { TunProblem: { } problem } => Finding.Error(
            problem,
            "without it there is no interface",
            "modprobe tun; for a container: --device /dev/net/tun"),
    }];

    public static IEnumerable<Finding> Libraries(HostFacts facts) => [facts.System.LibraryProblem is { } problem
        ? Finding.Error(problem)
        : Finding.Ok($"ngtcp2 {facts.System.NgTcp2}, GnuTLS {facts.System.GnuTls}")];

    public static IEnumerable<Finding> Accelerator(HostFacts facts)
    {
        if (facts.System.LibraryProblem is not null)
        {
            return [Finding.Skip("the libraries are missing")];
        }

        string protection = facts.Daemon.Status?.PacketProtection ?? facts.System.PacketProtection ?? "unknown";
        return [protection.StartsWith("none", StringComparison.Ordinal) ? Finding.Error(
                $"packets cannot be sealed: {protection}", cure: "set crypto = \"auto\" in [tuning], or install libipsec-mb", place: facts.Config.Places?.Of("tuning", "crypto"))
            : !protection.Contains("GnuTLS", StringComparison.Ordinal) ? Finding.Ok($"packets are sealed by {protection}")
            : Finding.Info($"packets are sealed by {protection}", "libipsec-mb seals faster on x86-64", "apt install libipsec-mb1 (libipsec-mb2 from Debian 13 on), then restart the daemon")];
    }

    public static IEnumerable<Finding> Clock(HostFacts facts)
    {
        string now = facts.NowUtc.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        const string Cure = "timedatectl set-ntp true, or set it by hand: date -s";
        bool any = false;
        if (facts.NowUtc < FirstRelease)
        {
            any = true;
            yield return Finding.Error($"the clock says {now} UTC, which is before VibePN existed", "certificates seem not to be valid yet", Cure);
        }
        else if (facts.Identity?.NotBeforeUtc is { } start && facts.NowUtc < start)
        {
            any = true;
            yield return Finding.Error(
                string.Create(CultureInfo.InvariantCulture, $"the clock says {now} UTC, but the own certificate is valid from {start:yyyy-MM-dd HH:mm} on"),
                "the clock here, or that of the host that made the certificate, is wrong",
                Cure);
        }

        if (facts.System.IsClockSynchronized == false)
        {
            any = true;
            yield return Finding.Info("nobody keeps the clock right, says the kernel", "it drifts, until certificates and invites seem expired or not yet valid", "timedatectl set-ntp true");
        }

        if (!any)
        {
            yield return Finding.Ok($"the clock says {now} UTC{(facts.System.IsClockSynchronized == true ? " and is synchronised" : "")}");
        }
    }

    public static IEnumerable<Finding> Port(HostFacts facts)
    {
        if (facts.Config.Config is not { } config)
        {
            return [Finding.Skip("there is no config that loads")];
        }

        IPEndPoint listen = config.Node.Listen;
        string? place = facts.Config.Places?.Of("node", "listen");
        if (!listen.Address.Equals(IPAddress.Any) && !listen.Address.Equals(IPAddress.IPv6Any) && !IPAddress.IsLoopback(listen.Address)
            && facts.Network.Problem is null && !facts.Network.Addresses.Any(own => own.Address.Address.Equals(listen.Address)))
        {
            return [Finding.Error($"'listen' is {listen}, but no interface of this host has {listen.Address}", cure: "listen = \"[::]:" + listen.Port + "\" takes all addresses", place: place)];
        }

        if (listen.Port == 0)
        {
            return [Finding.Ok("any free port is taken")];
        }

        int? own = facts.Daemon.Status?.Pid;
        foreach (UdpHolder holder in facts.System.UdpSockets.Where(held => held.Local.Port == listen.Port && MeetsAddress(held.Local.Address, listen.Address)))
        {
            if (own is not null && (holder.Pid == own || (holder.Pid is null && holder.UserId == facts.Process.DaemonUserId && DaemonListensOn(facts, listen.Port))))
            {
                return [Finding.Ok($"the daemon has UDP port {listen.Port}")];
            }

            return [Finding.Error(
                $"UDP port {listen.Port} is taken by {holder.Holder ?? $"a program of {Accounts.NameOfUser(holder.UserId)}"}",
                "the daemon cannot start beside it",
                $"end that program, or set another port in [node] listen (ss -lunp sport = :{listen.Port} shows it)",
                place)];
        }

        return [own is null || DaemonListensOn(facts, listen.Port)
            ? Finding.Ok($"UDP port {listen.Port} is {(own is null ? "free" : "the daemon's")}")
            : Finding.Ok($"UDP port {listen.Port} is free; the daemon listens on {string.Join(", ", facts.Daemon.Status!.Listen)}")];
    }

    /// <summary>Only a socket without CAP_NET_ADMIN is bound by the limits.</summary>
    public static IEnumerable<Finding> Buffers(HostFacts facts)
    {
        int wanted = new UdpOptions().SocketBufferBytes;
        ulong? capabilities = facts.Process.DaemonCapabilities ?? (facts.Process.IsRoot ? facts.Process.Capabilities : null);
        if (capabilities is { } bits && ProcessFacts.Has(bits, ProcessFacts.NetAdmin))
        {
            return [Finding.Ok("the daemon may exceed the limits of socket buffers")];
        }

        (string Name, int? Value)[] limits = [.. BufferLimits.Select(name => (name, facts.System.Sysctl("net/core/" + name)))];
        if (capabilities is null || limits.All(limit => limit.Value is null))
        {
            return [Finding.Skip("without the daemon's rights, what it gets is not known")];
        }

        Finding[] low =
        [
            .. limits.Where(limit => limit.Value < wanted).Select(limit => Finding.Info(
                $"net.core.{limit.Name} is {limit.Value}, and a socket buffer of {wanted} is wanted",
                "bursts are lost when the daemon is not quick enough",
                $"sysctl -w net.core.{limit.Name}={wanted}")),
        ];
        return low.Length > 0 ? low : [Finding.Ok("the limits of socket buffers are high enough")];
    }

    public static IEnumerable<Finding> Offloads(HostFacts facts)
    {
        List<Offload> all = [];
        if (facts.Daemon.Status is { } status)
        {
            all.Add(new("UDP GSO", Reason(status.Offloads.UdpGso, status.Offloads.UdpGsoReason)));
            all.Add(new("UDP GRO", Reason(status.Offloads.UdpGro, status.Offloads.UdpGroReason)));
            foreach (NetworkDto network in status.Networks)
            {
                all.Add(new($"TCP offload of {network.Interface}", network.Offloads is { } tun ? Reason(tun.Tcp, tun.TcpReason) : null));
                all.Add(new($"UDP offload of {network.Interface}", network.Offloads is { } tun2 ? Reason(tun2.Udp, tun2.UdpReason) : null));
            }
        }
        else if (facts.System.Offloads is { } trial)
        {
            all = [new("UDP GSO", trial.UdpGso), new("UDP GRO", trial.UdpGro), new("TCP offload of interfaces", trial.TunTcp), new("UDP offload of interfaces", trial.TunUdp)];
        }
        else
        {
            return [Finding.Skip("they could not be tried")];
        }

        Finding[] missing = [.. all.Where(one => one.Reason is not null).Select(one => Finding.Info($"{one.Name} is not used: {one.Reason}", "packets go one by one, which costs speed"))];
        return missing.Length > 0 ? missing : [Finding.Ok("UDP GSO and GRO, TCP and UDP offloads of interfaces work")];
    }

    private static string? Reason(bool isUsed, string? reason) => isUsed ? null : reason ?? "the daemon does not say why";

    private static bool DaemonListensOn(HostFacts facts, int port) =>
        facts.Daemon.Status!.Listen.Any(text => IPEndPoint.TryParse(text, out IPEndPoint? bound) && bound.Port == port);

    /// <summary>Whether a socket bound to <paramref name="held"/> keeps one from <paramref name="wanted"/>: ours takes both families where it listens on [::].</summary>
    private static bool MeetsAddress(IPAddress held, IPAddress wanted)
    {
        held = held.IsIPv4MappedToIPv6 ? held.MapToIPv4() : held;
        wanted = wanted.IsIPv4MappedToIPv6 ? wanted.MapToIPv4() : wanted;
        return held.Equals(wanted)
            || wanted.Equals(IPAddress.IPv6Any)
            || held.Equals(IPAddress.IPv6Any)
            || (wanted.Equals(IPAddress.Any) && held.AddressFamily == AddressFamily.InterNetwork)
            || (held.Equals(IPAddress.Any) && wanted.AddressFamily == AddressFamily.InterNetwork);
    }

    /// <param name="Reason">Why it is not used; null: it is.</param>
    private sealed record Offload(string Name, string? Reason);
}
