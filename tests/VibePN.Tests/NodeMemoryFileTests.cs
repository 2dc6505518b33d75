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
}
