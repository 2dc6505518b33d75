using VibePN.Quic;

namespace VibePN.Api;

/// <summary>Versions of what is loaded at run time.</summary>
public sealed record LibrariesDto
{
    public string? Ngtcp2 { get; init; }

    public string? GnuTls { get; init; }

    public string? Kernel { get; init; }

    /// <summary>Of this process; the libraries have to be loaded.</summary>
    public static LibrariesDto OfThisProcess() => new()
    {
        Ngtcp2 = QuicLibrary.NgTcp2Version,
        GnuTls = QuicLibrary.GnuTlsVersion,
        Kernel = Environment.OSVersion.Version.ToString(),
    };
}
