namespace VibePN.Config;

/// <summary>One thing wrong with a config file.</summary>
/// <param name="File">As it was given to the loader.</param>
/// <param name="Line">From 1; 0: the file as a whole.</param>
/// <param name="Column">From 1, in characters; 0: the file as a whole.</param>
/// <param name="Message">What is wrong and what to do.</param>
public sealed record ConfigError(string File, int Line, int Column, string Message)
{
    public override string ToString() => Line == 0 ? $"{File}: {Message}" : $"{File}:{Line}:{Column}: {Message}";
}
