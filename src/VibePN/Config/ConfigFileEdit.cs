namespace VibePN.Config;

/// <summary>Edits a config file in place: nothing is written that does not load, and of two edits at once none is lost.</summary>
/// <param name="Path">As it was given.</param>
/// <param name="Before">The whole file.</param>
/// <param name="After">The same when nothing was to be changed.</param>
/// <param name="Config">What the file says now, or would say.</param>
public sealed record ConfigFileEdit(string Path, string Before, string After, NodeConfig Config)
{
    public bool IsChange => Before != After;

    /// <summary>As <c>diff -u</c> writes it; empty when nothing was to be changed.</summary>
    public string Diff => LineDiff.Unified(Path, Before, After);

    /// <summary>Where the file before is kept once this is written.</summary>
    public string Backup => AtomicFile.BackupOf(Path);

    /// <summary>What an edit would make of the file; nothing is written.</summary>
    /// <exception cref="ConfigException">The file or the result is wrong.</exception>
    public static ConfigFileEdit Plan(string path, Action<ConfigEdit> edit)
    {
        string before = ConfigFile.ReadText(path, keepMark: true);
        _ = ConfigFile.Parse(before, path);
        ConfigEdit editing = new(before, path);
        edit(editing);
        try
        {
            return new ConfigFileEdit(path, before, editing.Text, ConfigFile.Parse(editing.Text, path));
        }
        catch (ConfigException failure)
        {
            // Lines of a text that is written nowhere help nobody.
            throw new ConfigException([.. failure.Errors.Select(error => new ConfigError(path, 0, 0, $"is left as it is: {error.Message}"))]);
        }
    }

    /// <summary>
    /// Plans and writes, under the lock of all commands. An editor's change between reading and writing is noticed too. The file before is
    /// kept as PATH.bak; mode, owner and symbolic links stay.
    /// </summary>
    /// <exception cref="ConfigException">The file or the result is wrong, or somebody else holds it; nothing was written.</exception>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static async Task<ConfigFileEdit> ApplyAsync(string path, Action<ConfigEdit> edit, TimeProvider clock, CancellationToken cancel)
    {
        // First without the lock: a file that is missing or wrong is told as such, and not as a lock that cannot be taken.
        ConfigFileEdit first = Plan(path, edit);
        if (!first.IsChange)
        {
            return first;
        }

        string target = AtomicFile.TargetOf(path);
        using ConfigLock held = await ConfigLock.TakeAsync(target, clock, cancel);
        AtomicFile.RemoveLeftovers(target);
        ConfigFileEdit plan = Plan(path, edit);
        AtomicFile.Write(target, plan.After, mode: default, beforeRename: () =>
        {
            if (ConfigFile.ReadText(target, keepMark: true) != plan.Before)
            {
                throw new ConfigException(new ConfigError(path, 0, 0, "was changed by somebody else just now; try again"));
            }
        });
        return plan;
    }
}
