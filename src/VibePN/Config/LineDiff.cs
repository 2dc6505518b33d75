using System.Globalization;
using System.Text;

namespace VibePN.Config;

/// <summary>The difference of two texts as <c>diff -u</c> writes it, in one hunk: edits touch one place.</summary>
internal static class LineDiff
{
    private const int ContextLines = 3;

    /// <summary>Beyond that the middle is shown as replaced whole, which is right too.</summary>
    private const int MaxCells = 1 << 22;

    public static string Unified(string path, string before, string after)
    {
        if (before == after)
        {
            return "";
        }

        string[] old = LinesOf(before);
        string[] now = LinesOf(after);
        int same = old.Zip(now).TakeWhile(pair => pair.First == pair.Second).Count();
        int sameEnd = old.Skip(same).Reverse().Zip(now.Skip(same).Reverse()).TakeWhile(pair => pair.First == pair.Second).Count();
        int start = Math.Max(0, same - ContextLines);
        int tail = Math.Max(0, sameEnd - ContextLines);
        StringBuilder text = new();
        _ = text.Append(CultureInfo.InvariantCulture, $"--- {path}\n+++ {path}\n");
        _ = text.Append(CultureInfo.InvariantCulture, $"@@ -{Range(start, old.Length - tail)} +{Range(start, now.Length - tail)} @@\n");
        Append(text, ' ', old.AsSpan(start, same - start));
        AppendMiddle(text, old[same..^sameEnd], now[same..^sameEnd]);
        Append(text, ' ', old.AsSpan(old.Length - sameEnd, sameEnd - tail));
        return text.ToString();
    }

    private static string Range(int start, int end) => string.Create(CultureInfo.InvariantCulture, $"{(end == start ? start : start + 1)},{end - start}");

    /// <summary>With their ends.</summary>
    private static string[] LinesOf(string text)
    {
        List<string> lines = [];
        for (int at = 0; at < text.Length;)
        {
            int newline = text.IndexOf('\n', at);
            int next = newline < 0 ? text.Length : newline + 1;
            lines.Add(text[at..next]);
            at = next;
        }

        return [.. lines];
    }

    /// <summary>By the longest common subsequence.</summary>
    private static void AppendMiddle(StringBuilder text, string[] old, string[] now)
    {
        if ((long)(old.Length + 1) * (now.Length + 1) > MaxCells)
        {
            Append(text, '-', old);
            Append(text, '+', now);
            return;
        }

        // common[i, j]: of old[i..] and now[j..].
        int[,] common = new int[old.Length + 1, now.Length + 1];
        for (int i = old.Length - 1; i >= 0; i--)
        {
            for (int j = now.Length - 1; j >= 0; j--)
            {
                common[i, j] = old[i] == now[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        int a = 0;
        int b = 0;
        while (a < old.Length || b < now.Length)
        {
            if (a < old.Length && b < now.Length && old[a] == now[b])
            {
                Append(text, ' ', old[a++]);
                b++;
            }
            else if (a < old.Length && (b == now.Length || common[a + 1, b] >= common[a, b + 1]))
            {
                Append(text, '-', old[a++]);
            }
            else
            {
                Append(text, '+', now[b++]);
            }
        }
    }

    private static void Append(StringBuilder text, char sign, params ReadOnlySpan<string> lines)
    {
        foreach (string line in lines)
        {
            _ = text.Append(sign).Append(line);
            if (!line.EndsWith('\n'))
            {
                _ = text.Append("\n\\ No newline at end of file\n");
            }
        }
    }
}
