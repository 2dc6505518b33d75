using System.Diagnostics;
using System.Text.RegularExpressions;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>The README's quick start, to the letter, on two hosts that have nothing of VibePN but its programs.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private const string Done = "README-DONE";

    /// <summary>A busy machine has its time; what it takes is in the output (5 s are promised, without the typing).</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void QuickStart_OnTwoFreshHosts_EndsWithAPing()
    {
        string[] commands = [.. Command().Matches(Section("## Two hosts by hand")).Select(match => match.Value)];
        TestHost alice = _bed.AddHost("alice");
        TestHost bob = _bed.AddHost("bob");
        alice.Ip("address", "add", "203.0.113.1/24", "dev", "wire");
        bob.Ip("address", "add", "203.0.113.2/24", "dev", "wire");
        Assert.Contains(commands, command => command.StartsWith("bob# ping", StringComparison.Ordinal));
        PrepareHost(alice);
        PrepareHost(bob);

        long start = Stopwatch.GetTimestamp();
        using RunningProgram first = Run(alice, commands);
        File.Copy(Path.Combine(Home(alice), "invite"), Path.Combine(Home(bob), "invite"));
        using RunningProgram second = Run(bob, commands);
        TimeSpan took = Stopwatch.GetElapsedTime(start);

        Assert.Contains("1 received", second.Output, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine($"from nothing to a ping, by {commands.Length} commands: {took.TotalSeconds:0.00} s");
    }

    /// <summary>Runs a host's commands; the daemon lives on. A person pings again when the first comes too early.</summary>
    private RunningProgram Run(TestHost host, string[] commands)
    {
        string mine = string.Join('\n', commands.Where(command => command.StartsWith(host.Name + "#", StringComparison.Ordinal))
            .Select(command => command[(host.Name.Length + 1)..].Split("   #")[0].Trim())
            .Select(command => command.StartsWith("ping ", StringComparison.Ordinal) ? $"until ping -c 1 -W 1 {command[5..]}; do sleep 0.05; done" : command));

        // A file system with nothing of VibePN in the usual places; ip netns exec has made it this process's own.
        string script = $"""
            set -e
            folder="{Folder(host)}"
            mount --bind "$folder/etc" /etc
            mount --bind "$folder/lib" /var/lib
            mount -t tmpfs tmpfs /run
            export PATH="{Path.GetDirectoryName(TestBed.Executable)}:$PATH"
            cd "$folder/home"
            {mine}
            echo {Done}
            wait
            """;
        RunningProgram program = host.Start("bash", "-c", script);
        try
        {
            Wait.Until(s_limit, $"the README's commands on {host.Name}", () => program.HasExited || program.Output.Contains(Done, StringComparison.Ordinal));
            Assert.True(program.Output.Contains(Done, StringComparison.Ordinal), string.Join('\n', program.Lines));
            return program;
        }
        catch
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', program.Lines));
            program.Dispose();
            throw;
        }
    }

    private void PrepareHost(TestHost host)
    {
        foreach (string name in new[] { "etc", "lib", "home" })
        {
            Directory.CreateDirectory(Path.Combine(Folder(host), name));
        }

        Shell.Must("bash", "-c", $"cd /etc && cp -a --parents passwd group hosts ld.so.* ssl {Folder(host)}/etc/ 2>/dev/null || true");
    }

    private string Folder(TestHost host) => Path.Combine(_bed.Folder, "fresh-" + host.Name);

    private string Home(TestHost host) => Path.Combine(Folder(host), "home");

    private static string Section(string heading)
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        string text = File.ReadAllText(Path.Combine(folder?.FullName ?? throw new FileNotFoundException("the README above the tests"), "README.md"));
        int start = text.IndexOf(heading, StringComparison.Ordinal);
        int end = text.IndexOf("\n## ", start + heading.Length, StringComparison.Ordinal);
        return text[start..end];
    }

    [GeneratedRegex(@"(alice|bob)# +[^\n]+")]
    private static partial Regex Command();
}
