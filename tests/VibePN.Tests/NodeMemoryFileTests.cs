using Xunit;

namespace VibePN.Tests;

/// <summary>The state directory after processes that were killed.</summary>
public sealed class NodeMemoryFileTests
{
    [Fact]
    public void Load_AfterAProcessWasKilledWhileWriting_RemovesWhatItLeft()
    {
        using TemporaryDirectory folder = new();
        string unfinished = Path.Combine(folder.Path, ".addresses.json.4711.tmp"), other = Path.Combine(folder.Path, "other.tmp");
        File.WriteAllText(unfinished, "{");
        File.WriteAllText(other, "");
        NodeMemoryFile file = new(folder.Path);
        file.Save(NodeMemory.Empty);

        Assert.Empty(file.Load(out string? problem).Networks);

        Assert.Null(problem);
        Assert.False(File.Exists(unfinished));
        Assert.True(File.Exists(other));
    }

    /// <summary>What is JSON and makes no sense keeps no daemon from starting either.</summary>
    [Theory]
    [InlineData("""{"networks":[null]}""")]
    [InlineData("""{"networks":[{"name":"corp","owners":[null]}]}""")]
    [InlineData("""{"networks":[{"name":"corp","counters":{"fd42::/64":1,"fd42:0::/64":2}}]}""")]
    public void Load_AddressesThatMakeNoSense_ArePutAside(string text)
    {
        using TemporaryDirectory folder = new();
        string path = Path.Combine(folder.Path, "addresses.json");
        File.WriteAllText(path, text);

        Assert.Empty(new NodeMemoryFile(folder.Path).Load(out string? problem).Networks);

        Assert.StartsWith(path, problem, StringComparison.Ordinal);
        Assert.True(File.Exists(path + ".unreadable"));
    }
}
