using System.Diagnostics;

namespace VibePN.E2E.Harness;

/// <summary>Waiting for something outside this process.</summary>
internal static class Wait
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(50);

    /// <returns>How long it took.</returns>
    /// <exception cref="TimeoutException">It was not so within <paramref name="limit"/>.</exception>
    public static TimeSpan Until(TimeSpan limit, string what, Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new TimeoutException($"not within {limit.TotalSeconds} s: {what}");
            }

            Thread.Sleep(s_step);
        }

        return Stopwatch.GetElapsedTime(start);
    }

    public static void For(TimeSpan time) => Thread.Sleep(time);
}
