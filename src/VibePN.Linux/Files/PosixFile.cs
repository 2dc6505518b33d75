using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using VibePN.Linux.Native;

namespace VibePN.Linux.Files;

/// <summary>Owners and durability of files. Failures are <see cref="IOException"/> with the path and the system's words.</summary>
public static unsafe class PosixFile
{
    /// <summary>In place of a user or group id: leave that as it is (chown(2)).</summary>
    public const uint Unchanged = uint.MaxValue;

    /// <summary><see cref="Exception.HResult"/> of an <see cref="IOException"/> about a file that another process has locked (EWOULDBLOCK).</summary>
    public const int WouldBlock = 11;

    /// <summary>Whether the name still leads to this open file: false after it was removed or replaced.</summary>
    public static bool IsAt(SafeFileHandle file, string path)
    {
        LibcFiles.Statx opened = default;
        LibcFiles.Statx named = default;
        byte empty = 0;
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            if (LibcFiles.statx((int)file.DangerousGetHandle(), &empty, LibcFiles.AT_EMPTY_PATH, LibcFiles.STATX_INO, &opened) != 0)
            {
                throw Failure("look at", path);
            }
        }
        finally
        {
            if (added)
            {
                file.DangerousRelease();
            }
        }

        fixed (byte* name = Terminated(path))
        {
            if (LibcFiles.statx(LibcFiles.AT_FDCWD, name, 0, LibcFiles.STATX_INO, &named) != 0)
            {
                if (Marshal.GetLastPInvokeError() == LibcFiles.ENOENT)
                {
                    return false;
                }

                throw Failure("look at", path);
            }
        }

        return (opened.stx_ino, opened.stx_dev_major, opened.stx_dev_minor) == (named.stx_ino, named.stx_dev_major, named.stx_dev_minor);
    }

    public static FileOwner GetOwner(string path)
    {
        LibcFiles.Statx info = default;
        fixed (byte* name = Terminated(path))
        {
            if (LibcFiles.statx(LibcFiles.AT_FDCWD, name, 0, LibcFiles.STATX_UID | LibcFiles.STATX_GID, &info) != 0)
            {
                throw Failure("read the owner of", path);
            }
        }

        return new FileOwner(info.stx_uid, info.stx_gid);
    }

    /// <summary>Whether this process may make and remove files in the directory; false on a file system that is read-only, too.</summary>
    public static bool MayWriteInto(string directory)
    {
        fixed (byte* name = Terminated(directory))
        {
            return LibcFiles.faccessat(LibcFiles.AT_FDCWD, name, LibcFiles.W_OK | LibcFiles.X_OK, LibcFiles.AT_EACCESS) == 0;
        }
    }

    public static void SetOwner(string path, FileOwner owner)
    {
        fixed (byte* name = Terminated(path))
        {
            if (LibcFiles.chown(name, owner.UserId, owner.GroupId) != 0)
            {
                throw Failure("change the owner of", path);
            }
        }
    }

    /// <summary>Rights that files and sockets made from now on by this process never get. Process-wide: call it once, at start.</summary>
    public static void SetCreationMask(UnixFileMode withheld) => _ = LibcFiles.umask((uint)withheld);

    /// <summary>Makes a rename inside the directory survive a power cut.</summary>
    public static void SyncDirectory(string path)
    {
        fixed (byte* name = Terminated(path))
        {
            int fd = LibcFiles.open(name, LibcFiles.O_RDONLY | LibcFiles.O_CLOEXEC);
            if (fd < 0)
            {
                throw Failure("open the directory", path);
            }

            int result = LibcFiles.fsync(fd);
            int error = Marshal.GetLastPInvokeError();
            _ = LibcFiles.close(fd);
            if (result != 0)
            {
                throw new IOException($"cannot sync the directory {path}: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    private static byte[] Terminated(string path)
    {
        if (path.Contains('\0'))
        {
            throw new IOException("a path cannot contain a zero byte");
        }

        return Encoding.UTF8.GetBytes(path + '\0');
    }

    private static IOException Failure(string what, string path) =>
        new($"cannot {what} {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
