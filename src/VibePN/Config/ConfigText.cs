namespace VibePN.Config;

/// <summary>A config and the text it was read from.</summary>
public sealed record ConfigText(string Text, NodeConfig Config)
{
    /// <exception cref="ConfigException">The file is missing, unreadable or wrong.</exception>
    public static ConfigText Load(string path) => Parse(ConfigFile.ReadText(path), path);

    /// <inheritdoc cref="ConfigFile.Parse"/>
    public static ConfigText Parse(string text, string path) => new(text, ConfigFile.Parse(text, path));
}
