using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>What stands between this host and its peers, by what they see (RFC 4787 §4.1).</summary>
public enum NatKind
{
    /// <summary>Nobody has seen enough of us.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>Peers see us at an address of our own.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>One mapping for all peers: who knows it may dial us, if the translator lets strangers in.</summary>
    [JsonStringEnumMemberName("endpointIndependent")]
    EndpointIndependent,

    /// <summary>Another mapping for each peer: nobody can dial us.</summary>
    [JsonStringEnumMemberName("endpointDependent")]
    EndpointDependent,
}
