using VibePN.Identity;

namespace VibePN;

/// <summary>What the daemon has learned of other nodes' keys, for commands to look at.</summary>
public static class NodeLineages
{
    /// <summary>As they are in a state directory, of which nothing is touched; empty where they cannot be read.</summary>
    public static IReadOnlyList<Lineage> Read(string state) => NodeTrustFile.ReadLineages(state);
}
