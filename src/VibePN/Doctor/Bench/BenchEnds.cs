using System.Net;
using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>What a daemon's status says about the way to one peer, as a measurement has use for it.</summary>
internal static class BenchEnds
{
    /// <summary>In the order of the bits of <see cref="BenchFlags"/>.</summary>
    private static readonly string[] Offloads = ["udpGso", "udpGro", "tcp", "udp"];

    /// <summary>The peer that has this address inside.</summary>
    public static Func<PeerDto, bool> Named(IPAddress address)
    {
        string text = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
        return peer => peer.Addresses.Contains(text);
    }

    /// <returns>Null: the daemon does not say.</returns>
    public static BenchEndDto? Of(StatusDto? status, Func<PeerDto, bool> isIt)
    {
        PeerDto? peer = status?.Peers.FirstOrDefault(isIt);
        if (status is null || peer is null)
        {
            return null;
        }

        List<string> off = [];
        Note(off, !status.Offloads.UdpGso, "udpGso");
        Note(off, !status.Offloads.UdpGro, "udpGro");
        foreach (NetworkDto network in status.Networks)
        {
            if (peer.Networks.Contains(network.Name) && network.Offloads is { } offloads)
            {
                Note(off, !offloads.Tcp, "tcp");
                Note(off, !offloads.Udp, "udp");
            }
        }

        return new BenchEndDto
        {
            MtuBytes = peer.MtuBytes,
            Loss = peer.Repair is { } repair ? Math.Max(repair.Loss, repair.On ? peer.Parity?.Loss ?? 0 : 0) : peer.Loss,
            Repair = peer.Repair?.On,
            QueueMillis = peer.Queue.MaxWaitMillis,
            OffloadsOff = off,
        };
    }

    public static BenchEndDto OfMessage(BenchMessage message)
    {
        List<string> off = [];
        for (int i = 0; i < Offloads.Length; i++)
        {
            Note(off, ((int)message.Flags & (1 << i)) != 0, Offloads[i]);
        }

        return new BenchEndDto
        {
            MtuBytes = message.MtuBytes > 0 ? message.MtuBytes : null,
            Loss = message.Loss,
            Repair = (message.Flags & BenchFlags.RepairKnown) == 0 ? null : (message.Flags & BenchFlags.RepairOn) != 0,
            QueueMillis = message.QueueMillis,
            OffloadsOff = off,
        };
    }

    public static BenchFlags FlagsOf(BenchEndDto end)
    {
        BenchFlags flags = end.Repair is { } on ? BenchFlags.RepairKnown | (on ? BenchFlags.RepairOn : 0) : 0;
        for (int i = 0; i < Offloads.Length; i++)
        {
            flags |= end.OffloadsOff.Contains(Offloads[i]) ? (BenchFlags)(1 << i) : 0;
        }

        return flags;
    }

    /// <summary>Both seen: the worse of each.</summary>
    public static BenchEndDto? Worst(BenchEndDto? one, BenchEndDto? other) => one is null ? other
        : other is null ? one
        : new BenchEndDto
        {
            MtuBytes = one.MtuBytes is { } a && other.MtuBytes is { } b ? Math.Min(a, b) : one.MtuBytes ?? other.MtuBytes,
            Loss = one.Loss is { } c && other.Loss is { } d ? Math.Max(c, d) : one.Loss ?? other.Loss,
            Repair = one.Repair == true ? true : other.Repair ?? one.Repair,
            QueueMillis = Math.Max(one.QueueMillis ?? 0, other.QueueMillis ?? 0),
            OffloadsOff = other.OffloadsOff,
        };

    private static void Note(List<string> names, bool isOff, string name)
    {
        if (isOff && !names.Contains(name))
        {
            names.Add(name);
        }
    }
}
