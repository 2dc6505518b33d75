namespace VibePN.Fuzz;

/// <summary>The committed inputs of a target: Corpus/TARGET.hex, one a line in hex; `#` begins a comment.</summary>
internal static class Corpus
{
    public static IReadOnlyList<byte[]> Load(string target) =>
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Corpus", target + ".hex"))
            .Select(line => line.Split('#')[0].Trim())
            .Where(line => line.Length > 0)
            .Select(Convert.FromHexString),
    ];
}
