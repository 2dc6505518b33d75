namespace VibePN.Config;

/// <summary>A config file that cannot be used; every error found, in the file's order.</summary>
public sealed class ConfigException(IReadOnlyList<ConfigError> errors) : Exception(string.Join('\n', errors))
{
    public ConfigException(ConfigError error)
        : this([error])
    {
    }

    public IReadOnlyList<ConfigError> Errors { get; } = errors;

    /// <summary>The file is there, and this user may not read it.</summary>
    public bool IsHidden { get; init; }
}
