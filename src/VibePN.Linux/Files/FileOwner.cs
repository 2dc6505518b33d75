namespace VibePN.Linux.Files;

/// <summary>Numeric user and group of a file.</summary>
public readonly record struct FileOwner(uint UserId, uint GroupId);
