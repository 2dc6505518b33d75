using System.Globalization;

namespace VibePN.Doctor.Firewall;

/// <summary>One line of iptables-save.</summary>
internal sealed class IptablesRule(FirewallTable table, bool isV6)
{
    private readonly List<Func<FirewallPacket, Certainty>> _matches = [];

    /// <param name="words">After the chain's name.</param>
    /// <param name="text">For people.</param>
    public FirewallRule Read(ReadOnlySpan<string> words, string text)
    {
        FirewallAction action = FirewallAction.Continue;
        string? target = null;
        bool isNot = false;
        for (int i = 0; i < words.Length; i++)
        {
            string option = words[i];
            string value = i + 1 < words.Length ? words[i + 1] : "";
            switch (option)
            {
                case "!":
                    isNot = true;
                    continue;
                case "-j":
                    (action, target) = ActionOf(value);
                    // What follows are the target's own options.
                    i = words.Length;
                    continue;
                case "-g":
                    (action, target) = (FirewallAction.Goto, value);
                    i = words.Length;
                    continue;
                case "-m":
                    i++;
                    continue;
                case "--comment":
                    i++;
                    break;
                default:
                    Add(Matching(option, value), isNot);
                    while (i + 1 < words.Length && words[i + 1] is not "!" && (words[i + 1].Length == 0 || words[i + 1][0] != '-'))
                    {
                        i++;
                    }

                    break;
            }

            isNot = false;
        }

        return new FirewallRule(packet => PacketFields.All(_matches, packet), action, target, text);
    }

    private (FirewallAction Action, string? Target) ActionOf(string name) => name switch
    {
        "ACCEPT" => (FirewallAction.Accept, null),
        "DROP" or "REJECT" => (FirewallAction.Drop, null),
        "RETURN" => (FirewallAction.Return, null),
        "NFQUEUE" or "QUEUE" => (FirewallAction.Unknown, null),
        "NOTRACK" or "CT" => Untracked(),
        _ when table.Chains.ContainsKey(name) => (FirewallAction.Jump, name),
        // LOG, MARK, TCPMSS, SET and their like.
        _ => (FirewallAction.Continue, null),
    };

    private (FirewallAction, string?) Untracked()
    {
        table.HasUntracked = true;
        return (FirewallAction.Continue, null);
    }

    private Func<FirewallPacket, Certainty> Matching(string option, string value) => option switch
    {
        "-i" => packet => FirewallValue.OfInterface(packet.InInterface).IsText(value, '+'),
        "-o" => packet => FirewallValue.OfInterface(packet.OutInterface).IsText(value, '+'),
        "-p" when value == "all" => packet => Certainty.Yes,
        "-p" => packet => PacketFields.Protocol(packet).IsText(PacketFields.ProtocolName(value), '\0'),
        "--dport" or "--dports" => packet => Ports(PacketFields.Port(packet, "th", isSource: false), value),
        "--sport" or "--sports" => packet => Ports(PacketFields.Port(packet, "th", isSource: true), value),
        "--ctstate" or "--state" => packet => table.HasUntracked ? Certainty.Maybe
            : value.Contains(packet.State.ToUpperInvariant(), StringComparison.Ordinal) ? Certainty.Yes : Certainty.No,
        "--icmp-type" when !isV6 => packet => value is "8" or "8/0" or "echo-request" or "any" ? PacketFields.IcmpType(packet, false).IsText("echo-request", '\0') : Other(packet, false),
        "--icmpv6-type" when isV6 => packet => value is "128" or "128/0" or "echo-request" ? PacketFields.IcmpType(packet, true).IsText("echo-request", '\0') : Other(packet, true),
        _ => packet => Certainty.Maybe,
    };

    private static Certainty Other(FirewallPacket packet, bool isV6) =>
        PacketFields.IcmpType(packet, isV6).IsKnown ? Certainty.No : Certainty.Maybe;

    private static Certainty Ports(FirewallValue port, string list)
    {
        Certainty any = Certainty.No;
        foreach (string part in list.Split(','))
        {
            Certainty one = part.Split(':') is [var first, var last] ? port.IsBetween(Number(first, 0), Number(last, ushort.MaxValue)) : port.IsText(part, '\0');
            any = one > any ? one : any;
        }

        return any;
    }

    private static long Number(string text, long otherwise) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : otherwise;

    private void Add(Func<FirewallPacket, Certainty> match, bool isNot) => _matches.Add(isNot ? packet => PacketFields.Not(match(packet)) : match);
}
