using System.Globalization;
using VibePN.E2E.Harness;
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
        TestNode[] nodes = [_bed.AddNode("one"), _bed.AddNode("two"), _bed.AddNode("three")];
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
        string id = nodes[0].Status()["id"]!.GetValue<string>();

        List<UdpFlow> flows = [.. pairs.Select((pair, i) => new UdpFlow(pair.From.Host, pair.To.Host, pair.To.Inner, 2, 6000 + i))];
        Wait.For(TimeSpan.FromSeconds(0.5));
        Outcome rotated = nodes[0].Host.Run(TestBed.Executable, "rotate-key", "--config", nodes[0].ConfigPath);
        Assert.True(rotated.ExitCode == 0, rotated.ToString());
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

        Assert.Contains(nodes[0].LogLines, line => line.Contains("the node has a new key", StringComparison.Ordinal));
        nodes[0].Config = nodes[0].ConfigText().Replace("[identity]", $"[identity]\nfingerprint = \"{id}\"", StringComparison.Ordinal);
        File.WriteAllText(nodes[0].ConfigPath, nodes[0].Config);
        nodes[0].Kill();
        nodes[0].Launch();
        _ = nodes[0].WaitForTrafficTo(nodes[1], s_patience);
        Assert.Equal(id, nodes[0].Status()["id"]!.GetValue<string>());
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
