namespace VibePN.Api;

/// <summary>Body of <c>POST /v1/invites/revoke</c>.</summary>
public sealed record RevokeInviteRequestDto
{
    /// <summary>The id, or so much of its beginning (four digits or more) that it fits one only.</summary>
    public string? Id { get; init; }
}
