using Xunit;

namespace VibePN.Fuzz;

/// <summary>Replays the corpus, and a short seeded run from it.</summary>
public sealed class CorpusTests
{
    private const int Runs = 3_000;

    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Corpus_EveryInput_IsDealtWith(string target)
    {
        var inputs = Corpus.Load(target);
        Assert.NotEmpty(inputs);
        FuzzTargets.All[target]([]);
        for (var i = 0; i < inputs.Count; i++)
        {
            FuzzDriver.One(FuzzTargets.All[target], inputs[i], i);
        }
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Mutations_OfTheCorpus_AreDealtWith(string target) =>
        FuzzDriver.Execute(FuzzTargets.All[target], Corpus.Load(target), Runs, seed: 1, 0);

    [Fact]
    public void Driver_TargetThatThrows_IsFoundWithItsInput()
    {
        var found = Assert.Throws<FuzzFinding>(() => FuzzDriver.Execute(
            input =>
            {
                if (input.Length > 0 && input[0] == 7)
                {
                    throw new InvalidOperationException("seven");
                }
            },
            [[1, 2, 3]],
            100_000,
            1,
            0));

        Assert.Contains("input 07", found.Message, StringComparison.Ordinal);
    }
}
