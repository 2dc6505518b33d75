using VibePN.Config;
using VibePN.Linux.Files;

namespace VibePN.Identity;

/// <summary>
/// Statements by which this node joins others: <c>joins/FINGERPRINT.crt</c> in the state directory, named after the inviter, one certificate each
/// in PEM. <c>vibepn join</c> writes them, as whoever runs it; the daemon shows each to its inviter, and removes it when that has accepted it.
/// </summary>
public sealed class JoinFiles(string state)
{
    private const int MaxFileBytes = 16 * 1024;
    private const string Extension = ".crt";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _directory = Path.Combine(state, "joins");

    public string PathOf(PeerId inviter) => Path.Combine(_directory, inviter + Extension);

    /// <summary>Replaces what there is for the same inviter. The files belong to whoever owns the state directory: the daemon has to remove them.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Write(PeerId inviter, string pem)
    {
        bool isNew = !Directory.Exists(state);
        Directory.CreateDirectory(state, OwnerOnly | UnixFileMode.UserExecute);
        Directory.CreateDirectory(_directory, OwnerOnly | UnixFileMode.UserExecute);
        if (isNew && Accounts.FindHeir() is { } user)
        {
            Accounts.SetOwner(state, user, group: null);
        }

        FileOwner owner = PosixFile.GetOwner(state);
        string path = PathOf(inviter);
        AtomicFile.Replace(path, pem, OwnerOnly);
        foreach (string made in new[] { _directory, path })
        {
            if (PosixFile.GetOwner(made) != owner)
            {
                PosixFile.SetOwner(made, owner);
            }
        }
    }

    /// <summary>All there are.</summary>
    /// <param name="problems">Files that are none, or too many.</param>
    public IReadOnlyList<KeyValuePair<PeerId, string>> Load(out List<string> problems)
    {
        problems = [];
        List<KeyValuePair<PeerId, string>> found = [];
        try
        {
            string[] paths = Directory.Exists(_directory) ? Directory.GetFiles(_directory, "*" + Extension) : [];
            foreach (string path in paths.Order(StringComparer.Ordinal))
            {
                if (found.Count == Limits.PendingJoins)
                {
                    problems.Add($"{_directory} has more than {Limits.PendingJoins} files; remove those that are of no use");
                    break;
                }

                if (!PeerId.TryParse(Path.GetFileNameWithoutExtension(path), out PeerId inviter) || new FileInfo(path).Length > MaxFileBytes)
                {
                    problems.Add($"{path} was not made by 'vibepn join'");
                    continue;
                }

                found.Add(new(inviter, File.ReadAllText(path)));
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{_directory}: {failure.Message}");
        }

        return found;
    }

    /// <returns>Null, or why it is still there.</returns>
    public string? TryRemove(PeerId inviter)
    {
        try
        {
            File.Delete(PathOf(inviter));
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"{PathOf(inviter)} is of no use any more, and stays: {failure.Message}";
        }
    }
}
