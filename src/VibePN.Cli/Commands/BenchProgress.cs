using VibePN.Doctor.Bench;

namespace VibePN.Cli.Commands;

/// <summary>What a measurement is at: a bar on a terminal, else a line for each test; on standard error, since the figures are what the output is.</summary>
internal sealed class BenchProgress(bool isQuiet)
{
    private const int Width = 24;

    /// <summary>A screen is not drawn more often.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly bool _isScreen = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private string _what = "";
    private long _drawn;
    private bool _isDrawn;

    /// <param name="what">The test.</param>
    /// <param name="done">Of all, 0 to 1.</param>
    /// <param name="megabits">A second, so far; null: not known here.</param>
    public void Show(string what, double done, double? megabits)
    {
        bool isNew = what != _what;
        _what = what;
        string percent = BenchText.Of(done * 100, "0").PadLeft(3);
        if (!_isScreen)
        {
            if (isNew && !isQuiet)
            {
                Console.Error.WriteLine($"{percent} %  {what}");
            }

            return;
        }

        if (!isNew && TimeProvider.System.GetElapsedTime(_drawn) < Interval)
        {
            return;
        }

        (_drawn, _isDrawn) = (TimeProvider.System.GetTimestamp(), true);
        int full = (int)Math.Round(Math.Clamp(done, 0, 1) * Width);
        string bar = new string('━', full) + new string('╌', Width - full);
        Console.Error.Write($"\r{bar} {percent} %  {what}{(megabits is { } rate ? $"  {BenchText.Rate(rate)}" : "")}\u001b[K");
    }

    public void End() => Console.Error.Write(_isDrawn ? "\r\u001b[K" : "");
}
