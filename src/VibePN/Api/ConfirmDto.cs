namespace VibePN.Api;

/// <summary>Answer of <c>POST /v1/confirm</c>.</summary>
public sealed record ConfirmDto
{
    /// <summary>False: nothing waited for it.</summary>
    public bool Confirmed { get; init; }
}
