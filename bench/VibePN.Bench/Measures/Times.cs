namespace VibePN.Bench.Measures;

/// <summary>How long one measurement takes.</summary>
/// <param name="OmitSeconds">At the start, not counted.</param>
internal readonly record struct Times(int Seconds, int OmitSeconds);
