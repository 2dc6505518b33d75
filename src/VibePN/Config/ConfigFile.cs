namespace VibePN.Config;

/// <summary>Reads config files.</summary>
public static class ConfigFile
{
    /// <exception cref="ConfigException">The file is missing, unreadable or wrong; all errors at once.</exception>
    public static NodeConfig Load(string path) => throw new NotImplementedException(path);

    /// <summary>As <see cref="Load"/>, on text that is already there. <paramref name="path"/> names it in errors and anchors relative paths.</summary>
    public static NodeConfig Parse(string text, string path) => throw new NotImplementedException(text + path);
}
