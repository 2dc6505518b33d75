using VibePN.Api;

namespace VibePN.Doctor;

/// <summary>What a check says; the words of <see cref="FindingDto"/>.</summary>
internal sealed record Finding(FindingSeverity Severity, string What)
{
    public string? Cause { get; init; }

    public string? Cure { get; init; }

    public string? Place { get; init; }

    /// <summary>The check could not be made, and <see cref="What"/> says why.</summary>
    public bool IsSkip { get; init; }

    public static Finding Ok(string what) => new(FindingSeverity.Ok, what);

    public static Finding Info(string what, string? cause = null, string? cure = null, string? place = null) => Make(FindingSeverity.Info, what, cause, cure, place);

    public static Finding Warning(string what, string? cause = null, string? cure = null, string? place = null) => Make(FindingSeverity.Warning, what, cause, cure, place);

    public static Finding Error(string what, string? cause = null, string? cure = null, string? place = null) => Make(FindingSeverity.Error, what, cause, cure, place);

    public static Finding Skip(string why) => new(FindingSeverity.Info, why) { IsSkip = true };

    private static Finding Make(FindingSeverity severity, string what, string? cause, string? cure, string? place) =>
        new(severity, what) { Cause = cause, Cure = cure, Place = place };
}
