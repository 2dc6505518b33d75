namespace VibePN.Config;

/// <summary>What a reload has done, or would do.</summary>
/// <param name="Changes">From the config in force to the file.</param>
/// <param name="Problems">Why nothing was changed, or would be; empty: no reason.</param>
/// <param name="Notes">What is worth knowing and stops nothing.</param>
/// <param name="IsApplied">The file is in force now, changed or not.</param>
/// <param name="ConfirmBy">Until when it has to be confirmed; null: it has not.</param>
public sealed record ReloadResult(
    IReadOnlyList<ConfigChange> Changes,
    IReadOnlyList<string> Problems,
    IReadOnlyList<string> Notes,
    bool IsApplied,
    DateTimeOffset? ConfirmBy);

/// <summary>What is wrong with a config here, on this host, and what is worth knowing about it.</summary>
public sealed record ConfigCheck(IReadOnlyList<string> Problems, IReadOnlyList<string> Notes);
