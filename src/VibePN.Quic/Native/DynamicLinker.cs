using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary><c>Dl_info</c> (dlfcn.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Dl_info
{
    public byte* dli_fname;
    public void* dli_fbase;
    public byte* dli_sname;
    public void* dli_saddr;
}

/// <summary>Asks the C library's dynamic linker what lies at an address.</summary>
internal static unsafe partial class DynamicLinker
{
    /// <returns>0: the address is in no loaded library.</returns>
    [LibraryImport("libc")]
    public static partial int dladdr(void* addr, Dl_info* info);
}
