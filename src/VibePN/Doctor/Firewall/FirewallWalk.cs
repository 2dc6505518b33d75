namespace VibePN.Doctor.Firewall;

/// <summary>
/// Takes a kind of packets through a firewall's chains. A rule that drops only some of them (an address list, a rate) is passed over: what is sought is
/// where the rest ends. It ends in a drop for sure only if no rule before that accepts some.
/// </summary>
internal sealed class FirewallWalk
{
    /// <summary>The kernel refuses deeper jumps (NFT_JUMP_STACK_SIZE).</summary>
    private const int MaxDepth = 16;

    private readonly FirewallTable _table;
    private readonly FirewallPacket _packet;
    private bool _acceptsSome;
    private Certainty? _end;
    private string? _by;

    private FirewallWalk(FirewallTable table, FirewallPacket packet)
    {
        _table = table;
        _packet = packet;
    }

    /// <summary>Through every chain on the way; the first that drops them is told.</summary>
    public static FirewallVerdict Judge(IEnumerable<FirewallTable> tables, FirewallPacket packet)
    {
        FirewallVerdict worst = FirewallVerdict.Passed;
        List<BaseChain> way = [];
        foreach (FirewallTable table in tables.Where(table => table.Sees(packet)))
        {
            foreach (FirewallChain chain in table.Chains.Values)
            {
                if (chain.Hook is { } hook && packet.Hooks.Contains(hook) && (chain.Device is null || chain.Device == packet.InInterface))
                {
                    way.Add(new BaseChain(table, chain, Array.IndexOf([.. packet.Hooks], hook)));
                }
            }
        }

        way.Sort(static (one, other) => one.Order != other.Order ? one.Order.CompareTo(other.Order) : one.Chain.Priority.CompareTo(other.Chain.Priority));
        foreach (BaseChain entry in way)
        {
            FirewallVerdict verdict = new FirewallWalk(entry.Table, packet).Judge(entry.Chain);
            worst = verdict.Passes < worst.Passes ? verdict : worst;
        }

        return worst;
    }

    private FirewallVerdict Judge(FirewallChain chain)
    {
        if (Walk(chain, isAll: true, depth: 0) && chain.DropsByPolicy)
        {
            End(Certainty.No, $"policy drop of {chain.Name}");
        }

        return _end switch
        {
            null or Certainty.Yes => FirewallVerdict.Passed,
            Certainty.No when !_acceptsSome => new FirewallVerdict(Certainty.No, _table, chain, _by),
            _ => new FirewallVerdict(Certainty.Maybe, _table, chain, _by),
        };
    }

    /// <param name="chain">Entered.</param>
    /// <param name="isAll">False: only by some packets of the kind; the others are elsewhere.</param>
    /// <param name="depth">Of jumps.</param>
    /// <returns>False: none of those that entered comes back.</returns>
    private bool Walk(FirewallChain chain, bool isAll, int depth)
    {
        bool returned = false;
        foreach (FirewallRule rule in chain.Rules)
        {
            Certainty matches = rule.Matches(_packet);
            if (matches == Certainty.No || rule.Action == FirewallAction.Continue)
            {
                continue;
            }

            bool takesRest = matches == Certainty.Yes;
            bool takesAll = takesRest && isAll && !returned;
            switch (rule.Action)
            {
                case FirewallAction.Accept:
                    _acceptsSome |= !takesAll;
                    if (takesAll)
                    {
                        End(Certainty.Yes, rule.Text);
                    }

                    break;
                case FirewallAction.Drop when takesAll:
                    End(Certainty.No, rule.Text);
                    break;
                case FirewallAction.Drop:
                    break;
                case FirewallAction.Unknown:
                    _acceptsSome = true;
                    if (takesAll)
                    {
                        End(Certainty.Maybe, rule.Text);
                    }

                    break;
                case FirewallAction.Return:
                    if (takesRest)
                    {
                        return true;
                    }

                    returned = true;
                    continue;
                default:
                    bool comesBack = !_table.Chains.TryGetValue(rule.Target ?? "", out FirewallChain? target)
                        || depth == MaxDepth
                        || Walk(target, takesAll, depth + 1);
                    if (_end is not null)
                    {
                        return false;
                    }

                    if (comesBack && (rule.Action == FirewallAction.Jump || !takesRest))
                    {
                        // After a goto those that come back leave this chain as well.
                        returned |= rule.Action == FirewallAction.Goto;
                        continue;
                    }

                    if (comesBack)
                    {
                        return true;
                    }

                    break;
            }

            if (takesRest)
            {
                return returned;
            }
        }

        return true;
    }

    private void End(Certainty passes, string by)
    {
        _end ??= passes;
        _by ??= by;
    }

    private sealed record BaseChain(FirewallTable Table, FirewallChain Chain, int Order);
}
