// Which networks are shared with whom, and whose addresses are whose.
using VibePN.Config;
using VibePN.Control;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>A network with the next free index.</summary>
    private NodeNetwork OpenNetwork(NetworkConfig config, int interfaceIndex)
    {
        var network = new NodeNetwork(
            config,
            Self,
            _networks.Count,
            interfaceIndex,
            _past.GetValueOrDefault(config.Name),
            ReservedIn(_config, config),
            id => _trust.Find(id) is not null,
            new RoutePaths(() => _now.Nanos, PathTo));
        _networks.Add(network);
        return network;
    }

    /// <summary>Addresses inside a network that peers' entries list.</summary>
    private static HashSet<IpKey> ReservedIn(NodeConfig config, NetworkConfig network) =>
        [.. config.Peers.SelectMany(peer => peer.Addresses).Where(address => network.Prefixes.Any(prefix => prefix.Contains(address))).Select(IpKey.FromIPAddress)];

    private static bool IsShared(Peer peer, NodeNetwork network) => peer.Config.Networks.Contains(network.Name);

    /// <summary>Tells the peer the networks that its entry names, unless it knows. A network that left the list has lost its tag.</summary>
    private void SendNetworks(PeerConnection link)
    {
        if (link.Legacy is { } legacy)
        {
            TellLegacy(link, legacy);
            return;
        }

        foreach (var gone in _networks)
        {
            if (!_live.Contains(gone) || !IsShared(link.Peer!, gone))
            {
                link.RetireReceiveTag(gone.Index);
            }
        }

        var list = new NetworkList(
        [
            .. _live.Where(network => IsShared(link.Peer!, network))
                .Select(network => new NetworkOffer(network.Name, network.Prefixes, network.OwnAddresses, link.AddReceiveTag(network.Index))),
        ]);
        if (link.Told is null || !IsSame(link.Told, list))
        {
            link.Told = list;
            link.Send(list);
        }
    }

    private static bool IsSame(NetworkList one, NetworkList other) =>
        one.Networks.Count == other.Networks.Count
        && one.Networks.Zip(other.Networks).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Tag == pair.Second.Tag
            && pair.First.Prefixes.SequenceEqual(pair.Second.Prefixes) && pair.First.Addresses.SequenceEqual(pair.Second.Addresses));

    private void OnNetworkList(PeerConnection link, NetworkList list)
    {
        foreach (var network in _live)
        {
            Join(link, network, list);
        }

        Promote(link.Peer!);
        TakeRoutesIntoUse();
        if (link.Introductions.PeerAsks)
        {
            TellWhere(link.Peer!);
        }
    }

    /// <summary>Compares what both sides say of a network: it is joined, or not any more, and the peer has its addresses there, or none.</summary>
    private void Join(PeerConnection link, NodeNetwork network, NetworkList list)
    {
        var peer = link.Peer!;
        var offer = IsShared(peer, network) ? list.Networks.FirstOrDefault(offered => offered.Name == network.Name) : null;
        var problem = offer is null || network.Prefixes.Any(own => offer.Prefixes.Any(own.Overlaps)) ? null
            : $"prefix mismatch: {string.Join(", ", network.Prefixes)} here, {string.Join(", ", offer.Prefixes)} there";
        var wasJoined = link.SendTags[network.Index] != 0;
        var isJoined = offer is not null && problem is null;
        link.SendTags[network.Index] = isJoined ? offer!.Tag : 0;
        if (problem is not null && problem != link.NetworkProblems[network.Index])
        {
            if (MayLog(peer))
            {
                Log.NetworkNotJoined(_logger, network.Name, peer.Name, problem);
            }

            link.Send(new PeerError(CloseReason.None, $"network {network.Name}: {problem}"));
        }

        link.NetworkProblems[network.Index] = problem;
        Claim(peer, network, RouteSource.Address, isJoined ? [.. offer!.Addresses.Select(address => (Prefix.Host(address), 0u))] : []);
        Claim(peer, network, RouteSource.Rest, []);
        if (isJoined && !wasJoined)
        {
            // Not before: the peer takes no routes of a network that it has not joined.
            SendRoutes(link, network);
        }
        else if (!isJoined)
        {
            network.ForgetAnnounced(peer.Id);
            Claim(peer, network, RouteSource.Announced, []);
        }

        SettleAddresses(link, network);
    }

    /// <summary>
    /// Two nodes with one address: whoever had it first keeps it, and the other is told. Between the peer and ourselves the larger id
    /// makes way if its address is automatic.
    /// </summary>
    private void SettleAddresses(PeerConnection link, NodeNetwork network)
    {
        var peer = link.Peer!;
        foreach (var route in network.Routes.Routes.Where(route => route.Peer == peer.Id && route.Source == RouteSource.Address && !route.IsFormer).ToList())
        {
            var address = route.Prefix.First;
            if (route.Verdict == RouteVerdict.OwnAddress && Self.CompareTo(peer.First) > 0 && network.IsAutomatic(address))
            {
                MoveFrom(network, address);
            }
            else if (route.Verdict is RouteVerdict.OwnAddress or RouteVerdict.AddressInUse or RouteVerdict.AddressRemembered or RouteVerdict.AddressReserved)
            {
                link.Send(new AddressInUse(network.Name, address));
            }
        }
    }

    private void OnAddressInUse(PeerConnection link, AddressInUse inUse)
    {
        if (FindJoined(link, inUse.Network) is { } network && network.OwnAddresses.Contains(inUse.Address) && !MoveFrom(network, inUse.Address)
            && MayLog(link.Peer!))
        {
            Log.PeerReports(_logger, link.Peer!.Name, $"our address {inUse.Address} in network {network.Name} belongs to another node");
        }
    }

    /// <summary>Takes the next automatic address, and tells everybody who knew the old one.</summary>
    private bool MoveFrom(NodeNetwork network, IpKey address)
    {
        if (!network.MoveFrom(address, _now.UtcSeconds))
        {
            return false;
        }

        Log.AddressChanged(_logger, network.Name, address.ToString(), string.Join(", ", network.OwnAddresses));
        HostStateVersion++;
        foreach (var link in _peers.Values.SelectMany(peer => peer.Connections).Where(link => link.IsUp))
        {
            SendNetworks(link);
        }

        TakeRoutesIntoUse();
        return true;
    }

    private NodeNetwork? FindJoined(PeerConnection link, string name) =>
        _live.Find(network => network.Name == name && link.SendTags[network.Index] != 0);
}
