namespace VibePN.Tests;

/// <summary>A directory that goes with its test. Those that a killed run left behind are removed first.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private const string Prefix = "vibepn-test-";

    static TemporaryDirectory()
    {
        foreach (string old in Directory.GetDirectories(System.IO.Path.GetTempPath(), Prefix + "*"))
        {
            string pid = System.IO.Path.GetFileName(old)[Prefix.Length..].Split('-')[0];
            if (!Directory.Exists($"/proc/{pid}"))
            {
                Directory.Delete(old, recursive: true);
            }
        }
    }

    public string Path { get; } = Directory.CreateTempSubdirectory($"{Prefix}{Environment.ProcessId}-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
