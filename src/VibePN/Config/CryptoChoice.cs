namespace VibePN.Config;

/// <summary>Who seals packets: the key <c>crypto</c> of <c>[tuning]</c>.</summary>
public enum CryptoChoice
{
    /// <summary>The fastest that is installed, suits the processor and passes its self-test.</summary>
    Auto,

    GnuTls,

    /// <summary>libipsec-mb; GnuTLS where it cannot be used.</summary>
    IpsecMb,
}
