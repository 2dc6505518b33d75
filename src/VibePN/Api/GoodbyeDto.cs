namespace VibePN.Api;

/// <summary>Answer of <c>POST /v1/goodbye</c>: the daemon is on its way out.</summary>
public sealed record GoodbyeDto
{
    /// <summary>Peers that were connected and are told.</summary>
    public int PeersTold { get; init; }
}
