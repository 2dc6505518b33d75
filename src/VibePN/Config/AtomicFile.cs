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
            File.Delete(temporary);
            FileStreamOptions options = new()
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = replaces ? UnixFileMode.UserRead | UnixFileMode.UserWrite : mode,
            };
            using (FileStream file = new(temporary, options))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }

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
}
