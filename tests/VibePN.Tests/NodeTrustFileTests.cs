using System.Net;
using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests;

/// <summary>Invites and peers beside the config, in the state directory.</summary>
public sealed class NodeTrustFileTests
{
    private static readonly PeerId Peer = PeerId.Parse(new string('a', 64));
    private static readonly InviteId Id = new(new UInt128(1, 2));

    private static readonly TrustMemory Sample = new(
        [
            new IssuedInvite { Id = Id, Key = new byte[] { 1, 2, 3 }, Network = "corp", CreatedUtcSeconds = 1_700_000_000, ExpiresUtcSeconds = 1_700_086_400 },
            new IssuedInvite
            {
                Id = new InviteId(3),
                Network = "corp",
                JoinerName = "bob",
                Routes = [IPNetwork.Parse("192.168.20.0/24")],
                CreatedUtcSeconds = 1_700_000_001,
                ExpiresUtcSeconds = 1_700_086_401,
                RevokedUtcSeconds = 1_700_000_003,
                UsedBy = Peer,
                UsedName = "bob",
                UsedUtcSeconds = 1_700_000_002,
            },
        ],
        [
            new RememberedPeer("bob", Peer, PeerTrust.Invite, 1_700_000_002) { Invite = Id, Networks = ["corp"], AllowRoutes = [IPNetwork.Parse("192.168.20.0/24")] },
            new RememberedPeer("carol", PeerId.Parse(new string('b', 64)), PeerTrust.FirstUse, 1_700_000_004) { Address = "192.0.2.1:51820" },
        ]);

    [Fact]
    public void Load_WhatWasSaved_IsTheSameAndForItsOwnerOnly()
    {
        using TemporaryDirectory folder = new();
        NodeTrustFile file = new(folder.Path);
        file.Save(Sample);

        TrustMemory read = new NodeTrustFile(folder.Path).Load(out string? problem);

        Assert.Null(problem);
        Assert.Equal(Describe(Sample), Describe(read));
        Assert.All([file.InvitesPath, file.PeersPath], path => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path)));
        Assert.Equal(["invites.json", "trust.json"], Directory.GetFiles(folder.Path).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("invites.json", "{")]
    [InlineData("invites.json", "{\"invites\":[{\"id\":\"short\"}]}")]
    [InlineData("invites.json", "{\"invites\":[{\"id\":\"00112233445566778899aabbccddeeff\",\"network\":\"Not A Name\"}]}")]
    [InlineData("invites.json", "{\"invites\":[null]}")]
    [InlineData("trust.json", "null")]
    [InlineData("trust.json", "{\"peers\":[{\"name\":\"bob\",\"fingerprint\":\"zz\",\"by\":\"invite\"}]}")]
    [InlineData("trust.json", "{\"peers\":[{\"name\":\"bob\",\"fingerprint\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"by\":\"hearsay\"}]}")]
    public void Load_Unreadable_IsPutAsideAndTheOtherFileStays(string name, string text)
    {
        using TemporaryDirectory folder = new();
        new NodeTrustFile(folder.Path).Save(Sample);
        File.WriteAllText(Path.Combine(folder.Path, name), text);

        TrustMemory read = new NodeTrustFile(folder.Path).Load(out string? problem);

        Assert.Contains(name, problem, StringComparison.Ordinal);
        Assert.Equal(name == "invites.json" ? (0, 2) : (2, 0), (read.Invites.Count, read.Peers.Count));
        Assert.Equal(text, File.ReadAllText(Path.Combine(folder.Path, name + ".unreadable")));
    }

    [Fact]
    public void Save_NothingToRemember_MakesNoFiles()
    {
        using TemporaryDirectory folder = new();
        new NodeTrustFile(folder.Path).Save(TrustMemory.Empty);

        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static string Describe(TrustMemory memory) => string.Join('\n',
    [
        .. memory.Invites.Select(invite => $"{invite with { Key = default, Routes = [] }} {Convert.ToHexString(invite.Key.Span)} {string.Join(',', invite.Routes)}"),
        .. memory.Peers.Select(peer => $"{peer with { Networks = [], AllowRoutes = [] }} {string.Join(',', peer.Networks)} {string.Join(',', peer.AllowRoutes)}"),
    ]);
}
