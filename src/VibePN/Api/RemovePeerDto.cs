namespace VibePN.Api;

/// <summary>Answer of <c>DELETE /v1/peers/NAME</c>.</summary>
public sealed record RemovePeerDto
{
    /// <summary>False: no peer of this name came by invite or by introduction.</summary>
    public bool Removed { get; init; }
}
