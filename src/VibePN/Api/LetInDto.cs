namespace VibePN.Api;

/// <summary>Answer of <c>POST /v1/peers/NAME</c>.</summary>
public sealed record LetInDto
{
    /// <summary>False: no peer of this name was kept out.</summary>
    public bool LetIn { get; init; }
}
