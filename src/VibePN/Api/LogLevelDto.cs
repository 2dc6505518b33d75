namespace VibePN.Api;

/// <summary>Answer of <c>GET</c> and <c>POST /v1/log-level</c>.</summary>
public sealed record LogLevelDto
{
    /// <summary>The lowest that is written: <c>debug</c>, <c>info</c>, <c>warning</c> or <c>error</c>.</summary>
    public required string Level { get; init; }

    /// <summary>When <c>info</c> comes back; null: it does not by itself.</summary>
    public DateTimeOffset? UntilUtc { get; init; }
}

/// <summary>Body of <c>POST /v1/log-level</c>.</summary>
public sealed record LogLevelRequestDto
{
    /// <summary>One of <see cref="LogLevels.Names"/>.</summary>
    public string Level { get; init; } = "";

    /// <summary>After which <c>info</c> comes back, at most a week; null: when it is changed again, or the daemon starts again.</summary>
    public double? ForSeconds { get; init; }
}
