namespace VibePN.Doctor.Firewall;

/// <summary>What becomes of packets of a kind.</summary>
/// <param name="Passes">Maybe: they end in a drop, but a rule before it accepts some.</param>
/// <param name="Table">The table that drops them; null: none does.</param>
/// <param name="Chain">The chain where they entered that table.</param>
/// <param name="By">What drops them, for people.</param>
internal sealed record FirewallVerdict(Certainty Passes, FirewallTable? Table = null, FirewallChain? Chain = null, string? By = null)
{
    public static FirewallVerdict Passed { get; } = new(Certainty.Yes);
}
