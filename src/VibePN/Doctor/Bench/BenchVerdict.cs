using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>What limits a line, from what was measured of it. Pure.</summary>
internal static class BenchVerdict
{
    /// <summary>A tunnel that carries this share of what the line carries without it is not what limits.</summary>
    private const double LineShare = 0.85;

    /// <summary>Of one core: the daemon has one thread for packets.</summary>
    private const double BusyDaemon = 0.9;

    /// <summary>Of all processors: they are never quite busy where threads hand packets on to each other.</summary>
    private const double BusyHost = 0.85;

    /// <summary>From this loss on TCP suffers.</summary>
    private const double MuchLoss = 0.005;

    /// <summary>Packets of this size and less are cut, or are many.</summary>
    private const int SmallMtuBytes = 1280;

    /// <summary>What an Ethernet without another tunnel carries is larger.</summary>
    private const int ReducedMtuBytes = 1400;

    /// <summary>A round trip that rises by more has waited in a queue.</summary>
    private const double MuchMillis = 20;

    private const double MuchUdpLoss = 0.01;
    private const double MuchJitterMillis = 10;

    /// <param name="measured">Its answer and steps are not looked at.</param>
    /// <param name="steps">Gets what was found.</param>
    /// <returns>The answer.</returns>
    public static string Judge(BenchDto measured, List<FindingDto> steps)
    {
        (string Check, string Text)? up = Limit(measured, isUp: true, steps), down = Limit(measured, isUp: false, steps);
        Processors(measured, steps);
        Ends(measured, steps);
        Queues(measured, steps);
        Udp(measured, steps);
        if (measured.InsideProblem is { } problem)
        {
            Add(steps, FindingSeverity.Warning, "inside", $"not all was measured inside: {problem}", cure: $"let the firewall of {measured.Peer} take that port, TCP and UDP, from the tunnel");
        }

        if (measured.OutsideProblem is { } reason)
        {
            Add(
                steps,
                FindingSeverity.Info,
                "outside",
                $"not measured outside of the tunnel, or not all: {reason}",
                "a firewall or a translator (NAT) on the way, which the tunnel does not mind",
                $"let TCP and UDP of that port through to {measured.Peer}, or measure from {measured.Peer}");
        }

        return Answer(measured, up, down);
    }

    private static string Answer(BenchDto measured, (string Check, string Text)? up, (string Check, string Text)? down)
    {
        string answer = up is null && down is null ? measured.Flows.Any(flow => flow.Inside) ? "no TCP flow was measured inside to the end" : "nothing was measured inside of the tunnel"
            : up is null || down is null ? (up ?? down)!.Value.Text
            : up.Value.Text == down.Value.Text ? $"both ways: {up.Value.Text}"
            : $"up: {up.Value.Text}; down: {down.Value.Text}";
        return measured.Complete ? answer : $"ended early; {answer}";
    }

    /// <summary>Of one direction, the first that the figures show.</summary>
    private static (string Check, string Text)? Limit(BenchDto measured, bool isUp, List<FindingDto> steps)
    {
        if (Flow(measured, isUp, inside: true) is not { } inside)
        {
            return null;
        }

        BenchFlowDto? outside = Flow(measured, isUp, inside: false);
        BenchEndDto? sender = isUp ? measured.Here : measured.There;
        string way = isUp ? "up" : "down";
        string rates = outside is null
            ? $"{way}: {Rate(inside)} inside"
            : $"{way}: {Rate(inside)} inside, {Rate(outside)} outside{(outside.MegabitsPerSecond > 0 ? $" ({BenchText.Of(inside.MegabitsPerSecond * 100 / outside.MegabitsPerSecond, "0")} %)" : "")}";
        bool isAsFast = outside is not null && inside.MegabitsPerSecond >= outside.MegabitsPerSecond * LineShare;
        bool isSlower = outside is not null && !isAsFast;
        double rise = Rise(inside, measured.IdleMillis);

        (string Check, string Text) limit =
            isAsFast ? ("line", "the line itself: the tunnel carries what the line carries without it")
            : inside.DaemonHere >= BusyDaemon ? ("processor", "the processor of this node, which the daemon keeps busy")
            : inside.DaemonThere >= BusyDaemon ? ("processor", $"the processor of {measured.Peer}, which the daemon keeps busy")
            : inside.BusyHere >= BusyHost ? ("processor", "the processors of this node, all of which are busy")
            : inside.BusyThere >= BusyHost ? ("processor", $"the processors of {measured.Peer}, all of which are busy")
            : sender?.Loss >= MuchLoss ? ("loss", $"loss: the path loses {BenchText.Percent(sender.Loss.Value)}")
            : sender?.MtuBytes <= SmallMtuBytes ? ("mtu", $"the path's size: it carries packets of {sender.MtuBytes} bytes at most")
            : isSlower && sender?.QueueMillis >= MuchMillis ? ("queue", "the tunnel's own congestion control, which takes the line for slower than TCP outside does")
            : rise >= MuchMillis ? ("line", "the line itself, as far as can be told without figures from outside: it is full, and packets wait for it")
            : isSlower ? ("window", "neither line, processor, loss nor size, so TCP itself: the window of sender or receiver, or one core in the kernel")
            : ("unknown", "nothing that shows: neither processor, loss, size nor a queue, so the line itself or TCP's window; figures from outside would tell");
        switch (limit.Check)
        {
            case "line" when isAsFast:
                Add(steps, FindingSeverity.Ok, "line", rates);
                break;
            case "window":
                Add(
                    steps,
                    FindingSeverity.Info,
                    "window",
                    rates,
                    measured.IdleMillis is { } idle ? $"{Rate(inside)} at {BenchText.Millis(idle)} are {BenchText.Of(inside.MegabitsPerSecond * idle / 8, "0")} kB under way" : null,
                    "try more --time; look at net.ipv4.tcp_rmem and tcp_wmem on both sides, and at net.ipv4.tcp_congestion_control");
                break;
            case "queue":
                Add(
                    steps,
                    FindingSeverity.Info,
                    "queue",
                    $"{rates}; up to {BenchText.Millis(sender!.QueueMillis!.Value)} in the queue of {(isUp ? "this node" : measured.Peer)}",
                    "it paces what it sends by the round trips and losses that it sees",
                    "measure again with more --time, and with nothing else on the line");
                break;
            default:
                Add(steps, isSlower ? FindingSeverity.Info : FindingSeverity.Ok, "line", rates);
                break;
        }

        return limit;
    }

    private static void Processors(BenchDto measured, List<FindingDto> steps)
    {
        double here = 0, there = 0, hereAll = 0, thereAll = 0;
        foreach (BenchFlowDto flow in measured.Flows)
        {
            if (flow.Inside)
            {
                (here, there) = (Math.Max(here, flow.DaemonHere ?? 0), Math.Max(there, flow.DaemonThere ?? 0));
                (hereAll, thereAll) = (Math.Max(hereAll, flow.BusyHere ?? 0), Math.Max(thereAll, flow.BusyThere ?? 0));
            }
        }

        Processor(steps, "this node", here, hereAll);
        Processor(steps, measured.Peer, there, thereAll);
    }

    private static void Processor(List<FindingDto> steps, string who, double daemon, double all)
    {
        string load = $"{who}: the daemon takes up to {BenchText.Of(daemon * 100, "0")} % of a core, all processors are busy up to {BenchText.Of(all * 100, "0")} %";
        if (daemon >= BusyDaemon)
        {
            Add(steps, FindingSeverity.Warning, "processor", load, "its packets go by one thread, which has no time left", "a faster processor; 'vibepn doctor' says whether libipsec-mb and offloads are missing there");
        }
        else if (all >= BusyHost)
        {
            Add(steps, FindingSeverity.Warning, "processor", load, "other programs and the kernel take part in it", $"see 'top' on {who} for what else runs");
        }
        else if (daemon > 0 || all > 0)
        {
            Add(steps, FindingSeverity.Ok, "processor", load);
        }
    }

    private static void Ends(BenchDto measured, List<FindingDto> steps)
    {
        End(steps, measured.Here, "this node", $"to {measured.Peer}");
        End(steps, measured.There, measured.Peer, $"from {measured.Peer}");
    }

    private static void End(List<FindingDto> steps, BenchEndDto? end, string who, string way)
    {
        if (end?.Loss is { } loss)
        {
            string repair = end.Repair switch
            {
                true => "repair was on",
                false => "repair was off",
                null => "repair is not to be had with this peer",
            };
            Add(
                steps,
                loss < MuchLoss ? FindingSeverity.Ok : FindingSeverity.Warning,
                "loss",
                $"{BenchText.Percent(loss)} lost {way}; {repair}",
                loss < MuchLoss ? null : "a bad line, Wi-Fi, or a line whose buffer overflows while it is full",
                loss < MuchLoss ? null : end.Repair == null ? "bring both nodes to the same version: repair hides such loss from TCP" : "look for it hop by hop: mtr to the peer's address outside");
        }

        if (end?.MtuBytes is { } mtu)
        {
            bool isSmall = mtu <= SmallMtuBytes;
            Add(
                steps,
                isSmall ? FindingSeverity.Warning : mtu < ReducedMtuBytes ? FindingSeverity.Info : FindingSeverity.Ok,
                "mtu",
                $"packets of {mtu} bytes go {way} whole",
                isSmall ? "larger ones go in two, and every packet costs the same, large or small" : mtu < ReducedMtuBytes ? "less than an Ethernet carries: PPPoE, or another tunnel below" : null,
                mtu < ReducedMtuBytes ? "raise the MTU of what is on the way, or let ICMP 'too big' through" : null);
        }

        if (end is { OffloadsOff.Count: > 0 })
        {
            Add(steps, FindingSeverity.Info, "offloads", $"{who}: {string.Join(", ", end.OffloadsOff)} not in use", "each packet costs a call of its own then", $"'vibepn status --json' on {who} says why; see [tuning]");
        }
    }

    private static void Queues(BenchDto measured, List<FindingDto> steps)
    {
        foreach (BenchFlowDto flow in measured.Flows)
        {
            if (!flow.Inside || flow.Protocol != "tcp" || flow.LoadedMillis is not { } loaded || measured.IdleMillis is not { } idle)
            {
                continue;
            }

            BenchEndDto? sender = flow.Up ? measured.Here : measured.There;
            double rise = Rise(flow, idle);
            string what = $"{(flow.Up ? "up" : "down")}: {BenchText.Millis(idle)} idle, {BenchText.Millis(loaded)} under load";
            if (rise < MuchMillis)
            {
                Add(steps, FindingSeverity.Ok, "delay", what);
            }
            else if (sender?.QueueMillis >= rise / 2)
            {
                Add(steps, FindingSeverity.Info, "delay", what, $"packets wait in the queue of {(flow.Up ? "this node" : measured.Peer)}, which keeps flows apart: small ones need not wait");
            }
            else
            {
                Add(steps, FindingSeverity.Warning, "delay", what, "packets wait in a buffer of the line, behind this flow (bufferbloat)", "limit the router in front of the line to a little less than its rate (SQM: cake, fq_codel)");
            }
        }
    }

    private static void Udp(BenchDto measured, List<FindingDto> steps)
    {
        foreach (BenchFlowDto flow in measured.Flows)
        {
            if (flow is not { Protocol: "udp", Loss: { } loss })
            {
                continue;
            }

            string what = $"{(flow.Up ? "up" : "down")} {(flow.Inside ? "inside" : "outside")}: {BenchText.Percent(loss)} of {flow.Sent} datagrams lost at {Rate(flow)} received, jitter {BenchText.Of(flow.JitterMillis ?? 0, "0.00")} ms, {flow.Reordered} out of order";
            bool isBad = loss >= MuchUdpLoss || flow.JitterMillis >= MuchJitterMillis;
            Add(
                steps,
                isBad ? FindingSeverity.Warning : FindingSeverity.Ok,
                "udp",
                what,
                isBad ? flow.Inside ? "the line carries less than --udp-rate, or loses; UDP is not repaired, so that it is not delayed" : "the line does so by itself" : null,
                isBad ? "try a smaller --udp-rate: loss that stays is the line's" : null);
        }
    }

    private static BenchFlowDto? Flow(BenchDto measured, bool isUp, bool inside)
    {
        foreach (BenchFlowDto flow in measured.Flows)
        {
            if (flow.Protocol == "tcp" && flow.Up == isUp && flow.Inside == inside)
            {
                return flow;
            }
        }

        return null;
    }

    private static double Rise(BenchFlowDto flow, double? idle) => flow.LoadedMillis is { } loaded && idle is { } calm ? loaded - calm : 0;

    private static string Rate(BenchFlowDto flow) => BenchText.Rate(flow.MegabitsPerSecond);

    private static void Add(List<FindingDto> steps, FindingSeverity severity, string check, string what, string? cause = null, string? cure = null) =>
        steps.Add(new FindingDto { Severity = severity, Check = check, What = what, Cause = cause, Cure = cure });
}
