using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using VibePN.Config;
using VibePN.E2E.Harness;
using VibePN.Identity;
using Xunit;

namespace VibePN.E2E;

/// <summary>A node's key is replaced while it runs, and by a command that is killed. How often: environment variable KEY_KILLS.</summary>
public sealed class KeyTests : IDisposable
{
    private static readonly int s_kills = int.Parse(Environment.GetEnvironmentVariable("KEY_KILLS") ?? "5", CultureInfo.InvariantCulture);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void RotateKey_InARunningMesh_FlowsGoOnAndTheOldFingerprintStarts()
    {
        TestNode[] nodes = [_bed.AddNode("one", TestIdentity.Create("one", validUntil: TimeSpan.FromDays(20))), _bed.AddNode("two"), _bed.AddNode("three")];
        foreach (TestNode node in nodes)
        {
            foreach (TestNode other in nodes.Where(other => other != node))
            {
                _ = node.Trust(other);
            }
        }

        foreach (TestNode node in nodes)
        {
            _ = node.Start();
        }

        var pairs = (from node in nodes from other in nodes where node != other select (From: node, To: other)).ToList();
        pairs.ForEach(pair => pair.From.WaitForTrafficTo(pair.To, s_patience));
        JsonNode status = nodes[0].Status();
        string id = status["id"]!.GetValue<string>();
        Assert.Contains(status["warnings"]!.AsArray(), warning => warning!.GetValue<string>().Contains("this node's certificate expires on ", StringComparison.Ordinal));
        Assert.Equal(status["keyExpiresUtc"]!.GetValue<string>(), nodes[1].PeerOf(nodes[0])!["keyExpiresUtc"]!.GetValue<string>());

        List<UdpFlow> flows = [.. pairs.Select((pair, i) => new UdpFlow(pair.From.Host, pair.To.Host, pair.To.Inner, 2, 6000 + i))];
        Wait.For(TimeSpan.FromSeconds(0.5));
        Outcome rotated = nodes[0].Host.Run(TestBed.Executable, "rotate-key", "--overlap", "5s", "--json", "--config", nodes[0].ConfigPath, "--socket", nodes[0].SocketPath);
        Assert.True(rotated.ExitCode == 0, rotated.ToString());
        JsonNode made = JsonNode.Parse(rotated.Output)!;
        Assert.Equal((id, id, "Reloaded"), (made["id"]!.GetValue<string>(), made["oldKey"]!.GetValue<string>(), made["daemon"]!.GetValue<string>()));
        Wait.Until(s_patience, "both know the successor", () => nodes.Skip(1).All(node => node.CountLog("has a new key, signed by the one before") == 1));
        Wait.For(TimeSpan.FromSeconds(4));
        foreach (UdpFlow flow in flows)
        {
            (int sent, int lost) = flow.End();
            flow.Dispose();
            TestContext.Current.TestOutputHelper?.WriteLine($"{lost} of {sent} lost");

            // What breaks for a moment only is lost in this size; a flow that ended would lose most.
            Assert.True(sent > 0 && lost <= sent / 10, $"{lost} of {sent} lost");
        }

        string key = made["newKey"]!.GetValue<string>();
        status = nodes[0].Status();
        Assert.Equal(key, status["key"]!.GetValue<string>());
        Assert.DoesNotContain(status["warnings"]!.AsArray(), warning => warning!.GetValue<string>().Contains("certificate", StringComparison.Ordinal));
        Assert.Equal((id, key), (nodes[1].PeerOf(nodes[0])!["id"]!.GetValue<string>(), nodes[1].PeerOf(nodes[0])!["key"]!.GetValue<string>()));
        Assert.Contains(nodes[0].LogLines, line => line.Contains("the node has a new key", StringComparison.Ordinal));
        nodes[0].Config = nodes[0].ConfigText().Replace("[identity]", $"[identity]\nfingerprint = \"{id}\"", StringComparison.Ordinal);
        File.WriteAllText(nodes[0].ConfigPath, nodes[0].Config);
        nodes[0].Kill();
        nodes[0].Launch();
        _ = nodes[0].WaitForTrafficTo(nodes[1], s_patience);
        Assert.Equal(id, nodes[0].Status()["id"]!.GetValue<string>());

        // The overlap has ended meanwhile: the key of before gets nowhere.
        _ = nodes[0].Control("goodbye");
        Wait.Until(s_patience, "it ends", () => nodes[0].Daemon.HasExited);
        foreach (string path in new[] { nodes[0].CertificatePath, nodes[0].KeyPath })
        {
            File.Copy(path + ".bak", path, overwrite: true);
        }

        nodes[0].Launch();
        Wait.Until(s_patience, "the old key is refused", () => nodes[1].CountLog("the overlap is over") > 0 && nodes[1].StateOf(nodes[0]) != "connected");

        // Who is removed is cut off while it talks.
        Outcome removed = nodes[1].Host.Run(TestBed.Executable, "remove-peer", nodes[2].Name, "--config", nodes[1].ConfigPath, "--socket", nodes[1].SocketPath);
        Assert.True(removed.ExitCode == 0, removed.ToString());
        Wait.Until(TimeSpan.FromSeconds(2), "it is cut off", () => nodes[2].StateOf(nodes[1]) != "connected");
        Assert.Null(nodes[1].PeerOf(nodes[2]));
    }

    [Theory]
    [InlineData("RSA")]
    [InlineData("P-384")]
    public void RotateKey_OfAnotherKindOfKey_SaysSoAndWritesNothing(string kind)
    {
        TestNode node = _bed.AddNode("one");
        var (certificate, key) = Make(kind);
        File.WriteAllText(node.ConfigPath, node.ConfigText());
        File.WriteAllText(node.CertificatePath, certificate);
        File.WriteAllText(node.KeyPath, key);
        string[] before = Directory.GetFiles(node.Folder);
        Outcome refused = node.Host.Run(TestBed.Executable, "rotate-key", "--config", node.ConfigPath);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("is not ECDSA P-256", refused.Errors, StringComparison.Ordinal);
        Assert.Equal((certificate, key), (File.ReadAllText(node.CertificatePath), File.ReadAllText(node.KeyPath)));
        Assert.Equal(before, Directory.GetFiles(node.Folder));
    }

    [Fact]
    public void RotateKey_SeveralAtOnce_OneAtATimeOrAClearError()
    {
        TestNode node = _bed.AddNode("one");
        File.WriteAllText(node.ConfigPath, node.ConfigText());
        string @lock = Path.Combine(node.Folder, ".node.key.lock");
        using (ConfigLock held = ConfigLock.TryTake(node.KeyPath)!)
        {
            Outcome refused = Rotate(node);
            Assert.NotEqual(0, refused.ExitCode);
            Assert.Contains($"another 'vibepn rotate-key' is changing {node.KeyPath} (it holds {@lock})", refused.Errors, StringComparison.Ordinal);
            Assert.False(File.Exists(node.KeyPath + ".bak"));
        }

        Outcome[] outcomes = new Outcome[4];
        _ = Parallel.For(0, outcomes.Length, i => outcomes[i] = Rotate(node));
        int done = outcomes.Count(outcome => outcome.ExitCode == 0);
        Assert.True(done > 0, outcomes[0].ToString());
        Assert.All(outcomes.Where(outcome => outcome.ExitCode != 0), outcome => Assert.Contains("another 'vibepn rotate-key'", outcome.Errors, StringComparison.Ordinal));
        NodeIdentity identity = NodeIdentity.Load(new IdentityConfig { CertPath = node.CertificatePath, KeyPath = node.KeyPath });
        Assert.Equal((node.Identity.Fingerprint, 1 + done), (identity.Id.ToString(), identity.Lineage.Members.Count));
        Assert.Empty(Directory.GetFiles(node.Folder, ".*"));
    }

    private static Outcome Rotate(TestNode node) => node.Host.Run(TestBed.Executable, "rotate-key", "--config", node.ConfigPath, "--socket", node.SocketPath);

    private static (string Certificate, string Key) Make(string kind)
    {
        using RSA rsa = RSA.Create(2048);
        using ECDsa ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        CertificateRequest request = kind == "RSA" ? new("CN=one", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new("CN=one", ecdsa, HashAlgorithmName.SHA384);
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(100));
        return (certificate.ExportCertificatePem(), kind == "RSA" ? rsa.ExportPkcs8PrivateKeyPem() : ecdsa.ExportPkcs8PrivateKeyPem());
    }

    [Fact]
    public void RotateKey_Killed_LeavesAPairThatStarts()
    {
        TestNode node = _bed.AddNode("one").Start();
        string id = node.Status()["id"]!.GetValue<string>();
        var before = new[] { node.CertificatePath, node.KeyPath }.ToDictionary(path => path, File.ReadAllText);
        for (int i = 0; i < s_kills; i++)
        {
            node.Kill();
            foreach (var (path, text) in before)
            {
                File.WriteAllText(path, text);
            }

            string after = string.Create(CultureInfo.InvariantCulture, $"{0.008 + (0.03 * i / s_kills):F4}");
            _ = node.Host.Run("timeout", "-s", "KILL", after, TestBed.Executable, "rotate-key", "--config", node.ConfigPath);
            node.Launch();
            Wait.Until(s_patience, "it runs", () => node.Control("status").ExitCode == 0);
            Assert.Equal(id, node.Status()["id"]!.GetValue<string>());
        }
    }
}
