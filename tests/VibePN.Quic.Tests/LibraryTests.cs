using System.Runtime.InteropServices;
using System.Security.Cryptography;
using VibePN.Quic.Native;

namespace VibePN.Quic.Tests;

public sealed class LibraryTests
{
    [Fact]
    public void EnsureLoaded_Installed_VersionsKnown()
    {
        QuicLibrary.EnsureLoaded();
        Assert.True(Version.Parse(QuicLibrary.NgTcp2Version) >= new Version(1, 11));
        Assert.True(Version.Parse(QuicLibrary.GnuTlsVersion) >= new Version(3, 7));
    }

    [Theory]
    [InlineData(GnuTls.Library, "GnuTLS 3.7.2 or newer is needed")]
    [InlineData(NgTcp2.Library, "ngtcp2 1.11 or newer is needed")]
    [InlineData(NgTcp2Crypto.Library, "ngtcp2's GnuTLS helper 1.11 or newer is needed")]
    public void EnsureLoaded_LibraryMissing_NamesItAndTheCure(string missing, string message)
    {
        var e = Assert.Throws<QuicException>(() => QuicLibrary.EnsureLoaded(name => name == missing ? 0 : NativeLibrary.Load(name)));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
        Assert.Contains("apt install", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EnsureLoaded_HelperWithoutSymbol_NamesIt()
    {
        var e = Assert.Throws<QuicException>(() => QuicLibrary.EnsureLoaded(_ => NativeLibrary.Load(GnuTls.Library)));
        Assert.Contains("lacks ngtcp2_crypto_client_initial_cb", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_TooOld_SaysFoundAndNeeded()
    {
        var e = Assert.Throws<QuicException>(() => QuicLibrary.Check(0x010a00, "1.10.0", gnuTlsNewEnough: true, "3.8.0"));
        Assert.Contains("ngtcp2 1.11 or newer is needed, found 1.10.0", e.Message, StringComparison.Ordinal);
        e = Assert.Throws<QuicException>(() => QuicLibrary.Check(0x010b00, "1.11.0", gnuTlsNewEnough: false, "3.6.0"));
        Assert.Contains("GnuTLS 3.7.2 or newer is needed, found 3.6.0", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TlsPrimitives_AgainstDotNet_Equal()
    {
        byte[] key = [1, 2, 3], data = [.. Enumerable.Range(0, 1_000).Select(i => (byte)i)];
        Span<byte> output = stackalloc byte[32];
        TlsPrimitives.Sha256(data, output);
        Assert.Equal(SHA256.HashData(data), output.ToArray());
        TlsPrimitives.Sha256(default, output);
        Assert.Equal(SHA256.HashData([]), output.ToArray());
        TlsPrimitives.HmacSha256(key, data, output);
        Assert.Equal(HMACSHA256.HashData(key, data), output.ToArray());
        TlsPrimitives.HkdfSha256Extract(data, key, output);
        Assert.Equal(HKDF.Extract(HashAlgorithmName.SHA256, data, key), output.ToArray());
        var expanded = new byte[100];
        TlsPrimitives.HkdfSha256Expand(output, data, expanded);
        Assert.Equal(HKDF.Expand(HashAlgorithmName.SHA256, output.ToArray(), 100, data), expanded);
        TlsPrimitives.FillRandom(output);
        var other = new byte[32];
        TlsPrimitives.FillRandom(other);
        Assert.NotEqual(other, output.ToArray());
        Assert.Throws<ArgumentException>(() => TlsPrimitives.Sha256([], new byte[31]));
        Assert.Throws<ArgumentException>(() => TlsPrimitives.HkdfSha256Expand(other, [], new byte[8_161]));
    }

    [Fact]
    public unsafe void Settings_Filled_QlogAndLogStayOffAndBbrIsOn()
    {
        // qlog_write: CVE-2026-40170, a stack overflow from the peer's transport parameters; log_printf: variadic.
        ngtcp2_settings settings;
        ConnectionSettings.Fill(&settings, new QuicSettings(), 1);
        Assert.Equal((0, 0), (settings.qlog_write, settings.log_printf));
        Assert.Equal(NgTcp2.CcAlgoBbr, settings.cc_algo);
        Assert.Equal(100_000_000UL, settings.initial_rtt);
        ConnectionSettings.Fill(&settings, new QuicSettings { UseBbr = false }, 1);
        Assert.Equal(NgTcp2.CcAlgoCubic, settings.cc_algo);
    }

    [Fact]
    public void Settings_OutOfRange_ArgumentException()
    {
        QuicSettings[] bad =
        [
            new() { MaxUdpPayloadBytes = 1_199 },
            new() { InitialRtt = TimeSpan.Zero },
            new() { HandshakeTimeout = TimeSpan.Zero },
            new() { StreamWindowBytes = 0 },
            new() { MaxPeerStreams = -1 },
            new() { IdleTimeout = TimeSpan.FromSeconds(-1) },
        ];
        Assert.All(bad, s => Assert.Throws<ArgumentException>(() => Sim.SimPair.Options(Sim.TestCertificates.AliceCredentials, 1, s).Open()));
        Assert.Throws<ArgumentException>(() => (Sim.SimPair.Options(Sim.TestCertificates.AliceCredentials, 1) with { ResetSecret = new byte[31] }).Open());
        Assert.Throws<ArgumentException>(() => (Sim.SimPair.Options(Sim.TestCertificates.AliceCredentials, 1) with { AcceptAlpn = [""] }).Open());
        Assert.Throws<ArgumentException>(() => (Sim.SimPair.Options(Sim.TestCertificates.AliceCredentials, 1) with { AcceptAlpn = [new string('a', 33)] }).Open());
    }
}

internal static class OptionsExtensions
{
    public static void Open(this QuicEndpointOptions options) => new QuicEndpoint(options, new Sim.RecordingHandler()).Dispose();
}
