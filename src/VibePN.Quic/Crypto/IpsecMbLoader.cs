using System.Runtime.InteropServices;
using VibePN.Quic.Native;

namespace VibePN.Quic.Crypto;

/// <summary>
/// Finds libipsec-mb and decides whether it may be used. Nothing of it is called before its major version is known, and no function
/// taken from the manager before the dynamic linker has confirmed that it lies in the library (and, where it is exported, bears
/// the expected name). At the end known answers and a comparison with GnuTLS (<see cref="IpsecMbSelfTest"/>).
/// </summary>
internal static unsafe class IpsecMbLoader
{
    public const string Library2 = "libIPSec_MB.so.2";
    public const string Library1 = "libIPSec_MB.so.1";

    /// <summary><c>offsetof(IMB_MGR, gcm128_enc)</c> and so on, equal in 1.x and 2.x (intel-ipsec-mb.h; checked by a test).</summary>
    public const int EncryptOffset = 256;
    public const int DecryptOffset = 280;
    public const int ExpandOffset = 448;
    public const int ExpandBlockKeyOffset = 112;
    public const int EncryptBlockOffset = 248;

    private const string Cure = "apt install libipsec-mb1 (Debian 12) or libipsec-mb2 (Debian 13)";

    private static readonly string[] _exports =
        ["imb_get_version", "imb_get_errno", "imb_get_mb_mgr_size", "alloc_mb_mgr", "free_mb_mgr", "init_mb_mgr_auto"];

    /// <param name="load">The loader, so that a test can take the library away; 0: not there.</param>
    /// <param name="cpu">Whether the processor has the instructions.</param>
    /// <param name="reason">Why null is returned.</param>
    public static IpsecMb? Load(Func<string, nint> load, bool cpu, out string reason)
    {
        if (!cpu)
        {
            reason = "the processor has no AES and carry-less multiplication instructions";
            return null;
        }

        var library = load(Library2);
        if (library == 0)
        {
            library = load(Library1);
        }

        if (library == 0)
        {
            reason = $"libipsec-mb is not installed: {Cure}";
            return null;
        }

        var functions = new nint[_exports.Length];
        for (var i = 0; i < functions.Length; i++)
        {
            if (!NativeLibrary.TryGetExport(library, _exports[i], out functions[i]))
            {
                reason = $"this build of libipsec-mb lacks {_exports[i]}";
                return null;
            }
        }

        return Load(functions, out reason);
    }

    /// <summary>Whether a version as <c>imb_get_version()</c> tells it (major, minor, patch: a byte each) has a known layout.</summary>
    public static bool IsKnownVersion(uint version, out string reason)
    {
        reason = version >> 16 is 1 or 2 ? "" : $"libipsec-mb {ToVersion(version)} is not known here (1.x and 2.x are)";
        return reason.Length == 0;
    }

    /// <summary><c>IMB_ARCH</c> as text; 2.0 numbers it anew.</summary>
    public static string Instructions(int major, int architecture) => (major, architecture) switch
    {
        (1, 2) or (2, 1) => "SSE",
        (1, 3) => "AVX",
        (1, 4) or (2, 2) => "AVX2",
        (1, 5) or (2, 3) => "AVX-512",
        _ => "",
    };

    private static IpsecMb? Load(nint[] functions, out string reason)
    {
        var packed = ((delegate* unmanaged<uint>)functions[0])();
        if (!IsKnownVersion(packed, out reason))
        {
            return null;
        }

        var version = ToVersion(packed);
        if (((delegate* unmanaged<nuint>)functions[2])() < ExpandOffset + (nuint)sizeof(nint))
        {
            reason = $"libipsec-mb {version} has another layout than its version says";
            return null;
        }

        var manager = ((delegate* unmanaged<ulong, byte*>)functions[3])(0);
        if (manager == null)
        {
            reason = $"libipsec-mb {version} cannot allocate its manager";
            return null;
        }

        int architecture;
        ((delegate* unmanaged<byte*, int*, void>)functions[5])(manager, &architecture);
        var error = ((delegate* unmanaged<byte*, int>)functions[1])(manager);
        var encrypt = *(nint*)(manager + EncryptOffset);
        var decrypt = *(nint*)(manager + DecryptOffset);
        var expand = *(nint*)(manager + ExpandOffset);
        var expandBlockKey = *(nint*)(manager + ExpandBlockKeyOffset);
        var encryptBlock = *(nint*)(manager + EncryptBlockOffset);
        ((delegate* unmanaged<byte*, void>)functions[4])(manager);
        var instructions = Instructions(version.Major, architecture);
        if (error != 0 || instructions.Length == 0)
        {
            reason = $"libipsec-mb {version} does not support this processor (error {error}, architecture {architecture})";
            return null;
        }

        if (!IsFunction(encrypt, functions[0], "aes_gcm_enc_128"u8) || !IsFunction(decrypt, functions[0], "aes_gcm_dec_128"u8)
            || !IsFunction(expand, functions[0], "aes_gcm_pre_128"u8) || !IsFunction(expandBlockKey, functions[0], "aes_keyexp_128"u8)
            || !IsFunction(encryptBlock, functions[0], "aes_cfb_128_one"u8))
        {
            reason = $"libipsec-mb {version} has another layout than its version says";
            return null;
        }

        var loaded = new IpsecMb(version, instructions, expand, encrypt, decrypt, expandBlockKey, encryptBlock);
        reason = IpsecMbSelfTest.Run(loaded);
        return reason.Length == 0 ? loaded : null;
    }

    /// <summary>Whether an address lies in the same library as <paramref name="neighbour"/> and, if it bears a name there, has this prefix.</summary>
    private static bool IsFunction(nint address, nint neighbour, ReadOnlySpan<byte> prefix)
    {
        Dl_info info, expected;
        if (address == 0 || DynamicLinker.dladdr((void*)address, &info) == 0 || DynamicLinker.dladdr((void*)neighbour, &expected) == 0
            || info.dli_fbase != expected.dli_fbase)
        {
            return false;
        }

        return info.dli_sname == null || info.dli_saddr != (void*)address
            || MemoryMarshal.CreateReadOnlySpanFromNullTerminated(info.dli_sname).StartsWith(prefix);
    }

    private static Version ToVersion(uint packed) => new((int)(packed >> 16), (int)(packed >> 8 & 0xff), (int)(packed & 0xff));
}
