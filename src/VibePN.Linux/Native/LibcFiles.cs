using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary>What .NET's file API leaves out: owners, the creation mask, directories made durable.</summary>
internal static unsafe partial class LibcFiles
{
    public const int AT_FDCWD = -100;
    public const uint STATX_UID = 0x8;
    public const uint STATX_GID = 0x10;
    public const uint STATX_INO = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;
    public const int ENOENT = 2;
    public const int R_OK = 4;
    public const int W_OK = 2;
    public const int X_OK = 1;
    public const int AT_EACCESS = 0x200;
    public const int O_RDONLY = 0;
    public const int O_CLOEXEC = 0x80000;

    private const string Name = "libc";

    [LibraryImport(Name, SetLastError = true)]
    public static partial int chown(byte* path, uint owner, uint group);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int faccessat(int dirfd, byte* path, int mode, int flags);

    [LibraryImport(Name)]
    public static partial uint umask(uint mask);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int statx(int dirfd, byte* path, int flags, uint mask, Statx* buffer);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int open(byte* path, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fsync(int fd);

    [LibraryImport(Name)]
    public static partial int close(int fd);

    /// <summary>struct statx (linux/stat.h): 256 bytes on every architecture; only what names the file and its owner is read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct Statx
    {
        [FieldOffset(0)]
        public uint stx_mask;

        [FieldOffset(20)]
        public uint stx_uid;

        [FieldOffset(24)]
        public uint stx_gid;

        [FieldOffset(32)]
        public ulong stx_ino;

        [FieldOffset(136)]
        public uint stx_dev_major;

        [FieldOffset(140)]
        public uint stx_dev_minor;
    }
}
