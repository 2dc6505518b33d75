using System.Net;

namespace VibePN.Config;

/// <summary>The <c>[[peers]]</c> tables, after the networks that they name.</summary>
internal sealed class PeerBinder(ConfigErrors errors, List<NetworkConfig> networks, TrustMode trust, PeerId? self)
{
    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<PeerId, string> _pins = [];
    private readonly Dictionary<IPAddress, string> _addresses = [];

    public List<PeerConfig> Bind(List<TableReader> tables) => [.. tables.Select(BindOne)];

    private PeerConfig BindOne(TableReader table)
    {
        string name = BindName(table);
        List<Located> addressTexts = table.TextOrTexts("address") ?? [];
        List<HostPort> addresses = BindAddresses(addressTexts);
        Located? pinText = table.Text("fingerprint");
        PeerId? pin = Fields.Fingerprint(pinText, errors);
        if (pin is { } id)
        {
            CheckPin(pinText!.Value.At, name, id);
        }

        if (pinText is not { Value.Length: > 0 })
        {
            CheckUnpinned(table, name, hasAddress: addressTexts.Exists(text => text.Value.Length > 0));
        }

        List<NetworkConfig> joined = BindNetworks(table, name);
        PeerConfig peer = new()
        {
            Name = name,
            Address = addresses.Count > 0 ? addresses[0] : null,
            MoreAddresses = [.. addresses.Skip(1)],
            Fingerprint = pin,
            Networks = [.. joined.Select(network => network.Name)],
            AllowRoutes = Fields.Prefixes(table.Texts("allow_routes"), errors),
            Addresses = BindOwned(table, name, joined),
            Introduces = table.Flag("introduces", otherwise: false),
        };
        table.Finish();
        return peer;
    }

    private string BindName(TableReader table)
    {
        if (table.RequiredText("name") is not { } text)
        {
            return "";
        }

        _ = Fields.Name(text, errors);
        if (!_names.TryAdd(text.Value, text.At.Line))
        {
            errors.Add(text.At, $"there is a peer '{text.Value}' already (line {_names[text.Value]}); names are unique");
        }

        return text.Value;
    }

    /// <summary>Empty texts count as absent: so the Go daemon's files write it.</summary>
    private List<HostPort> BindAddresses(List<Located> texts)
    {
        List<HostPort> addresses = [];
        foreach (Located text in texts.Where(text => text.Value.Length > 0))
        {
            if (HostPort.Parse(text.Value, out HostPort address) is { } wrong)
            {
                errors.Add(text.At, wrong);
            }
            else if (addresses.Count == Limits.AddressesPerPeer)
            {
                errors.Add(text.At, $"a peer has at most {Limits.AddressesPerPeer} addresses");
            }
            else
            {
                addresses.Add(address);
            }
        }

        return addresses;
    }

    private void CheckPin(Position at, string name, PeerId id)
    {
        if (id == self)
        {
            errors.Add(at, $"peer '{name}' has this node's own fingerprint");
        }
        else if (!_pins.TryAdd(id, name))
        {
            errors.Add(at, $"peers '{_pins[id]}' and '{name}' have the same fingerprint; one node is one peer");
        }
    }

    private void CheckUnpinned(TableReader table, string name, bool hasAddress)
    {
        if (!hasAddress)
        {
            errors.Add(table.At, $"peer '{name}' has neither an address nor a fingerprint; it could never be reached or believed");
        }
        else if (trust == TrustMode.Pinned)
        {
            // The Go daemon's files may leave pins out; they load, but nobody is believed unpinned unless the user says so.
            errors.Warn(table.At, $"peer '{name}' has no fingerprint and is never connected; add it, or set trust = \"tofu\" in [node]");
        }
    }

    private List<NetworkConfig> BindNetworks(TableReader table, string peer)
    {
        List<NetworkConfig> joined = [];
        List<Located> texts = table.Texts("networks");
        foreach (Located text in texts)
        {
            if (networks.Find(network => network.Name == text.Value) is { } found)
            {
                joined.Add(found);
                continue;
            }

            string advice = Nearest.To(text.Value, networks.Select(network => network.Name)) is { } near
                ? $"did you mean '{near}'?"
                : $"add [networks.{text.Value}], or take it out";
            errors.Add(text.At, $"there is no network '{text.Value}'; {advice}");
        }

        if (texts.Count == 0)
        {
            errors.Warn(table.At, $"peer '{peer}' is in no network, so no packets flow; set networks = [\"NAME\"]");
        }

        return joined;
    }

    private List<IPAddress> BindOwned(TableReader table, string peer, List<NetworkConfig> joined)
    {
        List<IPAddress> owned = [];
        foreach (Located text in table.Texts("addresses"))
        {
            if (Fields.Address(text, errors) is not { } address)
            {
                continue;
            }

            List<IPNetwork> prefixes = [.. joined.SelectMany(network => network.Prefixes)];
            if (prefixes.Count > 0 && !prefixes.Exists(prefix => IpText.IsHost(prefix, address)))
            {
                errors.Add(text.At, $"{address} is no host address in {string.Join(" or ", prefixes)}, the networks of peer '{peer}'");
            }
            else if (networks.Exists(network => network.Addresses.Contains(address)))
            {
                errors.Add(text.At, $"{address} is this node's own address");
            }
            else if (!_addresses.TryAdd(address, peer))
            {
                errors.Add(text.At, $"{address} is listed for peer '{_addresses[address]}' as well");
            }
            else
            {
                owned.Add(address);
            }
        }

        return owned;
    }
}
