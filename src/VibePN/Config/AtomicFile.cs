using System.Text;
using VibePN.Linux.Files;

namespace VibePN.Config;

/// <summary>Replaces files so that a reader, a crash or a power cut sees the old content or the new, never a part.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes beside <paramref name="path"/>, syncs, renames. A file already there keeps its mode and owner and is copied to
    /// PATH.bak first; a symbolic link stays one. A new file gets <paramref name="mode"/>.
    /// </summary>
    /// <param name="beforeRename">Called with the new content durable and the old still in place; throwing leaves everything as it was.</param>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static void Write(string path, string text, UnixFileMode mode, Action? beforeRename = null)
    {
        string target = Path.GetFullPath(path);
        if (new FileInfo(target).LinkTarget is not null)
        {
            target = File.ResolveLinkTarget(target, returnFinalTarget: true)!.FullName;
        }

        string directory = Path.GetDirectoryName(target)!;
        string temporary = Path.Combine(directory, $".{Path.GetFileName(target)}.{Environment.ProcessId}.tmp");
        bool replaces = File.Exists(target);
        try
        {
            WriteNew(temporary, text, replaces ? UnixFileMode.UserRead | UnixFileMode.UserWrite : mode);
            if (replaces)
            {
                FileOwner owner = PosixFile.GetOwner(target);
                if (PosixFile.GetOwner(temporary) != owner)
                {
                    PosixFile.SetOwner(temporary, owner);
                }

                File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
                File.Copy(target, target + ".bak", overwrite: true);
            }

            beforeRename?.Invoke();
            File.Move(temporary, target, overwrite: true);
            PosixFile.SyncDirectory(directory);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>As <see cref="Write"/>, for files of the program's own: always with <paramref name="mode"/>, and no copy of the old content stays.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static void Replace(string path, string text, UnixFileMode mode)
    {
        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string temporary = Path.Combine(directory, $".{Path.GetFileName(path)}.{Environment.ProcessId}.tmp");
        try
        {
            WriteNew(temporary, text, mode);
            File.Move(temporary, path, overwrite: true);
            PosixFile.SyncDirectory(directory);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void WriteNew(string path, string text, UnixFileMode mode)
    {
        File.Delete(path);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        using FileStream file = new(path, options);
        file.Write(Encoding.UTF8.GetBytes(text));
        file.Flush(flushToDisk: true);
    }
}
