using VibePN.Linux.Files;

namespace VibePN.Config;

/// <summary>
/// One command at a time edits a config file. The lock is the kernel's, on an empty file <c>.NAME.lock</c> beside it that nobody else may
/// open, and ends with its holder however that dies. Where the file system has no locks, everybody has it.
/// </summary>
public sealed class ConfigLock : IDisposable
{
    /// <summary>An edit takes milliseconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly FileStream _file;

    private ConfigLock(FileStream file) => _file = file;

    /// <param name="target">The file itself, not a link to it.</param>
    /// <param name="clock">For the waiting.</param>
    /// <param name="cancel">Ends the waiting.</param>
    /// <exception cref="ConfigException">Somebody held it for ten seconds.</exception>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static async Task<ConfigLock> TakeAsync(string target, TimeProvider clock, CancellationToken cancel)
    {
        long start = clock.GetTimestamp();
        while (true)
        {
            if (TryTake(target) is { } taken)
            {
                return taken;
            }

            if (clock.GetElapsedTime(start) > Patience)
            {
                throw new ConfigException(new ConfigError(target, 0, 0, $"another command has been editing it for {Patience.TotalSeconds} s (it holds {PathOf(target)}); end that one, and try again"));
            }

            await Task.Delay(Step, clock, cancel);
        }
    }

    public static string PathOf(string target) => Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.lock");

    /// <summary>Removes the file first: who waits for it sees that, and makes a new one.</summary>
    public void Dispose()
    {
        File.Delete(_file.Name);
        _file.Dispose();
    }

    /// <summary>Without waiting, for any file.</summary>
    /// <param name="target">The file itself, not a link to it.</param>
    /// <returns>Null: somebody else holds it.</returns>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static ConfigLock? TryTake(string target)
    {
        string path = PathOf(target);
        FileStream file;
        try
        {
            file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
        catch (IOException failure) when (failure.HResult == PosixFile.WouldBlock)
        {
            return null;
        }

        if (PosixFile.IsAt(file.SafeFileHandle, path))
        {
            return new ConfigLock(file);
        }

        // Its holder has removed it between our opening and locking it.
        file.Dispose();
        return null;
    }
}
