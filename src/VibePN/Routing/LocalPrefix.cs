namespace VibePN.Routing;

/// <summary>What this host reaches without a network's peers.</summary>
/// <param name="Where">The interface, or <c>network NAME</c>.</param>
/// <param name="IsOnLink">On the link itself; false: by a router, so that a narrower route may go elsewhere.</param>
internal sealed record LocalPrefix(Prefix Prefix, string Where, bool IsOnLink)
{
    /// <summary>Why <paramref name="refused"/> is not used, for people.</summary>
    public string Describe(Prefix refused) => IsOnLink
        ? $"it would take {(refused == Prefix ? "" : $"{refused} of ")}{Prefix} away from {Where} of this host; renumber one of the two"
        : $"this host has its own route to {Prefix} by {Where}; remove one of the two";
}
