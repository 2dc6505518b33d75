using System.Globalization;

namespace VibePN.Doctor.Bench;

/// <summary>Figures of a measurement in words.</summary>
public static class BenchText
{
    public static string Rate(double megabits) => megabits >= 1000 ? $"{Of(megabits / 1000, "0.00")} Gbit/s" : $"{Of(megabits, megabits >= 10 ? "0" : "0.00")} Mbit/s";

    public static string Percent(double share) => $"{Of(share * 100, "0.##")} %";

    internal static string Millis(double value) => $"{Of(value, "0.0")} ms";

    public static string Of(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>The quantile by rank; null: there is none.</summary>
    internal static double? At(List<double> sorted, double share) => sorted.Count == 0 ? null : Math.Round(sorted[(int)Math.Ceiling(share * (sorted.Count - 1))], 3);
}
