using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Every bad start is one clear message and exit status 1 (wrong usage: 2), and changes nothing.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Nobody = "65534";

    private readonly TestBed _bed = new();
    private readonly TestNode _node;

    public BadInputTests()
    {
        _node = _bed.AddNode("node");
        _node.Trust("other", TestIdentity.Create("other").Fingerprint, "192.0.2.99:51820");
        File.WriteAllText(_node.ConfigPath, _node.ConfigText());
    }

    /// <summary>What is replaced in a good config by what, and what the message has to contain; LINE is the line of the replacement.</summary>
    public static TheoryData<string, string, string[]> BadConfigs => new()
    {
        { "[identity]", "[identity", ["config.toml:LINE"] },
        { "metrics = \"\"", "metrics = ", ["config.toml:LINE"] },
        { "metrics = \"\"", "lisen = \"[::]:1\"", ["config.toml:LINE", "lisen"] },
        { "export = true", "exprot = true", ["config.toml:LINE", "exprot"] },
        { "[networks.corp]", "[netwerks.corp]", ["config.toml:LINE", "netwerks"] },
        { "prefix = \"10.42.0.0/24\"", "prefix = \"10.42.0.0/33\"", ["config.toml:LINE", "10.42.0.0/33"] },
        { "prefix = \"10.42.0.0/24\"", "prefix = \"10.42.0/24\"", ["config.toml:LINE", "10.42.0"] },
        { "prefix = \"10.42.0.0/24\"", "prefix = 10", ["config.toml:LINE", "prefix"] },
        { "prefix = \"10.42.0.0/24\"\n", "", ["prefix"] },
        { "fingerprint = \"", "fingerprint = \"zz", ["config.toml:LINE", "fingerprint"] },
        { "address = \"192.0.2.99:51820\"", "address = \"192.0.2.99\"", ["config.toml:LINE", "192.0.2.99"] },
        { "address = \"192.0.2.99:51820\"", "address = \"192.0.2.99:70000\"", ["config.toml:LINE", "70000"] },
        { "networks = [\"corp\"]", "networks = [\"crop\"]", ["config.toml:LINE", "crop"] },
        { "listen = \"[::]:51820\"", "listen = \"somewhere\"", ["config.toml:LINE", "somewhere"] },
        { "node.crt", "absent.crt", ["absent.crt"] },
        { "node.key", "absent.key", ["absent.key"] },
    };

    public static TheoryData<string> WrongUsages =>
        ["frobnicate", "daemon --nonsense", "daemon --config", "status extra", "add-peer", "init --nonsense"];

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void Daemon_WithTheGoodConfig_Starts()
    {
        // The other tests of this class change one thing about this start.
        _node.Start();
        _node.Daemon.Signal(Signal.Terminate);
        Assert.True(_node.Daemon.WaitForExit(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, _node.Daemon.ExitCode);
    }

    [Theory, MemberData(nameof(BadConfigs))]
    public void Config_ThatIsWrong_IsRefusedWithItsLine(string good, string bad, string[] expected)
    {
        string config = _node.ConfigText();
        Assert.Contains(good, config, StringComparison.Ordinal);
        int at = config.IndexOf(good, StringComparison.Ordinal);
        int line = config[..at].Count(character => character == '\n') + 1;
        File.WriteAllText(_node.ConfigPath, config[..at] + bad + config[(at + good.Length)..]);

        ExpectFailure(
            StartArguments(_node.ConfigPath),
            [.. expected.Select(text => text.Replace("LINE", line.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal))]);
    }

    [Fact]
    public void Config_WithSeveralErrors_ReportsAllAtOnce()
    {
        File.WriteAllText(_node.ConfigPath, _node.ConfigText()
            .Replace("export = true", "exprot = true", StringComparison.Ordinal)
            .Replace("listen = ", "lisen = ", StringComparison.Ordinal));

        ExpectFailure(StartArguments(_node.ConfigPath), "exprot", "lisen");
    }

    [Fact]
    public void Config_ThatIsMissing_IsNamed() =>
        ExpectFailure(StartArguments(Path.Combine(_bed.Folder, "absent.toml")), "absent.toml", "init");

    [Fact]
    public void Config_ThatIsAFolder_IsNamed() => ExpectFailure(StartArguments(_bed.Folder), _bed.Folder);

    [Fact]
    public void Config_ThatMayNotBeRead_IsNamed()
    {
        string executable = MakeReadableByAll();
        Shell.Must("chown", "root:root", _node.ConfigPath);
        Shell.Must("chmod", "0600", _node.ConfigPath);

        ExpectFailure([.. AsNobody(), executable, "daemon", "--config", _node.ConfigPath], _node.ConfigPath, "may not be read");
    }

    [Fact]
    public void Key_ReadableByOthers_IsRefused()
    {
        File.SetUnixFileMode(_node.KeyPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        ExpectFailure(StartArguments(_node.ConfigPath), _node.KeyPath, "chmod");
    }

    [Fact]
    public void Key_OfAnotherCertificate_IsRefused()
    {
        File.WriteAllText(_node.KeyPath, TestIdentity.Create("another").KeyPem);

        ExpectFailure(StartArguments(_node.ConfigPath), "key");
    }

    [Fact]
    public void Certificate_ThatIsNone_IsRefused()
    {
        File.WriteAllText(_node.CertificatePath, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");

        ExpectFailure(StartArguments(_node.ConfigPath), _node.CertificatePath);
    }

    [Fact]
    public void Port_InUse_IsNamed()
    {
        using Socket holder = _node.Host.UdpSocket(AddressFamily.InterNetworkV6);
        holder.DualMode = true;
        holder.Bind(new IPEndPoint(IPAddress.IPv6Any, TestNode.Port));

        ExpectFailure(StartArguments(_node.ConfigPath), "51820", "in use");
    }

    [Fact]
    public void Tun_ForAnotherUser_IsExplained()
    {
        string executable = MakeReadableByAll();

        ExpectFailure([.. AsNobody(), executable, "daemon", "--config", _node.ConfigPath], TestNode.Interface, "run as root");
    }

    [Fact]
    public void Tun_WithoutTheCapability_IsExplained() =>
        ExpectFailure(["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-all", .. StartArguments(_node.ConfigPath)], TestNode.Interface, "CAP_NET_ADMIN");

    [Fact]
    public void Tun_WithoutDevice_IsExplained() =>
        ExpectFailure(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /dev/net && exec \"$0\" \"$@\"", .. StartArguments(_node.ConfigPath)], "/dev/net/tun");

    [Fact]
    public void GnuTls_ThatIsAbsent_IsNamed()
    {
        // The folder of the library is replaced, in a mount namespace, by one of links to the same files without it. ngtcp2 goes, too: it is part of the executable.
        string library = Shell.Must("ldconfig", "-p").Split('\n')
            .First(line => line.Contains("libgnutls.so.30", StringComparison.Ordinal)).Split("=> ")[1].Trim();
        string hide = """
            set -e
            folder=$1; original=$2/original; links=$2/links
            shift 2
            mkdir "$original" "$links"
            mount --bind "$folder" "$original"
            find "$original" -mindepth 1 -maxdepth 1 ! -name '*ngtcp2*' ! -name '*gnutls*' -exec ln -s -t "$links" {} +
            mount --bind "$links" "$folder"
            exec "$@"
            """;
        string work = Directory.CreateDirectory(Path.Combine(_bed.Folder, "hide")).FullName;

        Outcome outcome = _node.Host.Run(["unshare", "--mount", "bash", "-c", hide, "hide", Path.GetDirectoryName(library)!, work, .. StartArguments(_node.ConfigPath)]);

        Assert.True(outcome.ExitCode == 127, outcome.ToString());
        Assert.Contains("libgnutls.so.30", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("ngtcp2", outcome.Errors, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(WrongUsages))]
    public void Usage_ThatIsWrong_EndsWithTwo(string arguments)
    {
        Outcome outcome = _node.Host.Run([TestBed.Executable, .. arguments.Split(' ')]);

        Assert.True(outcome.ExitCode == 2, outcome.ToString());
        Assert.NotEmpty(outcome.Errors);
        Assert.Empty(outcome.Output);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("peers")]
    [InlineData("routes")]
    [InlineData("goodbye")]
    public void Command_WithoutADaemon_SaysWhereItLooked(string command)
    {
        Outcome outcome = _node.Control(command);

        Assert.True(outcome.ExitCode == 1, outcome.ToString());
        Assert.Contains(_node.SocketPath, outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", outcome.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public void Executable_ByItsShortNames_IsTheSame()
    {
        string folder = Path.GetDirectoryName(TestBed.Executable)!;

        Outcome control = _node.Host.Run(Path.Combine(folder, "vpnctl"), "status", "--socket", _node.SocketPath);
        Outcome daemon = _node.Host.Run(Path.Combine(folder, "vpn"), "-config", Path.Combine(_bed.Folder, "absent.toml"));

        Assert.True(control.ExitCode == 1 && control.Errors.Contains(_node.SocketPath, StringComparison.Ordinal), control.ToString());
        Assert.True(daemon.ExitCode == 1 && daemon.Everything.Contains("absent.toml", StringComparison.Ordinal), daemon.ToString());
    }

    private static string[] StartArguments(string config) => [TestBed.Executable, "daemon", "--config", config];

    private static string[] AsNobody() => ["setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--inh-caps", "-all"];

    /// <summary>Runs to its end: status 1, one message with all of <paramref name="expected"/>, no stack trace, nothing changed.</summary>
    private void ExpectFailure(string[] command, params string[] expected)
    {
        string filesBefore = Fingerprint();
        string routesBefore = _node.Host.Routes();

        Outcome outcome = _node.Host.Run(TimeSpan.FromSeconds(20), command);

        Assert.True(outcome.ExitCode == 1, outcome.ToString());
        Assert.All(expected, text => Assert.True(outcome.Everything.Contains(text, StringComparison.Ordinal), $"no '{text}': {outcome}"));
        Assert.False(outcome.Everything.Contains("   at ", StringComparison.Ordinal), outcome.ToString());
        Assert.Empty(_node.Host.TunnelLinks());
        Assert.Equal(routesBefore, _node.Host.Routes());
        Assert.Equal(filesBefore, Fingerprint());
    }

    /// <summary>Names, modes and contents of the node's files.</summary>
    private string Fingerprint() => string.Join('\n', Directory.EnumerateFileSystemEntries(_node.Folder, "*", SearchOption.AllDirectories).Order().Select(path =>
        $"{path} {File.GetUnixFileMode(path)} {(File.Exists(path) ? Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))) : "")}"));

    /// <returns>A copy of the executable that everybody may run; the node's files are given to nobody.</returns>
    private string MakeReadableByAll()
    {
        string executable = Path.Combine(_bed.Folder, "vibepn");
        File.Copy(TestBed.Executable, executable);
        Shell.Must("chmod", "0755", executable, _bed.Folder, _node.Folder);
        Shell.Must("chown", "-R", $"{Nobody}:{Nobody}", _node.Folder);
        return executable;
    }
}
