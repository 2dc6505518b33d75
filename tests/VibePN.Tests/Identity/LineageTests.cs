using VibePN.Config;
using VibePN.Identity;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.Tests.Identity;

/// <summary>What is made of rows of keys, without any network.</summary>
public sealed class LineageTests
{
    private static readonly PeerId[] A = Ids("a");
    private static readonly PeerId[] P = Ids("p");

    /// <summary>Rows that might be proven, before what is known: only a beginning or a continuation of the entry's own row is let in.</summary>
    [Theory]
    [InlineData("A0", AdmissionReason.Superseded)]
    [InlineData("A0 A1", AdmissionReason.Accepted)]
    [InlineData("A0 A1 A2", AdmissionReason.Accepted)]
    [InlineData("A0 A2", AdmissionReason.Forked)]
    [InlineData("A1", AdmissionReason.Forked)]
    [InlineData("A1 A2", AdmissionReason.Forked)]
    [InlineData("P2 A0", AdmissionReason.Forked)]
    [InlineData("P2 A0 A1", AdmissionReason.Forked)]
    [InlineData("P0 P1 A0", AdmissionReason.Mixed)]
    [InlineData("P0 A1", AdmissionReason.Mixed)]
    [InlineData("A0 P0", AdmissionReason.Mixed)]
    [InlineData("A0 A1 P1", AdmissionReason.Mixed)]
    [InlineData("P2", AdmissionReason.Stranger)]
    public void Decide_AgainstWhatIsKnown_TakesBeginningsAndContinuationsOnly(string shown, AdmissionReason reason)
    {
        PeerId[] members = [.. shown.Split(' ').Select(word => (word[0] == 'A' ? A : P)[word[1] - '0'])];
        AdmissionRequest request = new(members[^1], 0, 10_000, 2_000, DialedPeer: null) { Lineage = new Lineage(members, new long[members.Length - 1]) };

        Assert.Equal(reason, Admission.Decide(Trust(new Lineage([A[0], A[1]], [1_000]), new Lineage([P[0], P[1]], [9_000])), request).Reason);
    }

    /// <summary>Two entries of one node: neither name is the right one.</summary>
    [Fact]
    public void Decide_TwoEntriesOfOneNode_IsRefusedByName()
    {
        AdmissionRequest request = new(P[0], 0, 10_000, 2_000, DialedPeer: "a") { Lineage = new Lineage([A[0], P[0]], [9_000]) };

        AdmissionResult result = Admission.Decide(Trust(), request);

        Assert.Equal((AdmissionReason.Mixed, "a"), (result.Reason, result.Claimed?.Name));
        Assert.Contains("take one of the two entries out", result.Text, StringComparison.Ordinal);
    }

    /// <summary>A stranger's certificates and signatures cost nothing to turn down.</summary>
    [Fact]
    public void Decide_AStrangersChain_IsNotVerified()
    {
        TestIdentity first = TestIdentity.Get("lineage stranger");
        LineageProof proof = ProofOf(first.Succeed("lineage stranger 2", 5_000));
        AdmissionRequest request = new(proof.Lineage.Current, 0, 10_000, 2_000, DialedPeer: null) { Lineage = proof.Lineage, Proof = proof };

        Assert.Equal(AdmissionReason.Stranger, Admission.Decide(Trust(), request).Reason);
        Assert.Equal(AdmissionReason.WrongPin, Admission.Decide(Trust(), request with { DialedPeer = "a" }).Reason);
        Assert.False(proof.IsChecked);

        NodeConfig config = Config(("it", first.Node.Id));
        Assert.Equal(AdmissionReason.Accepted, Admission.Decide(TrustList.Create(config, PeerId.OfCertificate("self"u8)), request).Reason);
        Assert.True(proof.IsChecked);
    }

    /// <summary>Killed before any replacement of a file, the identity is the one before or the one after; and it can be rotated again.</summary>
    [Fact]
    public void Write_InterruptedAtEachStep_LeavesAWholeIdentity()
    {
        int steps = Rotate(int.MaxValue, out _);
        Assert.True(steps >= 6, $"{steps} steps");
        HashSet<PeerId> seen = [];
        for (int end = 0; end <= steps; end++)
        {
            _ = Rotate(end, out PeerId current);
            _ = seen.Add(current);
        }

        Assert.Equal(2, seen.Count);
    }

    /// <returns>The steps that there were.</returns>
    private static int Rotate(int end, out PeerId current)
    {
        TestIdentity before = TestIdentity.Get("steps");
        TestIdentity after = before.Succeed("steps 2", 5_000);
        using TemporaryDirectory folder = new();
        IdentityConfig files = new() { CertPath = Path.Combine(folder.Path, "node.crt"), KeyPath = Path.Combine(folder.Path, "node.key"), Fingerprint = before.Node.Id };
        File.WriteAllBytes(files.CertPath, before.Node.CertificatePem.ToArray());
        File.WriteAllBytes(files.KeyPath, before.Node.KeyPem.ToArray());
        File.SetUnixFileMode(files.KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        int steps = 0;
        try
        {
            Exchange(NodeIdentity.Load(files), after, () => _ = steps++ == end ? throw new OperationCanceledException() : 0);
        }
        catch (OperationCanceledException)
        {
        }

        NodeIdentity left = NodeIdentity.Load(files);
        current = left.Lineage.Current;
        Assert.Equal((before.Node.Id, true), (left.Id, NodeIdentity.Fits(left.CertificatePem.ToArray(), left.KeyPem.ToArray())));

        // The next one succeeds from whatever was left.
        TestIdentity now = current == before.Node.Id ? before : after;
        Exchange(left, now.Succeed("steps 3", 6_000), step: null);
        NodeIdentity last = NodeIdentity.Load(files);
        Assert.Equal((before.Node.Id, now.Node.Lineage.Members.Count + 1), (last.Id, last.Lineage.Members.Count));
        Assert.False(File.Exists(files.KeyPath + NodeIdentity.NextSuffix));
        return steps;

        void Exchange(NodeIdentity from, TestIdentity to, Action? step) => IdentityExchange.Write(
            files, from, System.Text.Encoding.ASCII.GetString(to.Node.CertificatePem.Span), System.Text.Encoding.ASCII.GetString(to.Node.KeyPem.Span), step);
    }

    /// <summary>What would not start is not written.</summary>
    [Fact]
    public void Write_ChainThatProvesNothing_WritesNothing()
    {
        TestIdentity before = TestIdentity.Get("unwritten");
        TestIdentity other = TestIdentity.Get("unwritten other");
        using TemporaryDirectory folder = new();
        IdentityConfig files = new() { CertPath = Path.Combine(folder.Path, "node.crt"), KeyPath = Path.Combine(folder.Path, "node.key") };
        TestIdentity after = before.Succeed("unwritten 2", 5_000);
        foreach (var (chain, key) in new[]
        {
            (Text(other.Node.CertificatePem), Text(other.Node.KeyPem)),
            (Text(after.Node.CertificatePem), Text(before.Node.KeyPem)),
            (Text(before.Succeed("unwritten 2", 5_000, signer: other).Chain), Text(after.Node.KeyPem)),
        })
        {
            _ = Assert.Throws<IdentityException>(() => IdentityExchange.Write(files, before.Node, chain, key));
            Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        }

        static string Text(ReadOnlyMemory<byte> pem) => System.Text.Encoding.ASCII.GetString(pem.Span);
    }

    /// <summary>The sample of docs/protocol.md §2.</summary>
    [Fact]
    public void TextOf_Sample_IsWhatTheProtocolSays() => Assert.Equal(
        "76696265706e2f312073756363657373696f6e" + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" + "000000006955b900",
        Convert.ToHexStringLower(SuccessionStatement.TextOf(new PeerId([.. Enumerable.Range(0, 32).Select(i => (byte)i)]), 1_767_225_600)));

    [Theory]
    [InlineData(31, null)]
    [InlineData(29, "expires on 2026-12-22, in 29 days")]
    [InlineData(-1, "has expired on 2026-11-22")]
    public void Words_OfAKeysEnd_ComeThirtyDaysBefore(int days, string? words)
    {
        DateTimeOffset now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
        Assert.Equal(words, KeyLife.Words(now.AddDays(days), now));
    }

    private static LineageProof ProofOf(TestIdentity identity)
    {
        System.Security.Cryptography.X509Certificates.X509Certificate2Collection chain = [];
        chain.ImportFromPem(System.Text.Encoding.ASCII.GetString(identity.Node.CertificatePem.Span));
        return LineageProof.Read(chain[0].RawData, [.. chain.Skip(1).Select(one => one.RawData)])!;
    }

    private static PeerId[] Ids(string name) => [.. Enumerable.Range(0, 3).Select(i => PeerId.OfCertificate(System.Text.Encoding.ASCII.GetBytes($"{name}{i}")))];

    private static TrustList Trust(params Lineage[] known) => TrustList.Create(Config(("a", A[0]), ("p", P[0])), PeerId.OfCertificate("self"u8), lineages: known);

    private static NodeConfig Config(params (string Name, PeerId Pin)[] peers) => ConfigFile.Parse(
        Tests.Config.ConfigTexts.Least + string.Concat(peers.Select(peer => $"\n[[peers]]\nname = \"{peer.Name}\"\nfingerprint = \"{peer.Pin}\"\n")), "f");
}
