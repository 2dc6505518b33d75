using System.Diagnostics;

namespace VibePN.Fuzz;

/// <summary>Runs a target on mutated inputs and says how it went.</summary>
internal static class FuzzDriver
{
    /// <summary>Growth of the process beyond which memory counts as unbounded.</summary>
    private const long MaxGrowthBytes = 64 << 20;

    /// <summary>Time for one input beyond which a parser counts as hanging.</summary>
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    /// <returns>The exit code: 0 when every input was dealt with.</returns>
    public static int Run(string name, long runs, ulong seed)
    {
        if (!FuzzTargets.All.TryGetValue(name, out var target))
        {
            Console.Error.WriteLine($"no target {name}; there are: {string.Join(", ", FuzzTargets.All.Keys)}");
            return 2;
        }

        var clock = Stopwatch.StartNew();
        try
        {
            var (before, after) = Execute(target, Corpus.Load(name), runs, seed, 0);
            Console.WriteLine(
                $"{name}: {runs} runs, seed {seed}, {clock.Elapsed.TotalSeconds:F0} s, {clock.Elapsed.TotalMicroseconds / runs:F2} us each, memory {before >> 20} -> {after >> 20} MiB");
            return 0;
        }
        catch (FuzzFinding finding)
        {
            Console.Error.WriteLine($"FOUND in {name}: {finding.Message}");
            Console.Error.WriteLine($"again: make fuzz TARGET={name} RUNS={runs} SEED={seed}; keep it as a line of Corpus/{name}.hex");
            return 1;
        }
    }

    /// <param name="firstRun">Skips none; only numbers the runs.</param>
    /// <returns>Bytes of the process after a warm-up, and at the end.</returns>
    /// <exception cref="FuzzFinding">An input that was not dealt with.</exception>
    public static (long Before, long After) Execute(FuzzTarget target, IReadOnlyList<byte[]> corpus, long runs, ulong seed, long firstRun)
    {
        // Untimed: compiles, and makes what the target keeps.
        target([]);
        var mutator = new Mutator(corpus, seed);
        var warm = Math.Min(runs / 10, 100_000);
        long before = 0;
        for (long run = 0; run < runs; run++)
        {
            if (run == warm)
            {
                before = Resident();
            }

            One(target, mutator.Next(), firstRun + run);
        }

        var after = Resident();
        return after - before <= MaxGrowthBytes
            ? (before, after)
            : throw new FuzzFinding($"memory grew from {before} to {after} bytes in {runs} runs", null);
    }

    /// <exception cref="FuzzFinding">The target threw, or took too long.</exception>
    public static void One(FuzzTarget target, ReadOnlySpan<byte> input, long run)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            target(input);
        }
        catch (Exception failure)
        {
            throw new FuzzFinding($"run {run}, input {Convert.ToHexStringLower(input)}: {failure}", failure);
        }

        if (Stopwatch.GetElapsedTime(start) > MaxTime)
        {
            throw new FuzzFinding($"run {run}, input {Convert.ToHexStringLower(input)}: took {Stopwatch.GetElapsedTime(start)}", null);
        }
    }

    private static long Resident()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}

/// <summary>An input that a target did not deal with, and how to make it again.</summary>
internal sealed class FuzzFinding(string message, Exception? cause) : Exception(message, cause);
