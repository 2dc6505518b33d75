using System.Text;
using VibePN.Linux.Files;

namespace VibePN.Config;

/// <summary>Replaces files so that a reader, a crash or a power cut sees the old content or the new, never a part.</summary>
public static class AtomicFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Writes beside <paramref name="path"/>, syncs, renames. A file already there keeps its mode and owner, and its content is in
    /// PATH.bak, made the same way, before it is replaced; a symbolic link stays one. A new file gets <paramref name="mode"/>.
    /// </summary>
    /// <param name="beforeRename">Called with the new content durable and the old still in place; throwing leaves the file as it was.</param>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static void Write(string path, string text, UnixFileMode mode, Action? beforeRename = null)
    {
        string target = TargetOf(path);
        string directory = Path.GetDirectoryName(target)!;
        string temporary = TemporaryOf(target);
        byte[] content = Encoding.UTF8.GetBytes(text);
        try
        {
            if (File.Exists(target))
            {
                // The one temporary file serves both: a killed process leaves one at most.
                WriteLike(target, temporary, File.ReadAllBytes(target));
                File.Move(temporary, BackupOf(target), overwrite: true);
                WriteLike(target, temporary, content);
            }
            else
            {
                WriteNew(temporary, content, mode);
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
        string full = Path.GetFullPath(path);
        string temporary = TemporaryOf(full);
        try
        {
            WriteNew(temporary, Encoding.UTF8.GetBytes(text), mode);
            File.Move(temporary, full, overwrite: true);
            PosixFile.SyncDirectory(Path.GetDirectoryName(full)!);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>As <see cref="Replace"/>, with mode and owner of another file in the same directory.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static void ReplaceLike(string path, string like, string text)
    {
        string full = Path.GetFullPath(path);
        string temporary = TemporaryOf(full);
        try
        {
            WriteLike(TargetOf(like), temporary, Encoding.UTF8.GetBytes(text));
            File.Move(temporary, full, overwrite: true);
            PosixFile.SyncDirectory(Path.GetDirectoryName(full)!);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>The file itself, absolute, where <paramref name="path"/> is a symbolic link.</summary>
    public static string TargetOf(string path)
    {
        string target = Path.GetFullPath(path);
        return new FileInfo(target).LinkTarget is null ? target : File.ResolveLinkTarget(target, returnFinalTarget: true)!.FullName;
    }

    /// <summary>Where <see cref="Write"/> keeps what was in the file.</summary>
    public static string BackupOf(string path) => TargetOf(path) + ".bak";

    /// <summary>Takes away what processes that were killed while they wrote have left. Only while nobody else writes the file.</summary>
    internal static void RemoveLeftovers(string target)
    {
        string prefix = $".{Path.GetFileName(target)}.";
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(target)!, prefix + "*.tmp"))
        {
            if (Path.GetFileName(file.AsSpan())[prefix.Length..^".tmp".Length].IndexOfAnyExceptInRange('0', '9') < 0)
            {
                File.Delete(file);
            }
        }
    }

    private static string TemporaryOf(string target) =>
        Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Environment.ProcessId}.tmp");

    /// <summary>With the mode and the owner of <paramref name="model"/>; nobody else can open it before it has them.</summary>
    private static void WriteLike(string model, string path, byte[] content)
    {
        WriteNew(path, content, OwnerOnly);
        FileOwner owner = PosixFile.GetOwner(model);
        if (PosixFile.GetOwner(path) != owner)
        {
            PosixFile.SetOwner(path, owner);
        }

        File.SetUnixFileMode(path, File.GetUnixFileMode(model));
    }

    private static void WriteNew(string path, byte[] content, UnixFileMode mode)
    {
        File.Delete(path);
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        using FileStream file = new(path, options);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }
}
