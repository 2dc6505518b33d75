namespace VibePN.Doctor.Firewall;

/// <summary>The rules of one chain, in order.</summary>
/// <param name="Key">As its table calls it.</param>
/// <param name="Name">For people.</param>
internal sealed record FirewallChain(string Key, string Name)
{
    /// <summary>Where packets enter it; null: by jumps only.</summary>
    public string? Hook { get; init; }

    public long Priority { get; init; }

    /// <summary>The only interface whose packets enter it; null: all.</summary>
    public string? Device { get; init; }

    public bool DropsByPolicy { get; init; }

    public List<FirewallRule> Rules { get; } = [];
}
