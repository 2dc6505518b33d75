using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>Where a configured peer stands, in the words that <c>status</c> shows.</summary>
public enum PeerState
{
    /// <summary>Nothing under way: it has to dial us, or the next attempt is not due (<see cref="PeerDto.Reason"/> says which).</summary>
    [JsonStringEnumMemberName("waiting")]
    Waiting,

    [JsonStringEnumMemberName("dialing")]
    Dialing,

    /// <summary>Its Hello has been read: packets flow.</summary>
    [JsonStringEnumMemberName("connected")]
    Connected,

    /// <summary>It turned our certificate down.</summary>
    [JsonStringEnumMemberName("refused by peer")]
    RefusedByPeer,

    /// <summary>We turned its certificate down.</summary>
    [JsonStringEnumMemberName("refused by us")]
    RefusedByUs,

    /// <summary>No answer, or its name does not resolve.</summary>
    [JsonStringEnumMemberName("unreachable")]
    Unreachable,
}
