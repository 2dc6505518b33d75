namespace VibePN.Linux;

public enum IcmpUnreachable
{
    /// <summary>No peer has the destination, or it is not connected.</summary>
    Host,

    /// <summary>Forbidden by rules.</summary>
    Administrative,
}
