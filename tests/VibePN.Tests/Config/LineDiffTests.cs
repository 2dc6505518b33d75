using VibePN.Config;
using Xunit;

namespace VibePN.Tests.Config;

public sealed class LineDiffTests
{
    [Theory]
    [InlineData("a\nb\n", "a\nb\n", "")]
    [InlineData("", "a\n", "--- f\n+++ f\n@@ -0,0 +1,1 @@\n+a\n")]
    [InlineData("1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n6\n7\n8\n", "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n")]
    [InlineData("a\nb\nc\n", "x\nb\ny\n", "--- f\n+++ f\n@@ -1,3 +1,3 @@\n-a\n+x\n b\n-c\n+y\n")]
    [InlineData("a", "a\nb", "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n\\ No newline at end of file\n")]
    [InlineData("a\na\n", "a\n", "--- f\n+++ f\n@@ -1,2 +1,1 @@\n a\n-a\n")]
    public void Unified_IsWhatPatchTakes(string before, string after, string expected) => Assert.Equal(expected, LineDiff.Unified("f", before, after));
}
