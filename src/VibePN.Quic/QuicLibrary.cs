using System.Runtime.InteropServices;
using VibePN.Quic.Crypto;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>The native libraries that this one stands on.</summary>
public static unsafe class QuicLibrary
{
    private const int LeastNgTcp2 = 0x010b00;
    private const string LeastNgTcp2Text = "1.11";
    private const string LeastGnuTls = "3.7.2";
    private const string Cure =
        "install libngtcp2-16, libngtcp2-crypto-gnutls8 and libgnutls30 (Debian 13: apt install libngtcp2-16 libngtcp2-crypto-gnutls8; "
        + "Debian 12: the same from its backports, apt install -t bookworm-backports libngtcp2-16 libngtcp2-crypto-gnutls8)";

    /// <summary>As the loaded library names itself; call <see cref="EnsureLoaded()"/> first.</summary>
    public static string NgTcp2Version => Marshal.PtrToStringUTF8((nint)NgTcp2.ngtcp2_version(0)->version_str) ?? "";

    /// <inheritdoc cref="NgTcp2Version"/>
    public static string GnuTlsVersion => Marshal.PtrToStringUTF8((nint)GnuTls.gnutls_check_version(null)) ?? "";

    /// <summary>
    /// What protects the packets of new connections under this setting, as "AES-128-GCM (libipsec-mb 1.3.0, AVX-512)"; without the
    /// accelerator with the reason: "AES-128-GCM (GnuTLS): libipsec-mb is not installed: …". A peer without AES instructions
    /// may still agree on ChaCha20: each connection says what it got (<see cref="QuicConnection.PacketProtection"/>).
    /// </summary>
    public static string DescribePacketProtection(PacketProtectionMode mode) => PacketProtections.Describe(mode);

    /// <summary>Checks that all libraries are there and new enough.</summary>
    /// <exception cref="QuicException">One is missing or too old; the message names it and the cure.</exception>
    public static void EnsureLoaded()
    {
        if (!NgTcp2Crypto.IsLinkedIn)
        {
            EnsureLoaded(name => NativeLibrary.TryLoad(name, out var handle) ? handle : 0);
        }

        Check(NgTcp2.ngtcp2_version(0)->version_num, NgTcp2Version, IsGnuTlsNewEnough(), GnuTlsVersion);
    }

    /// <summary>The presence check, with the loader as a parameter so that a test can take libraries away.</summary>
    internal static void EnsureLoaded(Func<string, nint> load)
    {
        foreach (var (library, what) in new[]
        {
            (GnuTls.Library, "GnuTLS " + LeastGnuTls),
            (NgTcp2.Library, "ngtcp2 " + LeastNgTcp2Text),
            (NgTcp2Crypto.Library, "ngtcp2's GnuTLS helper " + LeastNgTcp2Text),
        })
        {
            var handle = load(library);
            if (handle == 0)
            {
                throw new QuicException($"{what} or newer is needed, but {library} cannot be loaded: {Cure}");
            }

            if (library != NgTcp2Crypto.Library)
            {
                continue;
            }

            foreach (var symbol in CallbackTable.HelperSymbols)
            {
                if (!NativeLibrary.TryGetExport(handle, symbol, out _))
                {
                    throw new QuicException($"{library} lacks {symbol}: {Cure}");
                }
            }
        }
    }

    /// <summary>The version check on given figures.</summary>
    internal static void Check(int ngtcp2, string ngtcp2Text, bool gnuTlsNewEnough, string gnuTlsText)
    {
        if (ngtcp2 < LeastNgTcp2)
        {
            throw new QuicException($"ngtcp2 {LeastNgTcp2Text} or newer is needed, found {ngtcp2Text}: {Cure}");
        }

        if (!gnuTlsNewEnough)
        {
            throw new QuicException($"GnuTLS {LeastGnuTls} or newer is needed, found {gnuTlsText}: {Cure}");
        }
    }

    private static bool IsGnuTlsNewEnough()
    {
        fixed (byte* least = "3.7.2\0"u8)
        {
            return GnuTls.gnutls_check_version(least) != null;
        }
    }
}
