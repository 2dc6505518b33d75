namespace VibePN.Api;

/// <summary>Body of <c>POST /v1/peers/remove</c>.</summary>
public sealed record RemovePeerRequestDto
{
    /// <summary>Of a peer that came by invite.</summary>
    public string? Name { get; init; }
}
