using VibePN.Routing;
using Xunit;

namespace VibePN.Tests;

/// <summary>Tokens in the state directory: secrets, and never worth a failed start.</summary>
public sealed class NodeTokenFileTests
{
    private static readonly PeerId Peer = PeerId.Parse(new string('a', 64));

    [Fact]
    public void Load_WhatWasSaved_IsTheSameAndForItsOwnerOnly()
    {
        using TemporaryDirectory folder = new();
        NodeMemoryFile file = new(folder.Path);
        string path = Path.Combine(folder.Path, "tokens.json");
        File.WriteAllText(path, "{}");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        file.Save(NodeMemory.Empty with { Tokens = [new PeerToken(Peer, new byte[] { 1, 2, 3 })] });
        PeerToken token = Assert.Single(new NodeMemoryFile(folder.Path).Load(out string? problem).Tokens);

        Assert.Null(problem);
        Assert.Equal(Peer, token.Peer);
        Assert.Equal([1, 2, 3], token.Token.ToArray());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Equal(["addresses.json", "tokens.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("{\"tokens\":[{\"peer\":\"short\",\"token\":\"AQID\"}]}")]
    [InlineData("{\"tokens\":[{\"peer\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"token\":\"?\"}]}")]
    [InlineData("null")]
    [InlineData("{\"tokens\":[null]}")]
    public void Load_Unreadable_IgnoredWithOneProblemAndAddressesStay(string text)
    {
        using TemporaryDirectory folder = new();
        NodeMemoryFile file = new(folder.Path);
        file.Save(NodeMemory.Empty with { Networks = [new NodeNetworkMemory("corp", new Dictionary<Prefix, uint>(), [])] });
        File.WriteAllText(Path.Combine(folder.Path, "tokens.json"), text);

        NodeMemory memory = new NodeMemoryFile(folder.Path).Load(out string? problem);

        Assert.Empty(memory.Tokens);
        Assert.Equal("corp", Assert.Single(memory.Networks).Name);
        Assert.StartsWith(Path.Combine(folder.Path, "tokens.json"), problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FileLargerThanAnyOfOurs_IgnoredUnread()
    {
        using TemporaryDirectory folder = new();
        File.WriteAllText(Path.Combine(folder.Path, "tokens.json"), "{}" + new string(' ', 4 << 20));

        Assert.Empty(new NodeMemoryFile(folder.Path).Load(out string? problem).Tokens);

        Assert.Contains("more than", problem, StringComparison.Ordinal);
    }

    /// <summary>As many as there may be peers, each as long as a peer may make it.</summary>
    [Fact]
    public void Load_TokensOfAllPeers_AreReadBack()
    {
        using TemporaryDirectory folder = new();
        PeerToken[] tokens = [.. Enumerable.Range(0, Limits.RememberedPeers + Limits.Introduced).Select(i => new PeerToken(PeerId.OfCertificate(BitConverter.GetBytes(i)), new byte[Limits.DialTokenBytes]))];
        new NodeMemoryFile(folder.Path).Save(NodeMemory.Empty with { Tokens = tokens });

        Assert.Equal(tokens.Length, new NodeMemoryFile(folder.Path).Load(out string? problem).Tokens.Count);

        Assert.Null(problem);
    }

    [Fact]
    public void Save_NoTokensEver_MakesNoFile()
    {
        using TemporaryDirectory folder = new();

        new NodeMemoryFile(folder.Path).Save(NodeMemory.Empty);

        Assert.False(File.Exists(Path.Combine(folder.Path, "tokens.json")));
    }
}
