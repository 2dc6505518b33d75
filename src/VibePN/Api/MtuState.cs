using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>What is known of the packet size that a peer's path carries.</summary>
public enum MtuState
{
    /// <summary>The connection is young, or large packets do not seem to arrive: probes are on their way.</summary>
    [JsonStringEnumMemberName("searching")]
    Searching,

    /// <summary>The size that discovery found is in use.</summary>
    [JsonStringEnumMemberName("settled")]
    Settled,

    /// <summary>The path carried more once; whether it does again is tried from time to time.</summary>
    [JsonStringEnumMemberName("capped")]
    Capped,
}
