namespace VibePN.Doctor.Firewall;

/// <summary>Whether something holds for all packets of a kind, for some or for none, as far as it can be known.</summary>
internal enum Certainty
{
    No,

    /// <summary>For some packets only, or it cannot be known.</summary>
    Maybe,

    Yes,
}
