using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary><c>vibepn doctor</c> against faults that need a kernel: each is made once, and must be found.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void HealthyPair_HasNoErrorsAndNoWarnings_AndTheLookIsQuick()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        new ConfigBuilder(one).Peer(two).Corp().Start();
        new ConfigBuilder(two).Peer(one).Corp().Start();
        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(30));

        Outcome outcome = Run(one);
        Stopwatch watch = Stopwatch.StartNew();
        JsonNode answer = Parse(Run(one));
        TestContext.Current.TestOutputHelper?.WriteLine($"doctor: {watch.ElapsedMilliseconds} ms, of which {answer["millis"]} looking");

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.True(answer["errors"]!.GetValue<int>() == 0 && answer["warnings"]!.GetValue<int>() == 0 && answer["daemonRuns"]!.GetValue<bool>(), answer.ToJsonString());
        Assert.Empty(answer["skipped"]!.AsArray());
        Outcome text = one.Host.Run(TestBed.Executable, "doctor", "--verbose", "--config", one.ConfigPath);
        Assert.Contains("1 peer connected", text.Output, StringComparison.Ordinal);
        Assert.Contains("0 errors, 0 warnings", text.Output, StringComparison.Ordinal);
        // What it asked was no change.
        Assert.DoesNotContain(one.LogLines, line => line.Contains("applied", StringComparison.OrdinalIgnoreCase) && line.Contains("reload", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void FaultsOfAHost_MadeOneByOne_AreFoundAndGoAgain()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        new ConfigBuilder(one).Peer(two, "allow_routes = [\"0.0.0.0/0\"]").Corp("routes = [\"192.168.10.0/24\"]").Start();
        one.Host.Ip("link", "add", "lan", "type", "bridge");
        one.Host.Ip("address", "add", "192.168.10.1/24", "dev", "lan");
        one.Host.Ip("link", "set", "lan", "up");
        Sysctl(one, "net/ipv4/conf/all/rp_filter", 0);
        Sysctl(one, "net/ipv4/conf/wire/rp_filter", 0);
        Sysctl(one, "net/ipv4/ip_forward", 1);

        void Fault(string check, string severity, string says, Action make, Action mend)
        {
            string before = Parse(Run(one)).ToJsonString();
            Assert.False(Has(JsonNode.Parse(before)!, check, severity, says), $"there before: {check}\n{before}");
            make();
            JsonNode found = Parse(Run(one));
            Assert.True(Has(found, check, severity, says), $"not found: {severity} of {check} that says '{says}'\n{found}");
            mend();
        }

        void Nft(params string[] commands)
        {
            foreach (string command in commands)
            {
                Outcome outcome = one.Host.Run(["nft", .. command.Split(' ')]);
                Assert.True(outcome.ExitCode == 0, outcome.ToString());
            }
        }

        void NftFault(string check, string severity, string says, params string[] commands) =>
            Fault(check, severity, says, () => Nft(["add table inet t", .. commands]), () => Nft("delete table inet t"));

        NftFault("firewall.input", "error", "udp dport 51820 drop", "add chain inet t in { type filter hook input priority 0 ; }", "add rule inet t in udp dport 51820 drop");
        NftFault(
            "firewall.input", "warning", "cannot dial this host",
            "add chain inet t in { type filter hook input priority 0 ; policy drop ; }", "add rule inet t in ct state established,related accept");
        NftFault("firewall.tunnel", "error", "vpn-corp", "add chain inet t in { type filter hook input priority 0 ; }", "add rule inet t in iifname vpn-* drop");
        NftFault("firewall.forward", "error", "192.168.10.0/24", "add chain inet t through { type filter hook forward priority 0 ; policy drop ; }");
        NftFault("firewall.output", "error", "oifname wire", "add chain inet t out { type filter hook output priority 0 ; }", "add rule inet t out oifname wire meta l4proto udp drop");
        Fault(
            "firewall.input", "error", "iptables -I INPUT -p udp --dport 51820 -j ACCEPT",
            () => Iptables(one, "-A", "INPUT", "-p", "udp", "--dport", "51820", "-j", "DROP"),
            () => Iptables(one, "-F", "INPUT"));
        Fault("network.rp_filter", "warning", "rp_filter=2", () => Sysctl(one, "net/ipv4/conf/wire/rp_filter", 1), () => Sysctl(one, "net/ipv4/conf/wire/rp_filter", 0));
        Fault("network.forwarding", "error", "sysctl -w net.ipv4.ip_forward=1", () => Sysctl(one, "net/ipv4/ip_forward", 0), () => Sysctl(one, "net/ipv4/ip_forward", 1));
        Fault(
            "network.overlap", "warning", "10.42.0.128/28 of lan",
            () => one.Host.Ip("address", "add", "10.42.0.129/28", "dev", "lan"), () => one.Host.Ip("address", "delete", "10.42.0.129/28", "dev", "lan"));
        Fault("network.overlap", "error", "on lan already", () => one.Host.Ip("address", "add", one.Inner + "/32", "dev", "lan"), () => one.Host.Ip("address", "delete", one.Inner + "/32", "dev", "lan"));
        Fault("network.routes", "warning", "192.168.10.0/24", () => one.Host.Ip("link", "set", "lan", "down"), () => one.Host.Ip("link", "set", "lan", "up"));
        Fault(
            "identity.permissions", "error", "chmod 600",
            () => File.SetUnixFileMode(one.KeyPath, (UnixFileMode)0x1A4), () => File.SetUnixFileMode(one.KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite));
        string config = File.ReadAllText(one.ConfigPath);
        Fault("config.file", "error", "config.toml:3", () => File.WriteAllText(one.ConfigPath, config.Replace("key = ", "kee = ", StringComparison.Ordinal)), () => File.WriteAllText(one.ConfigPath, config));
        Fault("daemon.config", "info", "vibepn reload", () => File.WriteAllText(one.ConfigPath, config.Replace("0.0.0.0/0", "10.9.0.0/16", StringComparison.Ordinal)), () => File.WriteAllText(one.ConfigPath, config));
        Fault("network.interface", "error", "set vpn-corp up", () => one.Host.Ip("link", "set", "vpn-corp", "down"), () => one.Host.Ip("link", "set", "vpn-corp", "up"));
        Fault("network.interface", "error", one.Inner, () => one.Host.Ip("address", "delete", one.Inner + "/24", "dev", "vpn-corp"), () => { });
    }

    [Fact]
    public void HostBeforeTheFirstStart_IsLookedAtAsFarAsItGoes()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        Outcome none = Run(one);
        Assert.True(none.ExitCode == 1 && Has(Parse(none), "config.file", "error", "init"), none.ToString());

        new ConfigBuilder(one).PeerAt(two, "no-such-host.invalid:51820").Corp().Write();
        Outcome ready = Run(one);
        Assert.True(ready.ExitCode == 0 && Has(Parse(ready), "daemon.running", "warning", "systemctl start vibepn"), ready.ToString());
        Assert.True(Has(Parse(ready), "peers.names", "warning", "no-such-host.invalid"), ready.ToString());

        using (Socket taken = one.Host.UdpSocket())
        {
            taken.Bind(new IPEndPoint(IPAddress.Any, TestNode.Port));
            Outcome outcome = Run(one);
            Assert.True(Has(Parse(outcome), "system.port", "error", $"(pid {Environment.ProcessId})"), outcome.ToString());
        }

        Outcome noTun = Run(one, "unshare", "--mount", "sh", "-c", "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\"");
        Assert.True(Has(Parse(noTun), "system.tun", "error", "modprobe tun"), noTun.ToString());
        Outcome noRights = Run(one, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin");
        Assert.True(Has(Parse(noRights), "system.capabilities", "error", "CAP_NET_ADMIN"), noRights.ToString());
        File.WriteAllText(one.KeyPath, two.Identity.KeyPem);
        Outcome foreign = Run(one);
        Assert.True(Has(Parse(foreign), "identity.match", "error", "node.key"), foreign.ToString());

        // Somebody who may read the config but neither the key nor the firewall: no errors are guessed.
        string program = Path.Combine(_bed.Folder, "vibepn");
        File.Copy(TestBed.Executable, program);
        File.WriteAllText(one.KeyPath, one.Identity.KeyPem);
        foreach (string path in new[] { _bed.Folder, one.Folder, program, one.ConfigPath, one.CertificatePath })
        {
            File.SetUnixFileMode(path, (UnixFileMode)0x1ED);
        }

        Outcome user = one.Host.Run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "doctor", "--json", "--config", one.ConfigPath);
        JsonNode answer = Parse(user);
        Assert.True(user.ExitCode == 0, user.ToString());
        Assert.Contains(answer["skipped"]!.AsArray(), skipped => skipped!["check"]!.GetValue<string>() == "firewall.input" && skipped["why"]!.GetValue<string>().Contains("root", StringComparison.Ordinal));
        Assert.Contains(answer["skipped"]!.AsArray(), skipped => skipped!["check"]!.GetValue<string>() == "identity.files");
    }

    [Fact]
    public void PeersThatRefuseOrAreSilent_AreTold()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two"), three = _bed.AddNode("three");
        new ConfigBuilder(one).Peer(two).Peer(three).Corp().Start();
        new ConfigBuilder(two).Corp().Start();

        Wait.Until(TimeSpan.FromSeconds(30), "both are told", () =>
        {
            JsonNode answer = Parse(Run(one));
            return Has(answer, "peers.state", "error", "two refuses this node") && Has(answer, "peers.state", "warning", "three cannot be reached");
        });
    }

    [Fact]
    public void Explain_OfAPairWithStagedFaults_TellsTheStepThatIsToBlame()
    {
        TestNode one = _bed.AddNode("one"), two = _bed.AddNode("two");
        new ConfigBuilder(one).Peer(two, "allow_routes = [\"192.168.20.0/24\"]").Corp().Start();
        new ConfigBuilder(two).Peer(one).Corp("routes = [\"192.168.20.0/24\", \"192.168.99.0/24\"]").Start();
        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(30));
        Wait.Until(TimeSpan.FromSeconds(15), "both routes are announced", () => one.RouteTo("192.168.20.0/24") is not null && one.RouteTo("192.168.99.0/24") is not null);

        Expect("192.168.20.7", 0, "route", "ok", "192.168.20.0/24 of two");
        Expect(two.Inner, 0, "kernel", "ok", $"from {one.Inner}");
        Expect(two.Inner6, 0, "source", "ok", one.Inner6);
        Expect(one.Inner, 0, "kernel", "ok", "this host");
        Expect("192.168.99.7", 1, "route", "error", "allow_routes");
        Expect("10.42.0.99", 1, "route", "error", "other addresses");
        Expect("198.51.100.1", 1, "network", "error", "no announced route");

        one.Host.Ip("route", "add", two.Inner + "/32", "dev", "wire");
        Expect(two.Inner, 1, "kernel", "error", "not to vpn-corp");
        one.Host.Ip("route", "replace", two.Inner + "/32", "dev", "vpn-corp", "src", one.Host.Address);
        Expect(two.Inner, 1, "source", "error", one.Host.Address);
        one.Host.Ip("route", "replace", "blackhole", two.Inner + "/32");
        Expect(two.Inner, 1, "kernel", "error", "blackhole");
        one.Host.Ip("route", "delete", "blackhole", two.Inner + "/32");
        Iptables(one, "-A", "OUTPUT", "-o", "vpn-corp", "-j", "DROP");
        Expect(two.Inner, 1, "firewall", "error", "-I OUTPUT -o vpn-corp");
        Iptables(one, "-F", "OUTPUT");
        one.Host.Ip("link", "set", "vpn-corp", "down");
        Expect(two.Inner, 1, "network", "error", "is down");
        one.Host.Ip("link", "set", "vpn-corp", "up");
        two.Control("goodbye");
        Wait.Until(TimeSpan.FromSeconds(20), "the peer has left", () => one.StateOf(two) != "connected");
        Expect(two.Inner, 1, "route", "error", "not connected: two");
        one.Control("goodbye");
        Expect(two.Inner, 1, "daemon", "error", "systemctl start vibepn");

        void Expect(string address, int exitCode, string step, string severity, string says)
        {
            JsonNode answer = Explain(address, exitCode);
            Assert.True(Has(answer, step, severity, says), $"not told: {severity} of {step} that says '{says}'\n{answer}");
        }

        JsonNode Explain(string address, int exitCode)
        {
            Outcome outcome = one.Host.Run(TestBed.Executable, "explain", address, "--json", "--config", one.ConfigPath);
            Assert.True(outcome.ExitCode == exitCode, $"{exitCode} was expected of {address}\n{outcome}");
            return Parse(outcome);
        }
    }

    private static Outcome Run(TestNode node, params string[] wrapped) => node.Host.Run([.. wrapped, TestBed.Executable, "doctor", "--json", "--config", node.ConfigPath]);

    private static JsonNode Parse(Outcome outcome)
    {
        Assert.True(outcome.ExitCode is 0 or 1 && outcome.Output.StartsWith('{'), outcome.ToString());
        return JsonNode.Parse(outcome.Output)!;
    }

    private static bool Has(JsonNode answer, string check, string severity, string says) => (answer["findings"] ?? answer["steps"])!.AsArray().Any(finding =>
        finding!["check"]!.GetValue<string>() == check && finding["severity"]!.GetValue<string>() == severity
        && finding.AsObject().Any(part => part.Value!.GetValue<string>().Contains(says, StringComparison.Ordinal)));

    private static void Sysctl(TestNode node, string path, int value) => node.Host.Run("sh", "-c", $"echo {value} > /proc/sys/{path}");

    private static void Iptables(TestNode node, params string[] arguments)
    {
        Outcome outcome = node.Host.Run(["iptables", .. arguments]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
    }
}
