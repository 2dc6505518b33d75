using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>How bad a finding of <c>doctor</c> is; only <see cref="Error"/> makes it fail.</summary>
public enum FindingSeverity
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Worth knowing; nothing has to be done.</summary>
    [JsonStringEnumMemberName("info")]
    Info,

    /// <summary>Something does not work, or soon will not, but VibePN as such does.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>The daemon cannot start, or does not do what its config says.</summary>
    [JsonStringEnumMemberName("error")]
    Error,
}
