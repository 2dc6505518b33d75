namespace VibePN.Doctor.Firewall;

internal enum FirewallAction
{
    /// <summary>The next rule: counters, logs, marks.</summary>
    Continue,
    Accept,
    Drop,
    Return,
    Jump,
    Goto,

    /// <summary>Somebody else decides, such as a program behind a queue.</summary>
    Unknown,
}

/// <summary>One rule of a firewall, whatever tool lists it.</summary>
/// <param name="Matches">Which packets of a kind it takes.</param>
/// <param name="Target">The chain of a jump or goto.</param>
/// <param name="Text">As people know it.</param>
internal sealed record FirewallRule(Func<FirewallPacket, Certainty> Matches, FirewallAction Action, string? Target, string Text);
