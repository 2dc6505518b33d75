namespace VibePN.Linux;

public enum CoalesceResult
{
    Ok,

    /// <summary>Not taken: no free frame. Flush and add again.</summary>
    Full,

    /// <summary>Not taken: no valid IP packet, or a partial checksum on what has none (fragment, not TCP or UDP, truncated).</summary>
    Invalid,
}
