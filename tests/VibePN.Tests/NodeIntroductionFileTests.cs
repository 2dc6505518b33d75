using System.Net;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests;

/// <summary>Introductions in the state directory.</summary>
public sealed class NodeIntroductionFileTests
{
    private static readonly PeerId Hub = PeerId.Parse(new string('a', 64));
    private static readonly PeerId Bob = PeerId.Parse(new string('b', 64));

    private static readonly IntroductionMemory Sample = new(
        [
            new IntroducedPeer(Hub, Bob, "bob", 1_700_000_000, 1_700_086_400)
            {
                Networks = ["corp", "lab"],
                EndPoints = [IPEndPoint.Parse("203.0.113.2:51820"), IPEndPoint.Parse("[2001:db8::1]:7")],
                IsInFile = true,
            },
            new IntroducedPeer(Hub, PeerId.Parse(new string('d', 64)), "dave", 1_700_000_001, 1_700_000_001) { Networks = ["corp"] },
        ],
        [new KeptOutPeer(PeerId.Parse(new string('c', 64)), "carol", 1_700_000_002)],
        [Bob]);

    [Fact]
    public void Load_WhatWasSaved_IsTheSameAndForItsOwnerOnly()
    {
        using TemporaryDirectory folder = new();
        NodeIntroductionFile file = new(folder.Path);
        file.Save(IntroductionMemory.Empty);
        Assert.False(File.Exists(file.Path));
        file.Save(Sample);

        IntroductionMemory read = new NodeIntroductionFile(folder.Path).Load(out string? problem);

        Assert.Null(problem);
        Assert.Equal(Describe(Sample), Describe(read));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file.Path));
        file.Save(IntroductionMemory.Empty);
        Assert.Equal(Describe(IntroductionMemory.Empty), Describe(new NodeIntroductionFile(folder.Path).Load(out _)));
    }

    /// <summary>All that there may be: a file that its own writer's bounds make too long would keep every member out.</summary>
    [Fact]
    public void Load_AsMuchAsThereMayBe_IsReadBack()
    {
        using TemporaryDirectory folder = new();
        static PeerId Id(int number) => PeerId.OfCertificate(BitConverter.GetBytes(number));
        static string Name(string kind, int number) => $"{kind}{number:d8}".PadRight(32, 'x');
        string[] networks = [.. Enumerable.Range(0, Limits.NetworksPerPeer).Select(i => Name("n", i))];
        IPEndPoint[] at = [.. Enumerable.Range(0, Limits.AddressesPerPeer).Select(i => IPEndPoint.Parse($"[2001:db8:1111:2222:3333:4444:5555:666{i}]:51820"))];
        IntroductionMemory most = new(
            [.. Enumerable.Range(0, Limits.Introduced).Select(i => new IntroducedPeer(Hub, Id(i), Name("p", i), 1_700_000_000, 1_700_000_000) { Networks = networks, EndPoints = at })],
            [.. Enumerable.Range(0, Limits.KeptOut).Select(i => new KeptOutPeer(Id(-1 - i), Name("k", i), 1_700_000_002))],
            [.. Enumerable.Range(0, Limits.RememberedPeers).Select(Id)]);
        new NodeIntroductionFile(folder.Path).Save(most);

        IntroductionMemory read = new NodeIntroductionFile(folder.Path).Load(out string? problem);

        Assert.Null(problem);
        Assert.Equal((Limits.Introduced, Limits.KeptOut, Limits.RememberedPeers), (read.Peers.Count, read.KeptOut.Count, read.Askers.Count));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"introduced\":[null]}")]
    [InlineData("{\"introduced\":[{\"name\":\"../bob\",\"fingerprint\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}]}")]
    [InlineData("{\"keptOut\":[{\"name\":\"bob\",\"fingerprint\":\"b\"}]}")]
    [InlineData("{\"askers\":[\"b\"]}")]
    public void Load_Unreadable_IsPutAside(string text)
    {
        using TemporaryDirectory folder = new();
        NodeIntroductionFile file = new(folder.Path);
        File.WriteAllText(file.Path, text);

        IntroductionMemory read = file.Load(out string? problem);

        Assert.Contains(file.Path, problem, StringComparison.Ordinal);
        Assert.Equal(Describe(IntroductionMemory.Empty), Describe(read));
        Assert.True(read.IsLost);
        Assert.Equal(text, File.ReadAllText(file.Path + ".unreadable"));
    }

    /// <summary>Who was kept out is not known again until somebody has looked at the file; what was learned since is not lost, and the first damaged one stays.</summary>
    [Fact]
    public void Load_AfterADamagedOne_IsLostUntilThatIsGone()
    {
        using TemporaryDirectory folder = new();
        NodeIntroductionFile file = new(folder.Path);
        File.WriteAllText(file.Path, "first");
        _ = file.Load(out _);
        file.Save(Sample);

        IntroductionMemory read = new NodeIntroductionFile(folder.Path).Load(out string? problem);
        Assert.Contains(file.LostPath, problem, StringComparison.Ordinal);
        Assert.True(read.IsLost);
        Assert.Equal(Describe(Sample with { Peers = [] }), Describe(read));

        File.WriteAllText(file.Path, "second");
        Assert.True(new NodeIntroductionFile(folder.Path).Load(out _).IsLost);
        Assert.Equal("first", File.ReadAllText(file.LostPath));

        file.Save(Sample with { Peers = [] });
        File.Delete(file.LostPath);
        read = new NodeIntroductionFile(folder.Path).Load(out problem);
        Assert.Null(problem);
        Assert.False(read.IsLost);
        Assert.Equal(Describe(Sample with { Peers = [] }), Describe(read));
    }

    private static string Describe(IntroductionMemory memory) => string.Join("\n",
    [
        .. memory.Peers.Select(peer => $"{peer.Introducer} {peer.Id} {peer.Name} {peer.SinceUtcSeconds} {peer.ConfirmedUtcSeconds} {peer.IsInFile} {string.Join(',', peer.Networks)} {string.Join(',', peer.EndPoints)}"),
        .. memory.KeptOut.Select(peer => peer.ToString()),
        .. memory.Askers.Select(id => id.ToString()),
    ]);
}
