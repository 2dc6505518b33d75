using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>
/// Every scenario with many seeds. `make sim SEEDS=100` runs more of them than `make test`; `make sim SEED=17 SCENARIO=mesh` runs one again.
/// </summary>
public sealed class ScenarioTests(ITestOutputHelper output)
{
    private const int DefaultSeeds = 3;

    /// <summary>Sets of identities: of each pair of names either is the smaller in some.</summary>
    private const int Casts = 8;

    public static TheoryData<string> Names => [.. Scenarios.All.Keys.Where(name => Setting("SIM_SCENARIO") is not { } wanted || wanted == name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Scenario_EverySeed_KeepsItsPromises(string scenario)
    {
        var seeds = Number("SIM_SEED") is { } one ? [one] : Enumerable.Range(1, Number("SIM_SEEDS") ?? DefaultSeeds).ToList();
        var failures = new ConcurrentBag<string>();
        long turns = 0;
        var clock = Stopwatch.StartNew();
        Parallel.ForEach(seeds, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            using var sim = new SimNetwork(seed) { Cast = seed % Casts };
            try
            {
                Scenarios.All[scenario](sim);
                sim.CheckAll();
            }
            catch (Exception failure)
            {
                failures.Add($"make sim SEED={seed} SCENARIO={scenario}\n{failure.Message}\n{failure.StackTrace}");
            }

            Interlocked.Add(ref turns, sim.Turns);
        });

        output.WriteLine($"{scenario}: {seeds.Count} seeds, {turns} turns, {clock.Elapsed.TotalSeconds:F1} s");
        Assert.True(failures.IsEmpty, $"{failures.Count} of {seeds.Count} seeds failed:\n{string.Join("\n", failures.Take(5))}");
    }

    [Fact]
    public void BothDial_TwoHundredTimesWithRandomSkew_OneConnectionStays()
    {
        Parallel.For(1, 201, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            using var sim = new SimNetwork(seed) { Cast = seed % Casts };
            Scenarios.All["both-dial"](sim);
        });
    }

    private static int? Number(string name) => Setting(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
