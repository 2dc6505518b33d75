namespace VibePN.Doctor.Bench;

internal static class BenchFigures
{
    /// <summary>The quantile by rank; null: there is none.</summary>
    public static double? At(List<double> sorted, double share) => sorted.Count == 0 ? null : Math.Round(sorted[(int)Math.Ceiling(share * (sorted.Count - 1))], 3);
}
