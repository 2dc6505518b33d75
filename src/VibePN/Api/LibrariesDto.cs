namespace VibePN.Api;

/// <summary>Versions of what is loaded at run time.</summary>
public sealed record LibrariesDto
{
    public string? Ngtcp2 { get; init; }

    public string? GnuTls { get; init; }

    public string? Kernel { get; init; }
}
