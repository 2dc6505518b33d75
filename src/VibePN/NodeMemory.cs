using VibePN.Routing;

namespace VibePN;

/// <summary>What a node remembers across restarts; immutable. The daemon keeps it under <c>state</c>.</summary>
public sealed record NodeMemory(IReadOnlyList<NodeNetworkMemory> Networks)
{
    public static NodeMemory Empty { get; } = new([]);
}

/// <param name="Counters">Per prefix: the candidate that the automatic address stands at (<see cref="Identity.AutoAddress"/>).</param>
public sealed record NodeNetworkMemory(string Name, IReadOnlyDictionary<Prefix, uint> Counters, IReadOnlyList<AddressOwner> Owners);
