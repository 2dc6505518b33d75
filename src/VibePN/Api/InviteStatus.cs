using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>What has become of an invite.</summary>
public enum InviteStatus
{
    [JsonStringEnumMemberName("open")]
    Open,

    [JsonStringEnumMemberName("used")]
    Used,

    [JsonStringEnumMemberName("expired")]
    Expired,

    [JsonStringEnumMemberName("revoked")]
    Revoked,
}
