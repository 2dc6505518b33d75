using System.Globalization;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Invites with real daemons: who has one gets in, once, and stays in whatever is killed.</summary>
public sealed class JoinTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private readonly TestBed _bed = new();
    private readonly List<RunningProgram> _daemons = [];

    public void Dispose()
    {
        foreach (RunningProgram daemon in _daemons)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', daemon.Lines.TakeLast(30)) + "\n---");
            daemon.Dispose();
        }

        _bed.Dispose();
    }

    /// <summary>Four hosts, three joins; the inviter is killed right after the last one, and knows all when it is back.</summary>
    [Fact]
    public void Hub_ThreeJoins_KilledRightAfter_KnowsThemAll()
    {
        (TestHost hub, RunningProgram daemon) = AddHub();
        List<TestHost> members = [];
        List<string> invites = [];
        for (int i = 0; i < 3; i++)
        {
            TestHost member = _bed.AddHost("member" + i);
            members.Add(member);
            string invite = Invite(hub);
            invites.Add(invite);
            Outcome before = Join(member, invite);
            Assert.True(before.ExitCode == 0 && before.Output.Contains("no daemon runs", StringComparison.Ordinal), before.ToString());
            Start(member);
            Outcome joined = Join(member, invite);
            Assert.True(joined.ExitCode == 0 && joined.Output.Contains("joined corp: ping 10.42.0.1", StringComparison.Ordinal), joined.ToString());
        }

        daemon.Signal(Signal.Kill);
        Assert.True(daemon.WaitForExit(s_limit));
        RunningProgram again = Start(hub);
        foreach (TestHost member in members)
        {
            Wait.Until(s_limit, $"{member.Name} reaches the hub", () => member.Ping("10.42.0.1"));
        }

        JsonArray peers = Json(hub, "peers")["peers"]!.AsArray();
        Assert.Equal(["invite", "invite", "invite"], peers.Select(peer => peer!["trust"]!.GetValue<string>()));
        Assert.Equal(["member0", "member1", "member2"], peers.Select(peer => peer!["name"]!.GetValue<string>()));

        // What was used stays used, and nothing tells a secret.
        TestHost thief = _bed.AddHost("thief");
        Assert.Equal(0, Join(thief, invites[0]).ExitCode);
        Start(thief);
        Outcome stolen = Join(thief, invites[0]);
        Assert.True(stolen.ExitCode == 1 && stolen.Errors.Contains("used by another node", StringComparison.Ordinal), stolen.ToString());
        string list = Control(hub, "invite", "--list", "--json").Output;
        string logs = string.Concat(daemon.Lines.Concat(again.Lines));
        Assert.All(invites, invite =>
        {
            Assert.DoesNotContain(invite[20..60], list, StringComparison.Ordinal);
            Assert.DoesNotContain(invite[20..60], logs, StringComparison.Ordinal);
        });
        Assert.DoesNotContain("key", list, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Four hosts, three joins, no further command: everybody reaches everybody, also when the hub is gone. Whom one host removes stays out there.</summary>
    [Fact]
    public void Hub_ThreeJoins_AreAFullMesh_AlsoWithoutTheHub()
    {
        (TestHost hub, RunningProgram daemon) = AddHub();
        List<TestHost> hosts = [hub];
        string[] addresses = ["10.42.0.1", "10.42.0.2", "10.42.0.3", "10.42.0.4"];
        for (int i = 0; i < 3; i++)
        {
            TestHost member = _bed.AddHost("member" + i);
            hosts.Add(member);
            string invite = Invite(hub);
            Outcome before = Join(member, invite, "--address", addresses[i + 1]);
            Assert.True(before.ExitCode == 0 && before.Output.Contains("introduces the others of corp", StringComparison.Ordinal), before.ToString());
            Assert.Contains("network      corp (10.42.0.0/", before.Output, StringComparison.Ordinal);
            Start(member);
            Assert.Equal(0, Join(member, invite).ExitCode);
        }

        long joined = TimeProvider.System.GetTimestamp();
        WaitForMesh(hosts, addresses, skip: 0);
        TestContext.Current.TestOutputHelper?.WriteLine($"every pair answers {TimeProvider.System.GetElapsedTime(joined).TotalSeconds:F2} s after the last join");
        string table = Control(hosts[1], "peers").Output;
        Assert.True(table.Split('\n').Count(line => line.Contains("introduced by hub", StringComparison.Ordinal)) == 2, table);

        Outcome goodbye = Control(hub, "goodbye");
        Assert.True(goodbye.ExitCode == 0, goodbye.ToString());
        Assert.True(daemon.WaitForExit(s_limit));
        WaitForMesh(hosts, addresses, skip: 1);

        Outcome removed = Control(hosts[1], "remove-peer", "member1");
        Assert.True(removed.ExitCode == 0 && removed.Output.Contains("cut off", StringComparison.Ordinal), removed.ToString());
        Assert.False(hosts[1].Ping(addresses[2]));
        Assert.True(hosts[1].CanPing(addresses[3]));
        Assert.Contains("member1 was removed", Control(hosts[1], "peers").Output, StringComparison.Ordinal);
        Outcome letIn = Control(hosts[1], "add-peer", "--name", "member1");
        Assert.True(letIn.ExitCode == 0 && letIn.Output.Contains("let in again", StringComparison.Ordinal), letIn.ToString());
        Wait.Until(s_limit, "it is back", () => hosts[1].Ping(addresses[2]));
    }

    /// <summary>VIBEPN_RACES says how often; 3 by default.</summary>
    [Fact]
    public async Task OneInvite_TwoJoinersAtOnce_ExactlyOneGetsIn()
    {
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("VIBEPN_RACES"), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : 3;
        (TestHost hub, _) = AddHub();
        TestHost[] joiners = [_bed.AddHost("left"), _bed.AddHost("right")];
        Dictionary<string, int> winners = [];
        for (int round = 0; round < rounds; round++)
        {
            Array.Reverse(joiners);
            string invite = Invite(hub);
            Outcome[] outcomes = await Task.WhenAll(joiners.Select(joiner => Task.Run(() => Join(joiner, invite))));
            if (round == 0)
            {
                // Nobody listened so far: now both daemons join by themselves.
                Array.ForEach(joiners, joiner => Start(joiner));
                outcomes = await Task.WhenAll(joiners.Select(joiner => Task.Run(() => Join(joiner, invite))));
            }

            string all = $"round {round}\n{outcomes[0]}\n{outcomes[1]}";
            Assert.True(outcomes.Count(outcome => outcome.ExitCode == 0) == 1, all);
            Assert.True(outcomes.Single(outcome => outcome.ExitCode != 0).Errors.Contains("used by another node", StringComparison.Ordinal), all);
            JsonNode peer = Assert.Single(Json(hub, "peers")["peers"]!.AsArray())!;
            string winner = peer["name"]!.GetValue<string>();
            winners[winner] = winners.GetValueOrDefault(winner) + 1;
            Outcome removed = Control(hub, "remove-peer", winner);
            Assert.True(removed.ExitCode == 0 && removed.Output.Contains("cut off", StringComparison.Ordinal), removed.ToString());
            TestHost cutOff = joiners.Single(joiner => joiner.Name == winner);
            Wait.Until(s_limit, $"{winner} notices", () => Json(cutOff, "peers")["peers"]!.AsArray()[0]!["state"]!.GetValue<string>() != "connected");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{rounds} races: {string.Join(", ", winners.Select(one => $"{one.Key} {one.Value}"))}");
    }

    /// <summary>Nothing is made from what is no invite, or a dead one; a revoked one is refused by name.</summary>
    [Fact]
    public void Join_WithAnInviteThatIsNoGood_SaysWhyAndLeavesNothing()
    {
        (TestHost hub, _) = AddHub();
        TestHost joiner = _bed.AddHost("joiner");
        string good = Invite(hub);
        string expired = Invite(hub, "--expires", "1s");
        (string Invite, string Message)[] cases =
        [
            ("hello", "this is no invite"),
            (good[..^20], "cut off"),
            (good[..40] + (good[40] == 'A' ? 'B' : 'A') + good[41..], "damaged"),
            ("vibepn9" + good[7..], "another version"),
        ];
        Wait.For(TimeSpan.FromSeconds(2));
        foreach ((string invite, string message) in cases.Append((expired, "has expired")))
        {
            Outcome outcome = Join(joiner, invite);
            Assert.True(outcome.ExitCode == 1 && outcome.Errors.Contains(message, StringComparison.Ordinal), outcome.ToString());
            Assert.Equal(["invite"], Directory.GetFileSystemEntries(Folder(joiner)).Select(path => Path.GetFileName(path)));
        }

        string id = Json(hub, "invite", "--list")["invites"]!.AsArray().Single(known => known!["state"]!.GetValue<string>() == "open")!["id"]!.GetValue<string>();
        Assert.Equal(0, Control(hub, "invite", "--revoke", id[..8]).ExitCode);
        Assert.Equal(0, Join(joiner, good).ExitCode);
        Start(joiner);
        Outcome refused = Join(joiner, good);
        Assert.True(refused.ExitCode == 1 && refused.Errors.Contains("was revoked", StringComparison.Ordinal), refused.ToString());

        // As an argument it works too, with a warning; a new one heals it all.
        Outcome joined = joiner.Run([TestBed.Executable, "join", Invite(hub), "--config", ConfigOf(joiner)]);
        Assert.True(joined.ExitCode == 0 && joined.Errors.Contains("other users", StringComparison.Ordinal), joined.ToString());
        Assert.Empty(Directory.GetFiles(Path.Combine(Folder(joiner), "state", "joins")));
    }

    /// <summary>Whatever a killed command has left, the same command leads on from.</summary>
    [Fact]
    public void Join_AfterAnInterruptedOne_LeadsOn()
    {
        (TestHost hub, _) = AddHub();
        TestHost joiner = _bed.AddHost("joiner");
        string invite = Invite(hub);
        Assert.Equal(0, Join(joiner, invite).ExitCode);
        string certificate = File.ReadAllText(Path.Combine(Folder(joiner), "node.crt"));
        string config = File.ReadAllText(ConfigOf(joiner));

        // Identity and statement, no config; identity alone; a key alone.
        File.Delete(ConfigOf(joiner));
        Assert.Equal(0, Join(joiner, invite).ExitCode);
        Assert.Equal(config, File.ReadAllText(ConfigOf(joiner)));
        File.Delete(ConfigOf(joiner));
        Directory.Delete(Path.Combine(Folder(joiner), "state"), recursive: true);
        Assert.Equal(0, Join(joiner, invite).ExitCode);
        Assert.Equal(certificate, File.ReadAllText(Path.Combine(Folder(joiner), "node.crt")));
        File.Delete(ConfigOf(joiner));
        File.Delete(Path.Combine(Folder(joiner), "node.crt"));
        Assert.Equal(0, Join(joiner, invite).ExitCode);
        Assert.Equal(config, File.ReadAllText(ConfigOf(joiner)));

        Start(joiner);
        Wait.Until(s_limit, "a ping", () => joiner.Ping("10.42.0.1"));
    }

    /// <summary>A host in a network already joins a second one, of another host; its file keeps what it had.</summary>
    [Fact]
    public void Join_WithAConfig_AddsToItAndTheDaemonFollows()
    {
        (TestHost hub, _) = AddHub();
        TestHost second = _bed.AddHost("second");
        Assert.Equal(0, Join(second, Invite(hub)).ExitCode);
        Start(second);
        string before = File.ReadAllText(ConfigOf(second)) + "# mine\n";
        File.WriteAllText(ConfigOf(second), before);
        TestHost other = _bed.AddHost("other");
        Init(other, "lab", "10.43.0.0/24", "10.43.0.1");
        Start(other);

        Outcome joined = Join(second, Invite(other));
        Assert.True(joined.ExitCode == 0 && joined.Output.Contains("joined lab: ping 10.43.0.1", StringComparison.Ordinal), joined.ToString());
        Assert.True(second.CanPing("10.43.0.1") && second.CanPing("10.42.0.1"));
        Assert.Contains("# mine\n", File.ReadAllText(ConfigOf(second)), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(ConfigOf(second) + ".bak"));
    }

    /// <summary>First use: the entry keeps to who answered first, and the message has the command that accepts another.</summary>
    [Fact]
    public void FirstUse_AnotherAnswersLater_TheCommandInTheMessageAcceptsIt()
    {
        TestHost one = _bed.AddHost("one");
        TestHost two = _bed.AddHost("two");
        Init(one, "corp", "10.42.0.0/24", "10.42.0.1");
        Init(two, "corp", "10.42.0.0/24", "10.42.0.2");
        File.WriteAllText(ConfigOf(one), File.ReadAllText(ConfigOf(one)).Replace("# trust = \"pinned\"", "trust = \"tofu\"", StringComparison.Ordinal));
        Start(one);
        RunningProgram daemon = Start(two);
        Assert.Equal(0, Control(two, "add-peer", "--name", "one", "--networks", "corp", "--fingerprint", Json(one, "status")["id"]!.GetValue<string>()).ExitCode);
        Outcome added = Control(one, "add-peer", "--name", "two", "--networks", "corp", "--address", $"{two.Address}:51820");
        Assert.True(added.ExitCode == 0, added.ToString());
        Wait.Until(s_limit, "a ping", () => one.Ping("10.42.0.2"));
        Assert.Equal("first use", Json(one, "peers")["peers"]![0]!["trust"]!.GetValue<string>());
        string id = Json(two, "status")["id"]!.GetValue<string>();

        Assert.Equal(0, Control(two, "goodbye").ExitCode);
        Assert.True(daemon.WaitForExit(s_limit));
        Init(two, "corp", "10.42.0.0/24", "10.42.0.2", "--force");
        Start(two);
        Assert.Equal(0, Control(two, "add-peer", "--name", "one", "--networks", "corp", "--fingerprint", Json(one, "status")["id"]!.GetValue<string>()).ExitCode);
        string reason = "";
        Wait.Until(TimeSpan.FromSeconds(60), "the refusal", () =>
            (reason = Json(one, "peers")["peers"]![0]!["reason"]?.GetValue<string>() ?? "").Contains("--update", StringComparison.Ordinal));
        Assert.Contains(id, reason, StringComparison.Ordinal);
        string[] command = reason[(reason.IndexOf("vibepn add-peer", StringComparison.Ordinal) + "vibepn ".Length)..].Split(' ');
        Outcome accepted = Control(one, command[0], command[1..]);
        Assert.True(accepted.ExitCode == 0, accepted.ToString());
        Wait.Until(s_limit, "a ping", () => one.Ping("10.42.0.2"));
    }

    private static void WaitForMesh(List<TestHost> hosts, string[] addresses, int skip)
    {
        foreach (TestHost from in hosts.Skip(skip))
        {
            foreach ((int index, TestHost to) in hosts.Index().Skip(skip).Where(to => to.Item != from))
            {
                Wait.Until(s_limit, $"{from.Name} reaches {to.Name}", () => from.Ping(addresses[index]));
            }
        }
    }

    private (TestHost Host, RunningProgram Daemon) AddHub()
    {
        TestHost hub = _bed.AddHost("hub");
        Init(hub, "corp", "10.42.0.0/24", "10.42.0.1");
        return (hub, Start(hub));
    }

    private void Init(TestHost host, string network, string prefix, string address, params string[] more)
    {
        Outcome made = host.Run(
        [
            TestBed.Executable, "init", "--name", host.Name, "--network", network, "--prefix", prefix, "--address", address, "--export",
            "--config", ConfigOf(host), "--state", Path.Combine(Folder(host), "state"), "--socket", Path.Combine(Folder(host), "sock"), .. more,
        ]);
        Assert.True(made.ExitCode == 0, made.ToString());
    }

    private string Invite(TestHost hub, params string[] more)
    {
        Outcome outcome = Control(hub, "invite", ["--address", $"{hub.Address}:51820", .. more]);
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome.Output.TrimEnd('\n').Split('\n')[^1];
    }

    /// <summary>The one command, to be repeated at will.</summary>
    private Outcome Join(TestHost host, string invite, params string[] more)
    {
        string file = Path.Combine(Folder(host), "invite");
        File.WriteAllText(file, invite + "\n");
        string[] places = File.Exists(ConfigOf(host)) ? [] : ["--state", Path.Combine(Folder(host), "state"), "--socket", Path.Combine(Folder(host), "sock")];
        return host.Run([TestBed.Executable, "join", "--name", host.Name, "--config", ConfigOf(host), "--invite-file", file, .. places, .. more]);
    }

    private RunningProgram Start(TestHost host)
    {
        RunningProgram daemon = host.Start(TestBed.Executable, "daemon", "--config", ConfigOf(host));
        _daemons.Add(daemon);
        Wait.Until(s_limit, $"the daemon of {host.Name}", () => Control(host, "status").ExitCode == 0);
        return daemon;
    }

    private Outcome Control(TestHost host, string command, params string[] arguments) =>
        host.Run([TestBed.Executable, command, .. arguments, "--config", ConfigOf(host)]);

    private JsonNode Json(TestHost host, string command, params string[] arguments)
    {
        Outcome outcome = Control(host, command, [.. arguments, "--json"]);
        return outcome.ExitCode == 0 ? JsonNode.Parse(outcome.Output)! : throw new InvalidOperationException(outcome.ToString());
    }

    private string ConfigOf(TestHost host) => Path.Combine(Folder(host), "config.toml");

    private string Folder(TestHost host) => Directory.CreateDirectory(Path.Combine(_bed.Folder, "host-" + host.Name)).FullName;
}
