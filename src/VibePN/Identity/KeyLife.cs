using System.Globalization;

namespace VibePN.Identity;

/// <summary>When the end of a certificate becomes news.</summary>
public static class KeyLife
{
    /// <summary>From then on it is a warning.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    /// <returns>Null: there is time.</returns>
    public static string? Words(DateTimeOffset end, DateTimeOffset now)
    {
        TimeSpan left = end - now;
        string day = end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return left >= Soon ? null : left < TimeSpan.Zero ? $"has expired on {day}" : string.Create(CultureInfo.InvariantCulture, $"expires on {day}, in {left.Days} days");
    }
}
