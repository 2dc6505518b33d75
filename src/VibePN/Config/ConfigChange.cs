namespace VibePN.Config;

/// <summary>What becomes of a thing in the config.</summary>
public enum ConfigChangeKind
{
    Added,
    Removed,
    Changed,
}

/// <summary>One difference between two configs.</summary>
/// <param name="What"><c>network</c>, <c>peer</c>, or the name of a table that there is once.</param>
/// <param name="Name">Of the network or the peer; null for a table that there is once.</param>
/// <param name="Key">The key that is changed; null: the whole thing comes or goes.</param>
/// <param name="Before">The old value as text; of something that goes, what it was; null: none.</param>
/// <param name="After">Likewise the new one.</param>
public sealed record ConfigChange(ConfigChangeKind Kind, string What, string? Name, string? Key, string? Before, string? After)
{
    /// <summary>A running daemon cannot take it.</summary>
    public bool NeedsRestart { get; init; }

    /// <summary>One line for people, like <c>~ network corp: mtu auto → 1380</c>.</summary>
    public override string ToString()
    {
        string thing = Name is null ? $"[{What}]" : $"{What} {Name}";
        return Kind switch
        {
            ConfigChangeKind.Added => $"+ {thing}: {After}",
            ConfigChangeKind.Removed => $"- {thing}: {Before}",
            _ => $"~ {thing}: {Key} {Before ?? "none"} → {After ?? "none"}",
        };
    }
}
