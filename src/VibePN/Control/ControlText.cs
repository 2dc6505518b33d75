namespace VibePN.Control;

/// <summary>Messages in words, for a log that is read closely. Bounded: a peer may list hundreds.</summary>
internal static class ControlText
{
    private const int MaxListed = 8;

    public static string Of(ControlMessage message) => message switch
    {
        Hello hello => $"hello, node {hello.NodeName}, features {List(hello.Features)}, sees us at {hello.Observed?.ToString() ?? "?"}{(hello.Replaces ? ", replaces the others" : "")}",
        NetworkList list => $"networks {List(list.Networks.Select(network => $"{network.Name} ({List(network.Addresses)})"))}",
        Announce announce => $"routes in {announce.Network}: {List(announce.Routes.Select(route => $"{route.Prefix} metric {route.Metric}"))}",
        Withdraw withdraw => $"routes no more in {withdraw.Network}: {List(withdraw.Prefixes)}",
        AddressInUse inUse => $"address {inUse.Address} in {inUse.Network} is in use",
        PeerError error => $"error {error.Reason}: {error.Text}",
        _ => message.GetType().Name,
    };

    private static string List<T>(IEnumerable<T> items)
    {
        List<T> listed = [.. items.Take(MaxListed + 1)];
        return listed.Count == 0 ? "none" : string.Join(", ", listed.Take(MaxListed)) + (listed.Count > MaxListed ? ", …" : "");
    }
}
