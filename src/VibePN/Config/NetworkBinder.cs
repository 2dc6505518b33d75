using System.Net;

namespace VibePN.Config;

/// <summary>The <c>[networks.NAME]</c> tables.</summary>
internal sealed class NetworkBinder(ConfigErrors errors)
{
    /// <summary>Room for the headers inside; below it IPv6 does not run (RFC 8200 §5).</summary>
    private const int MinMtu = 1280;

    private const int MaxMtu = 65535;

    private readonly List<(IPNetwork Prefix, string Network, int Line)> _prefixes = [];
    private readonly Dictionary<string, string> _interfaces = new(StringComparer.Ordinal);
    private int _routes;

    public List<NetworkConfig> Bind(TableReader? tables)
    {
        List<NetworkConfig> networks = [];
        foreach (Located name in tables?.Keys ?? [])
        {
            if (networks.Count == Limits.NetworksPerPeer)
            {
                errors.Add(name.At, $"a node has at most {Limits.NetworksPerPeer} networks");
                break;
            }

            // A bad name is told; the table is read on, for the mistakes inside.
            _ = Fields.Name(name, errors);
            if (tables!.Table(name.Value, $"[networks.{name.Value}]") is { } table)
            {
                networks.Add(BindOne(name.Value, table));
            }
        }

        return networks;
    }

    private NetworkConfig BindOne(string name, TableReader table)
    {
        List<IPNetwork> prefixes = BindPrefixes(name, table);
        List<IPAddress?> addresses = BindAddresses(table, prefixes);
        NetworkConfig network = new()
        {
            Name = name,
            Prefixes = prefixes,
            Addresses = addresses,
            Export = table.Flag("export", otherwise: false),
            Routes = BindRoutes(table),
            Metric = BindMetric(table),
            AcceptRoutes = table.Flag("accept_routes", otherwise: true),
            Mtu = BindMtu(table),
            Interface = BindInterface(name, table),
        };
        table.Finish();
        return network;
    }

    private List<IPNetwork> BindPrefixes(string name, TableReader table)
    {
        List<Located> texts = table.RequiredText("prefix") is { } first ? [first] : [];
        texts.AddRange(table.Texts("prefixes"));
        if (texts.Count > Limits.PrefixesPerNetwork)
        {
            errors.Add(texts[Limits.PrefixesPerNetwork].At, $"a network has at most {Limits.PrefixesPerNetwork} prefixes");
            texts.RemoveRange(Limits.PrefixesPerNetwork, texts.Count - Limits.PrefixesPerNetwork);
        }

        List<IPNetwork> prefixes = [];
        foreach (Located text in texts)
        {
            if (Fields.Prefix(text, errors) is not { } prefix)
            {
                continue;
            }

            if (prefix.PrefixLength == 0)
            {
                errors.Add(text.At, $"'{text.Value}' is everything; a network needs a prefix of its own (a default route goes into 'routes')");
                continue;
            }

            int other = _prefixes.FindIndex(known => IpText.Overlap(known.Prefix, prefix));
            if (other >= 0)
            {
                (IPNetwork taken, string network, int line) = _prefixes[other];
                errors.Add(text.At, $"{prefix} overlaps {taken} of network '{network}' (line {line}); a host would not know where to send");
                continue;
            }

            if (_prefixes.Count == Limits.PrefixesPerNode)
            {
                errors.Add(text.At, $"a node has at most {Limits.PrefixesPerNode} prefixes in all its networks");
                break;
            }

            _prefixes.Add((prefix, name, text.At.Line));
            prefixes.Add(prefix);
        }

        return prefixes;
    }

    /// <summary>Peers take no more, and would end the connection.</summary>
    private List<IPNetwork> BindRoutes(TableReader table)
    {
        List<Located> texts = table.Texts("routes");
        _routes += texts.Count;
        if (texts.Count > Limits.RoutesPerPeerAndNetwork)
        {
            errors.Add(texts[Limits.RoutesPerPeerAndNetwork].At, $"a network announces at most {Limits.RoutesPerPeerAndNetwork} routes");
        }
        else if (_routes > Limits.RoutesPerNode)
        {
            errors.Add(texts[^1].At, $"a node announces at most {Limits.RoutesPerNode} routes in all its networks");
        }

        return Fields.Prefixes(texts, errors);
    }

    /// <summary>One per prefix, at its index; null: automatic.</summary>
    private List<IPAddress?> BindAddresses(TableReader table, List<IPNetwork> prefixes)
    {
        List<IPAddress?> addresses = [.. prefixes.Select(_ => (IPAddress?)null)];
        List<Located> texts = table.TextOrTexts("address") ?? [];
        if (texts.Count > prefixes.Count && prefixes.Count > 0)
        {
            errors.Add(texts[prefixes.Count].At, $"'address' has {texts.Count} entries for {prefixes.Count} {(prefixes.Count == 1 ? "prefix" : "prefixes")}; one per prefix");
            return addresses;
        }

        foreach (Located text in texts.Where(text => text.Value is not ("auto" or "")))
        {
            if (Fields.Address(text, errors) is not { } address)
            {
                continue;
            }

            int index = prefixes.FindIndex(prefix => prefix.Contains(address));
            if (index < 0)
            {
                // Without a single good prefix, the prefix is the mistake to mend.
                if (prefixes.Count > 0)
                {
                    errors.Add(text.At, $"{address} is outside of {string.Join(" and ", prefixes)}");
                }
            }
            else if (!IpText.IsHost(prefixes[index], address))
            {
                errors.Add(text.At, $"{address} names {prefixes[index]} itself or its broadcast, and no host");
            }
            else if (addresses[index] is { } taken)
            {
                errors.Add(text.At, $"{prefixes[index]} already has the own address {taken}; one per prefix");
            }
            else
            {
                addresses[index] = address;
            }
        }

        for (int i = 0; i < prefixes.Count; i++)
        {
            if (addresses[i] is null && IpText.MaxLength(prefixes[i].BaseAddress) - prefixes[i].PrefixLength < 2)
            {
                errors.Add(table.At, $"{prefixes[i]} has no room for an automatic address; set 'address'");
            }
        }

        return addresses;
    }

    private uint BindMetric(TableReader table)
    {
        if (table.Number("metric") is not { } metric)
        {
            return 0;
        }

        if (metric.Value is < 0 or > ushort.MaxValue)
        {
            errors.Add(metric.At, $"'metric' must be from 0 to {ushort.MaxValue}; the smallest is used first");
            return 0;
        }

        return (uint)metric.Value;
    }

    private int? BindMtu(TableReader table)
    {
        if (table.NumberOr("mtu", "auto") is not { } mtu)
        {
            return null;
        }

        if (mtu.Value is < MinMtu or > MaxMtu)
        {
            errors.Add(mtu.At, $"'mtu' must be from {MinMtu} to {MaxMtu}, or \"auto\"");
            return null;
        }

        return (int)mtu.Value;
    }

    private string BindInterface(string network, TableReader table)
    {
        Located? text = table.Text("interface");
        string name = text?.Value ?? (Names.IsValid(network) ? Names.InterfaceOf(network) : network);
        Position at = text?.At ?? table.At;
        if (text is not null && !Names.IsInterface(name))
        {
            errors.Add(at, $"'{name}' cannot name a link: 1 to 15 characters, no space, '/', ':' or '%'");
        }
        else if (!_interfaces.TryAdd(name, network))
        {
            errors.Add(at, $"networks '{_interfaces[name]}' and '{network}' would share the link '{name}'; set 'interface' in one of them");
        }

        return name;
    }
}
