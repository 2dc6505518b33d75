namespace VibePN;

/// <summary>What the kernel says about this process.</summary>
public static class OwnProcess
{
    /// <summary>A field of /proc/self/status (proc(5)), as <c>VmRSS</c>, without its name and the blanks around it; null: there is none.</summary>
    public static string? StatusField(string name) => File.ReadLines("/proc/self/status")
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal) && line.AsSpan(name.Length).StartsWith(":"))?[(name.Length + 1)..].Trim();
}
