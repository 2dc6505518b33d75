using VibePN.Config;

namespace VibePN.Api;

/// <summary>One difference between two configs.</summary>
public sealed record ConfigChangeDto
{
    /// <summary><c>added</c>, <c>removed</c> or <c>changed</c>.</summary>
    public required string Change { get; init; }

    /// <summary><c>network</c>, <c>peer</c>, <c>node</c>, <c>identity</c> or <c>tuning</c>.</summary>
    public required string What { get; init; }

    /// <summary>Of the network or peer.</summary>
    public string? Name { get; init; }

    /// <summary>Of what is changed.</summary>
    public string? Key { get; init; }

    public string? Before { get; init; }

    public string? After { get; init; }

    /// <summary>A running daemon does not take it.</summary>
    public bool NeedsRestart { get; init; }

    /// <summary>All of it in one line, for people.</summary>
    public required string Text { get; init; }

    public static ConfigChangeDto Of(ConfigChange change) => new()
    {
        Change = change.Kind switch
        {
            ConfigChangeKind.Added => "added",
            ConfigChangeKind.Removed => "removed",
            _ => "changed",
        },
        What = change.What,
        Name = change.Name,
        Key = change.Key,
        Before = change.Before,
        After = change.After,
        NeedsRestart = change.NeedsRestart,
        Text = change.ToString(),
    };
}
