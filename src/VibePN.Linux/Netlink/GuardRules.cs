using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// The two policy rules, for each family, by which packets find <see cref="HostNetwork.GuardedTable"/>. The first lets every route of the main
/// table but the default one go before; the second sends there what does not carry <see cref="HostNetwork.Mark"/>, which is everything but our own
/// datagrams. They are known by their protocol number, hold nothing back when the table is empty, and are there only while some route is in it.
/// </summary>
internal static class GuardRules
{
    /// <summary>After the local table (0) and before what others usually have (wg-quick 32764, main 32766).</summary>
    private const uint MainPriority = 12_341;

    private const uint GuardedPriority = 12_342;

    /// <summary>Adds what is missing of a family's rules.</summary>
    public static void Ensure(byte family, IReadOnlyList<Rule> present, Action<NetlinkRequest, string> change)
    {
        foreach (var priority in new[] { MainPriority, GuardedPriority })
        {
            if (!present.Contains(new Rule(family, priority)))
            {
                change(Request(NetlinkConstants.RTM_NEWRULE, NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL, family, priority), "add routing rule");
            }
        }
    }

    /// <summary>Removes what is there of a family's rules.</summary>
    public static void Remove(byte family, IReadOnlyList<Rule> present, Action<NetlinkRequest, string> change)
    {
        // The first to be made is the last to go: without it a default route of ours would hide the host's own routes.
        foreach (var rule in present.Where(rule => rule.Family == family).OrderByDescending(rule => rule.Priority))
        {
            change(Request(NetlinkConstants.RTM_DELRULE, 0, family, rule.Priority), "remove routing rule");
        }
    }

    /// <summary>Ours, of both families.</summary>
    public static List<Rule> Read(NetlinkSocket netlink)
    {
        var found = new List<Rule>();
        foreach (var family in new[] { (byte)SocketConstants.AF_INET, (byte)SocketConstants.AF_INET6 })
        {
            var before = found.Count;
            var request = NetlinkRequest.Create(NetlinkConstants.RTM_GETRULE, NetlinkConstants.NLM_F_DUMP, new FibRuleHdr { family = family });
            try
            {
                netlink.Dump(
                    request,
                    "read routing rules",
                    () => found.RemoveRange(before, found.Count - before),
                    (in NetlinkMessage message) =>
                    {
                        if (ReadRule(message) is { } rule && rule.Family == family)
                        {
                            found.Add(rule);
                        }
                    });
            }
            catch (LinuxException failure) when (failure.ErrorNumber is Errno.EAFNOSUPPORT or Errno.EOPNOTSUPP)
            {
                // A kernel without this family, or without policy routing.
            }
        }

        return found;
    }

    private static Rule? ReadRule(in NetlinkMessage message)
    {
        if (message.Header.nlmsg_type != NetlinkConstants.RTM_NEWRULE || !message.TryReadBody(out FibRuleHdr header, out var attributes))
        {
            return null;
        }

        var isOurs = false;
        uint priority = 0;
        foreach (var attribute in attributes)
        {
            if (attribute.Type == NetlinkConstants.FRA_PRIORITY)
            {
                priority = attribute.UInt32;
            }
            else if (attribute.Type == NetlinkConstants.FRA_PROTOCOL)
            {
                isOurs = attribute.Value is [HostNetwork.RouteProtocol];
            }
        }

        return isOurs && priority is MainPriority or GuardedPriority ? new Rule(header.family, priority) : null;
    }

    private static NetlinkRequest Request(ushort type, int flags, byte family, uint priority)
    {
        var isMain = priority == MainPriority;
        var header = new FibRuleHdr
        {
            family = family,
            action = NetlinkConstants.FR_ACT_TO_TBL,
            flags = isMain ? 0 : NetlinkConstants.FIB_RULE_INVERT,
        };
        var request = NetlinkRequest.Create(type, (ushort)(flags | NetlinkConstants.NLM_F_ACK), header)
            .Add(NetlinkConstants.FRA_PRIORITY, priority)
            .Add(NetlinkConstants.FRA_PROTOCOL, HostNetwork.RouteProtocol)
            .Add(NetlinkConstants.FRA_TABLE, isMain ? NetlinkConstants.RT_TABLE_MAIN : HostNetwork.GuardedTable);
        return isMain
            ? request.Add(NetlinkConstants.FRA_SUPPRESS_PREFIXLEN, 0u)
            : request.Add(NetlinkConstants.FRA_FWMARK, HostNetwork.Mark).Add(NetlinkConstants.FRA_FWMASK, uint.MaxValue);
    }

    internal readonly record struct Rule(byte Family, uint Priority);
}
