// Which networks are shared with whom, and whose addresses are whose.
using VibePN.Control;
using VibePN.Peers;
using VibePN.Routing;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Only networks that the peer's entry names are told to it.</summary>
    private void SendNetworks(PeerConnection link)
    {
        var shared = _networks.Where(network => link.Peer!.Config.Networks.Contains(network.Name)).ToList();
        link.Send(new NetworkList(
            [.. shared.Select(network => new NetworkOffer(network.Name, network.Prefixes, network.OwnAddresses, link.AddReceiveTag(network.Index)))]));
        foreach (var network in shared.Where(network => network.Config.Export && network.Config.Routes.Count > 0))
        {
            link.Send(new Announce(
                network.Name,
                [.. network.Config.Routes.Select(route => new RouteOffer(Prefix.FromIPNetwork(route), 0, 0))]));
        }
    }

    private void OnNetworkList(PeerConnection link, NetworkList list)
    {
        var peer = link.Peer!;
        foreach (var network in _networks)
        {
            var offer = list.Networks.FirstOrDefault(offered => offered.Name == network.Name);
            var problem = offer is null || !peer.Config.Networks.Contains(network.Name) ? null
                : network.Prefixes.Any(own => offer.Prefixes.Any(own.Overlaps)) ? null
                : $"prefix mismatch: {string.Join(", ", network.Prefixes)} here, {string.Join(", ", offer.Prefixes)} there";
            var joined = offer is not null && problem is null && peer.Config.Networks.Contains(network.Name);
            link.SendTags[network.Index] = joined ? offer!.Tag : 0;
            if (problem is not null && problem != link.NetworkProblems[network.Index])
            {
                if (peer.MayLog(_now.Nanos))
                {
                    Log.NetworkNotJoined(_logger, network.Name, peer.Name, problem);
                }

                link.Send(new PeerError(CloseReason.None, $"network {network.Name}: {problem}"));
            }

            link.NetworkProblems[network.Index] = problem;
            Claim(peer, network, RouteSource.Address, joined ? [.. offer!.Addresses.Select(address => (Prefix.Host(address), 0u))] : []);
            SettleAddresses(link, network);
        }

        Promote(peer);
        TakeRoutesIntoUse();
    }

    /// <summary>
    /// Two nodes with one address: whoever had it first keeps it, and the other is told. Between the peer and ourselves the larger id
    /// makes way if its address is automatic.
    /// </summary>
    private void SettleAddresses(PeerConnection link, NodeNetwork network)
    {
        var peer = link.Peer!;
        foreach (var route in network.Routes.Routes.Where(route => route.Peer == peer.Id && route.Source == RouteSource.Address).ToList())
        {
            var address = route.Prefix.First;
            if (route.Verdict == RouteVerdict.OwnAddress && Self.CompareTo(peer.Id) > 0 && network.IsAutomatic(address))
            {
                MoveFrom(network, address);
            }
            else if (route.Verdict is RouteVerdict.OwnAddress or RouteVerdict.AddressInUse or RouteVerdict.AddressRemembered)
            {
                link.Send(new AddressInUse(network.Name, address));
            }
        }
    }

    private void OnAddressInUse(PeerConnection link, AddressInUse inUse)
    {
        if (FindJoined(link, inUse.Network) is { } network && network.OwnAddresses.Contains(inUse.Address) && !MoveFrom(network, inUse.Address)
            && link.Peer!.MayLog(_now.Nanos))
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
            if (link.Peer!.Config.Networks.Contains(network.Name))
            {
                SendNetworks(link);
                if (link.Session.PeerNetworks?.Networks.FirstOrDefault(offer => offer.Name == network.Name) is { } offer && link.SendTags[network.Index] != 0)
                {
                    Claim(link.Peer!, network, RouteSource.Address, [.. offer.Addresses.Select(theirs => (Prefix.Host(theirs), 0u))]);
                }
            }
        }

        TakeRoutesIntoUse();
        return true;
    }

    private NodeNetwork? FindJoined(PeerConnection link, string name) =>
        _networks.Find(network => network.Name == name && link.SendTags[network.Index] != 0);
}
