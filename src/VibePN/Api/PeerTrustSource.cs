using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>Where it comes from that a peer is believed.</summary>
public enum PeerTrustSource
{
    /// <summary>Its fingerprint is in the config file.</summary>
    [JsonStringEnumMemberName("config")]
    Config,

    /// <summary>It came with an invite of this node.</summary>
    [JsonStringEnumMemberName("invite")]
    Invite,

    /// <summary>It answered when its entry, which has no fingerprint, was dialed for the first time.</summary>
    [JsonStringEnumMemberName("first use")]
    FirstUse,

    /// <summary>A peer whose entry says <c>introduces = true</c> vouches for it.</summary>
    [JsonStringEnumMemberName("introduction")]
    Introduction,
}
