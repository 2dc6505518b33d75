using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace VibePN.Tests.Sim;

/// <summary>
/// Every scenario with many seeds. `make sim SEEDS=100` runs more of them than `make test`, `make soak` those with many nodes, too;
/// `make sim SEED=17 SCENARIO=mesh` runs one again.
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
        var seeds = Number("SIM_SEED") is { } one ? [one] : Enumerable.Range(1, Number("SIM_SEEDS") ?? DefaultSeeds);
        Run([.. seeds.Select(seed => (scenario, Scenarios.All[scenario], seed))]);
    }

    /// <summary>Many nodes, side by side: each run is one thread's work.</summary>
    /// <param name="nodes">Of the mesh; a quarter of them in the rolling restart.</param>
    [Theory]
    [MemberData(nameof(Sizes))]
    public void ManyNodes_EverySeed_KeepTheirPromises(int nodes)
    {
        var soaks = Number("SIM_SOAK") ?? 1;
        var jobs = Enumerable.Range(1, Math.Max(1, soaks / 100)).Select(seed => (Name: "large-mesh", Run: Sized(RecoveryScenarios.LargeMesh, nodes), Seed: seed))
            .Concat(Enumerable.Range(1, Math.Max(1, soaks / 20)).Select(seed => (Name: "large-restart", Run: Sized(RecoveryScenarios.RollingRestart, nodes / 4), Seed: seed)))
            .Where(job => (Setting("SIM_SCENARIO") ?? job.Name) == job.Name && (Number("SIM_SEED") ?? job.Seed) == job.Seed);
        Run([.. jobs]);
    }

    /// <summary>`make soak`: 200 and 50; of 100 seeds the mesh gets one, the rolling restart five.</summary>
    public static TheoryData<int> Sizes => Number("SIM_SOAK") is null ? [32] : [200];

    private static Action<SimNetwork> Sized(Action<SimNetwork, int> scenario, int nodes) => sim => scenario(sim, nodes);

    [Fact]
    public void BothDial_TwoHundredTimesWithRandomSkew_OneConnectionStays()
    {
        Parallel.For(1, 201, new ParallelOptions { MaxDegreeOfParallelism = 2 }, seed =>
        {
            using var sim = new SimNetwork(seed) { Cast = seed % Casts };
            Scenarios.All["both-dial"](sim);
        });
    }

    private void Run(IReadOnlyList<(string Name, Action<SimNetwork> Run, int Seed)> jobs)
    {
        var failures = new ConcurrentBag<string>();
        long turns = 0;
        var clock = Stopwatch.StartNew();
        Parallel.ForEach(Partitioner.Create(jobs, EnumerablePartitionerOptions.NoBuffering), new ParallelOptions { MaxDegreeOfParallelism = 2 }, job =>
        {
            using var sim = new SimNetwork(job.Seed) { Cast = job.Seed % Casts };
            try
            {
                job.Run(sim);
                sim.CheckAll();
            }
            catch (Exception failure)
            {
                failures.Add($"make sim SEED={job.Seed} SCENARIO={job.Name}\n{failure.Message}\n{failure.StackTrace}");
            }

            Interlocked.Add(ref turns, sim.Turns);
        });

        output.WriteLine($"{string.Join(", ", jobs.GroupBy(job => job.Name).Select(jobs => $"{jobs.Key}: {jobs.Count()} seeds"))}, {turns} turns, {clock.Elapsed.TotalSeconds:F1} s");
        Assert.True(failures.IsEmpty, $"{failures.Count} of {jobs.Count} seeds failed:\n{string.Join("\n", failures.Take(5))}");
    }

    private static int? Number(string name) => Setting(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Setting(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
