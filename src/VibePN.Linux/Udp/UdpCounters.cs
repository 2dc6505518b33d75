namespace VibePN.Linux;

/// <summary>What a <see cref="UdpSocket"/> has done so far.</summary>
public struct UdpCounters
{
    /// <summary>Datagrams, not kernel messages.</summary>
    public ulong Received { get; internal set; }
    public ulong ReceivedBytes { get; internal set; }

    /// <summary>Kernel messages: one carries a run of datagrams with UDP_GRO.</summary>
    public ulong ReceivedMessages { get; internal set; }

    /// <summary>Dropped because longer than the buffer, or without a usable address.</summary>
    public ulong ReceiveInvalid { get; internal set; }

    /// <summary>Errors of the network that the kernel reported to a receive call.</summary>
    public ulong ReceiveErrors { get; internal set; }

    public ulong Sent { get; internal set; }
    public ulong SentBytes { get; internal set; }
    public ulong SentMessages { get; internal set; }

    /// <summary>Datagrams lost because larger than the interface's MTU (EMSGSIZE): a failed probe of the path MTU.</summary>
    public ulong LostTooBig { get; internal set; }

    /// <summary>Datagrams lost because the network refused them (no route, ICMP errors, firewall).</summary>
    public ulong LostUnreachable { get; internal set; }

    /// <summary>Datagrams lost by another error.</summary>
    public ulong LostOther { get; internal set; }
}
