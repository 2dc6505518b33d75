using System.Runtime.InteropServices;
using VibePN.Quic.Crypto;

namespace VibePN.Quic.Tests.Crypto;

/// <summary>Finding the library, judging it, and what it must look like; the test machine has it and its header (scripts/setup).</summary>
public sealed class IpsecMbTests
{
    internal static IpsecMb Installed { get; } =
        IpsecMbLoader.Load(Load, cpu: true, out var reason) ?? throw new InvalidOperationException(reason);

    [Fact]
    public void Load_Installed_NamedWithVersionAndInstructions()
    {
        Assert.Matches(@"^libipsec-mb [12]\.\d+\.\d+, (SSE|AVX|AVX2|AVX-512)$", Installed.Name);
        Assert.Equal($"AES-128-GCM ({Installed.Name})", QuicLibrary.DescribePacketProtection(PacketProtectionMode.Auto));
        Assert.Equal($"AES-128-GCM ({Installed.Name})", QuicLibrary.DescribePacketProtection(PacketProtectionMode.IpsecMb));
        Assert.Equal("AES-128-GCM (GnuTLS): chosen by setting", QuicLibrary.DescribePacketProtection(PacketProtectionMode.GnuTls));
    }

    [Fact]
    public void Load_SecondMajorAbsent_FirstIsTried()
    {
        var asked = new List<string>();
        IpsecMbLoader.Load(
            name =>
            {
                asked.Add(name);
                return 0;
            },
            cpu: true,
            out var reason);
        Assert.Equal(["libIPSec_MB.so.2", "libIPSec_MB.so.1"], asked);
        Assert.Contains("not installed: apt install libipsec-mb1 (Debian 12) or libipsec-mb2 (Debian 13)", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ProcessorWithout_LibraryNotTouched()
    {
        Assert.Null(IpsecMbLoader.Load(_ => throw new InvalidOperationException("loaded"), cpu: false, out var reason));
        Assert.Contains("processor has no AES", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AnotherLibraryUnderTheName_RefusedBySymbol()
    {
        Assert.Null(IpsecMbLoader.Load(_ => NativeLibrary.Load("libgnutls.so.30"), cpu: true, out var reason));
        Assert.Equal("this build of libipsec-mb lacks imb_get_version", reason);
    }

    [Theory]
    [InlineData(0x10000, true)]
    [InlineData(0x10300, true)]
    [InlineData(0x1ffff, true)]
    [InlineData(0x20000, true)]
    [InlineData(0x20100, true)]
    [InlineData(0x00370, false)]
    [InlineData(0x30000, false)]
    [InlineData(0xff0000, false)]
    public void IsKnownVersion_Majors_OnlyOneAndTwo(uint version, bool known)
    {
        Assert.Equal(known, IpsecMbLoader.IsKnownVersion(version, out var reason));
        Assert.Equal(known, reason.Length == 0);
    }

    [Fact]
    public void Describe_NotUsable_SaysWhy()
    {
        const string Why = "libipsec-mb 3.0.0 is not known here (1.x and 2.x are)";
        Assert.Equal($"AES-128-GCM (GnuTLS): {Why}", PacketProtections.Describe(PacketProtectionMode.Auto, hasAes: true, null, Why));
        Assert.Equal($"CHACHA20-POLY1305 (GnuTLS): {Why}", PacketProtections.Describe(PacketProtectionMode.Auto, hasAes: false, null, Why));
        Assert.Equal(
            $"none: libipsec-mb is demanded, but {Why}", PacketProtections.Describe(PacketProtectionMode.IpsecMb, hasAes: true, null, Why));
    }

    [Fact]
    public void Layout_AgainstInstalledHeader_AsTheLoaderTakesIt()
    {
        var lines = Gcc.Run(["intel-ipsec-mb.h"],
            """
            printf("%zu %zu %zu ", offsetof(IMB_MGR, gcm128_enc), offsetof(IMB_MGR, gcm128_dec), offsetof(IMB_MGR, gcm128_pre));
            printf("%zu %zu\n", offsetof(IMB_MGR, keyexp_128), offsetof(IMB_MGR, aes128_cfb_one));
            printf("%zu %zu %zu\n", sizeof(struct gcm_key_data), sizeof(struct gcm_context_data), _Alignof(struct gcm_key_data));
            printf("%d %d %d\n", IMB_ARCH_SSE, IMB_ARCH_AVX2, IMB_ARCH_AVX512);
            printf("%u\n", (unsigned)IMB_VERSION_NUM);
            """).Split('\n');
        Assert.Equal(
            $"{IpsecMbLoader.EncryptOffset} {IpsecMbLoader.DecryptOffset} {IpsecMbLoader.ExpandOffset} "
                + $"{IpsecMbLoader.ExpandBlockKeyOffset} {IpsecMbLoader.EncryptBlockOffset}",
            lines[0]);
        var sizes = Numbers(lines[1]);
        Assert.InRange(sizes[0], 1_000, PacketKey.ExpandedBytes);
        Assert.InRange(sizes[1], 80, PacketKey.ContextBytes);
        Assert.InRange(sizes[2], 1, PacketKey.Alignment);
        var major = Numbers(lines[3])[0] >> 16;
        Assert.InRange(major, 1, 2);
        Assert.Equal(["SSE", "AVX2", "AVX-512"], Numbers(lines[2]).Select(n => IpsecMbLoader.Instructions(major, n)));
    }

    private static nint Load(string name) => NativeLibrary.TryLoad(name, out var handle) ? handle : 0;

    private static int[] Numbers(string line) => [.. line.Split(' ').Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];
}
