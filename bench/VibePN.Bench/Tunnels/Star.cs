using VibePN.Bench.Hosts;

namespace VibePN.Bench.Tunnels;

/// <summary>One host in the middle and those that it has tunnels to.</summary>
/// <param name="Key">Short and unique in the run.</param>
/// <param name="Folder">For keys and configs of its tunnels.</param>
internal sealed record Star(string Key, string Folder, BenchHost Hub, IReadOnlyList<Leg> Legs);

/// <summary>The line between the hub and one of the others, which may be a relay's two sides.</summary>
/// <param name="LeafOutside">The leaf's address as the hub uses it.</param>
/// <param name="HubOutside">The hub's address as the leaf uses it.</param>
internal sealed record Leg(BenchHost Leaf, string LeafOutside, string HubOutside);
