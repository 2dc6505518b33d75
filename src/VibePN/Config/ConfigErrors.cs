namespace VibePN.Config;

/// <summary>Collects everything wrong with one file, so that it can be told at once.</summary>
internal sealed class ConfigErrors(string file)
{
    /// <summary>Beyond that, a file is no config with mistakes but something else.</summary>
    private const int MaxErrors = 50;

    private readonly List<ConfigError> _errors = [];
    private readonly List<ConfigError> _warnings = [];

    public bool Any => _errors.Count > 0;

    public IReadOnlyList<ConfigError> Warnings => _warnings;

    public void Add(Position at, string message) => _errors.Add(new ConfigError(file, at.Line, at.Column, message));

    /// <summary>About the file as a whole.</summary>
    public void Add(string message) => Add(default, message);

    public void Warn(Position at, string message) => _warnings.Add(new ConfigError(file, at.Line, at.Column, message));

    /// <exception cref="ConfigException">There are errors.</exception>
    public void ThrowIfAny()
    {
        if (!Any)
        {
            return;
        }

        List<ConfigError> ordered = [.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column)];
        if (ordered.Count > MaxErrors)
        {
            int more = ordered.Count - MaxErrors;
            ordered.RemoveRange(MaxErrors, more);
            ordered.Add(new ConfigError(file, 0, 0, $"and {more} more errors"));
        }

        throw new ConfigException(ordered);
    }
}
