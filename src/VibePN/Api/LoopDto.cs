namespace VibePN.Api;

/// <summary>The thread that carries the packets.</summary>
public sealed record LoopDto
{
    /// <summary>Managed bytes that it has allocated since start: stands still while packets flow.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Times it woke up.</summary>
    public long Turns { get; init; }
}
