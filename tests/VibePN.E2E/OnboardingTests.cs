using System.Globalization;
using System.Text.RegularExpressions;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Two hosts from nothing to traffic with the commands of the README.</summary>
public sealed partial class OnboardingTests : IDisposable
{
    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void InitAndAddPeer_OnBothHosts_LeadToTraffic()
    {
        TestHost[] hosts = [_bed.AddHost("one"), _bed.AddHost("two")];
        string[] fingerprints = [.. hosts.Select(host => Fingerprint().Match(Init(host).Output).Value)];
        Assert.All(fingerprints, fingerprint => Assert.Equal(64, fingerprint.Length));

        AddPeer(hosts[0], hosts[1], fingerprints[1]);
        AddPeer(hosts[1], hosts[0], fingerprints[0]);
        using RunningProgram one = Start(hosts[0]);
        using RunningProgram two = Start(hosts[1]);

        Wait.Until(TimeSpan.FromSeconds(30), "traffic both ways", () => hosts[0].Ping(InnerAddress(hosts[1])) && hosts[1].Ping(InnerAddress(hosts[0])));
    }

    [Fact]
    public void Init_WhereAConfigIs_RefusesWithoutForce()
    {
        TestHost host = _bed.AddHost("one");
        Assert.Equal(0, Init(host).ExitCode);
        string before = File.ReadAllText(File_(host, "node.crt"));

        Outcome again = Init(host);
        Assert.True(again.ExitCode == 1 && again.Errors.Contains("--force", StringComparison.Ordinal), again.ToString());
        Assert.Equal(before, File.ReadAllText(File_(host, "node.crt")));
        Outcome forced = Init(host, "--force");
        Assert.True(forced.ExitCode == 0, forced.ToString());
    }

    [Fact]
    public void Init_WritesTheKeyForItsOwnerOnly()
    {
        TestHost host = _bed.AddHost("one");
        Init(host);

        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(File_(host, "node.key")) & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    [Theory]
    [InlineData("--fingerprint", "zz")]
    [InlineData("--networks", "nowhere")]
    [InlineData("--address", "192.0.2.2:99999")]
    public void AddPeer_WithABadValue_ChangesNothing(string option, string value)
    {
        TestHost host = _bed.AddHost("one");
        Init(host);
        string before = File.ReadAllText(File_(host, "config.toml"));
        Dictionary<string, string> options = new()
        {
            ["--name"] = "two",
            ["--address"] = "192.0.2.2:51820",
            ["--fingerprint"] = TestIdentity.Create("two").Fingerprint,
            ["--networks"] = "corp",
            ["--config"] = File_(host, "config.toml"),
            [option] = value,
        };

        Outcome outcome = host.Run([TestBed.Executable, "add-peer", .. options.SelectMany(pair => new[] { pair.Key, pair.Value })]);

        Assert.True(outcome.ExitCode is 1 or 2, outcome.ToString());
        Assert.Contains(value, outcome.Errors, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(File_(host, "config.toml")));
    }

    private static string InnerAddress(TestHost host) => string.Create(CultureInfo.InvariantCulture, $"10.42.0.{host.Number}");

    private string File_(TestHost host, string name) =>
        Path.Combine(Directory.CreateDirectory(Path.Combine(_bed.Folder, host.Name)).FullName, name);

    private Outcome Init(TestHost host, params string[] more) => host.Run(
        [
            TestBed.Executable, "init", "--name", host.Name, "--network", "corp", "--prefix", "10.42.0.0/24", "--address", InnerAddress(host),
            "--config", File_(host, "config.toml"), "--cert", File_(host, "node.crt"), "--key", File_(host, "node.key"), "--export", .. more,
        ]);

    private void AddPeer(TestHost host, TestHost peer, string fingerprint)
    {
        Outcome outcome = host.Run(
            TestBed.Executable, "add-peer", "--name", peer.Name, "--address", peer.Address + ":51820",
            "--fingerprint", fingerprint, "--networks", "corp", "--config", File_(host, "config.toml"));
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
    }

    private RunningProgram Start(TestHost host) =>
        host.Start(TestBed.Executable, "daemon", "--config", File_(host, "config.toml"), "--socket", File_(host, "sock"));

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex Fingerprint();
}
