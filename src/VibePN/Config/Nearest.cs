namespace VibePN.Config;

/// <summary>What somebody who mistyped may have meant.</summary>
internal static class Nearest
{
    /// <returns>The candidate a few keystrokes away, or null.</returns>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        // Two letters swapped count as two; more than half of the word is another word.
        int allowed = Math.Min(Math.Max(2, word.Length / 3), word.Length / 2);
        (string Text, int Distance) best = candidates
            .Where(candidate => Math.Abs(candidate.Length - word.Length) <= allowed)
            .Select(candidate => (candidate, Distance(word, candidate)))
            .OrderBy(pair => pair.Item2)
            .ThenBy(pair => pair.candidate, StringComparer.Ordinal)
            .FirstOrDefault((candidate: "", int.MaxValue));
        return best.Distance <= allowed ? best.Text : null;
    }

    /// <summary>Insertions, deletions and substitutions between the two (Levenshtein). Cost: product of the lengths.</summary>
    private static int Distance(string a, string b)
    {
        int[] previous = [.. Enumerable.Range(0, b.Length + 1)];
        int[] current = new int[b.Length + 1];
        for (int i = 1; i <= a.Length; i++)
        {
            current[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(substituted, Math.Min(previous[j], current[j - 1]) + 1);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }
}
