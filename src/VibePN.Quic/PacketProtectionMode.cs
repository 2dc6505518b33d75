namespace VibePN.Quic;

/// <summary>Who encrypts and decrypts the packets that carry data (1-RTT). The handshake is always GnuTLS's.</summary>
public enum PacketProtectionMode
{
    /// <summary>libipsec-mb where it is installed, fits and the processor has AES instructions; GnuTLS otherwise.</summary>
    Auto,

    /// <summary>GnuTLS, whatever else is there.</summary>
    GnuTls,

    /// <summary>libipsec-mb or nothing: an endpoint cannot be made without it.</summary>
    IpsecMb,
}
