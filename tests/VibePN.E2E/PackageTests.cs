using System.Text.RegularExpressions;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>The package made of the executable under test. `make package-test` installs it under systemd, which takes minutes.</summary>
public sealed partial class PackageTests : IDisposable
{
    private const double LargestExposure = 2.5;

    /// <summary>Everything in it that is no folder.</summary>
    private static readonly string[] s_files =
    [
        "usr/bin/vibepn", "usr/bin/vpn", "usr/bin/vpnctl",
        "usr/lib/systemd/system/vibepn.service", "usr/lib/sysusers.d/vibepn.conf",
        "usr/share/bash-completion/completions/vibepn", "usr/share/bash-completion/completions/vpn", "usr/share/bash-completion/completions/vpnctl",
        "usr/share/doc/vibepn/CHANGELOG.md.gz", "usr/share/doc/vibepn/changelog.gz", "usr/share/doc/vibepn/copyright", "usr/share/doc/vibepn/examples/config.toml",
        "usr/share/fish/vendor_completions.d/vibepn.fish", "usr/share/fish/vendor_completions.d/vpn.fish", "usr/share/fish/vendor_completions.d/vpnctl.fish",
        "usr/share/lintian/overrides/vibepn",
        "usr/share/man/man1/vibepn.1.gz", "usr/share/man/man1/vpn.1.gz", "usr/share/man/man1/vpnctl.1.gz", "usr/share/man/man5/vibepn-config.5.gz",
        "usr/share/zsh/vendor-completions/_vibepn",
    ];

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"vpn-t{Environment.ProcessId}-package")).FullName;

    private static string Root => TestBed.Root ?? throw new InvalidOperationException("run inside the repository");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Package_OfThisExecutable_HoldsWhatItShouldAndInstallsAndGoes()
    {
        string package = Build();
        string root = Path.Combine(_folder, "root");

        string control = Shell.Must("dpkg-deb", "--field", package);
        Assert.Contains("\nDepends: libc6", control, StringComparison.Ordinal);
        Assert.Contains("libgnutls30", control, StringComparison.Ordinal);
        Assert.DoesNotContain("libngtcp2-16", control, StringComparison.Ordinal);
        Assert.DoesNotContain('@', control.Replace("vibepn@localhost", "", StringComparison.Ordinal));
        Assert.DoesNotContain("ngtcp2", Shell.Must("ldd", TestBed.Executable), StringComparison.Ordinal);

        Install(root, package);
        Assert.Equal(s_files, Files(root));
        LookAtManPages(root);
        LookAtUnit(root);
        LookAtCompletion(Path.Combine(root, "usr/share/bash-completion/completions/vibepn"));
        Shell.Must("sh", "-c", $"cd '{root}' && dpkg-deb --control '{package}' DEBIAN && md5sum --quiet --check DEBIAN/md5sums && sh -n DEBIAN/postinst && sh -n DEBIAN/postrm && sh -n DEBIAN/prerm && rm -r DEBIAN");

        string config = Directory.CreateDirectory(Path.Combine(root, "etc/vibepn")).FullName;
        File.WriteAllText(Path.Combine(config, "config.toml"), "");
        Dpkg(root, "--remove", "vibepn");
        Assert.Equal(["etc/vibepn/config.toml"], Files(root));
    }

    [Fact]
    public void InstallFiles_ToAFolder_AreAllTakenAwayAgain()
    {
        string root = Path.Combine(_folder, "root");

        Script("install-files", root, "/usr/local");

        Assert.Contains("ExecStart=/usr/local/bin/vibepn daemon", File.ReadAllText(Path.Combine(root, "usr/local/lib/systemd/system/vibepn.service")), StringComparison.Ordinal);
        Assert.Contains("usr/local/share/man/man1/vibepn.1", Files(root));
        Assert.All(Commands(), command => Assert.Contains($".SS {command.Replace("-", "\\-", StringComparison.Ordinal)}\n", File.ReadAllText(Path.Combine(root, "usr/local/share/man/man1/vibepn.1")), StringComparison.Ordinal));

        Script("install-files", root, "/usr/local", "remove");

        Assert.Empty(Files(root));
    }

    private string Build()
    {
        Shell.Must("env", "VIBEPN_EXE=" + TestBed.Executable, "OUT=" + _folder, "COMPRESS=-Znone", Path.Combine(Root, "scripts/package"));
        return Assert.Single(Directory.GetFiles(_folder, "*.deb"));
    }

    /// <summary>Without what it depends on, and without its scripts, which are for a whole system.</summary>
    private static void Install(string root, string package)
    {
        Directory.CreateDirectory(Path.Combine(root, "var/lib/dpkg/info"));
        Directory.CreateDirectory(Path.Combine(root, "var/lib/dpkg/updates"));
        File.WriteAllText(Path.Combine(root, "var/lib/dpkg/status"), "");
        Dpkg(root, "--unpack", package);
    }

    /// <summary>A root without a shell: its scripts cannot run, and are not needed.</summary>
    private static void Dpkg(string root, params string[] arguments)
    {
        foreach (string script in Directory.GetFiles(Path.Combine(root, "var/lib/dpkg/info"), "*.p*"))
        {
            File.Delete(script);
        }

        Shell.Must(["dpkg", "--root=" + root, "--force-depends", "--force-not-root", "--log=/dev/null", .. arguments]);
    }

    private static void LookAtManPages(string root)
    {
        foreach (string page in new[] { "man1/vibepn.1.gz", "man5/vibepn-config.5.gz" })
        {
            Outcome outcome = Shell.Run("env", "LC_ALL=C.UTF-8", "MANWIDTH=100", "man", "--warnings", "-l", Path.Combine(root, "usr/share/man", page));
            Assert.True(outcome.ExitCode == 0 && outcome.Errors.Length == 0, outcome.ToString());
            Assert.Contains("VibePN", outcome.Output, StringComparison.Ordinal);
        }
    }

    private static void LookAtUnit(string root)
    {
        string unit = Path.Combine(root, "usr/lib/systemd/system/vibepn.service");
        string text = Shell.Must("systemd-analyze", "security", "--offline=true", "--no-pager", unit);
        Match level = Exposure().Match(text);
        Assert.True(level.Success, text);
        Assert.InRange(double.Parse(level.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture), 0.1, LargestExposure);
        string config = File.ReadAllText(Path.Combine(root, "usr/share/doc/vibepn/examples/config.toml"));
        Assert.Contains("/etc/vibepn/node.key", config, StringComparison.Ordinal);
    }

    /// <summary>bash asks the program itself, so what is missing there is missing everywhere.</summary>
    private static void LookAtCompletion(string file)
    {
        Assert.Equal(Commands(), Complete(file, "vibepn ").Where(word => word[0] != '-').Order(StringComparer.Ordinal));
        Assert.Equal(["peer", "peers"], Complete(file, "vibepn peer"));
        Assert.Contains("--config", Complete(file, "vpn --"));
        Assert.Contains("--json", Complete(file, "vpnctl status --j"));
    }

    private static string[] Complete(string file, string line)
    {
        string name = line.Split(' ')[0];
        string script = $"""
            . '{file}'
            {name}() ( exec -a {name} '{TestBed.Executable}' "$@" )
            vibepn() ( exec -a vibepn '{TestBed.Executable}' "$@" )
            COMP_WORDS=({line}) COMP_CWORD=1 COMP_LINE='{line}' COMP_POINT={line.Length}
            _vibepn
            printf '%s\n' "${"{"}COMPREPLY[@]{"}"}"
            """;
        return [.. Shell.Must("bash", "-c", script).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    /// <summary>As `--help` lists them, in the order of their names.</summary>
    private static string[] Commands()
    {
        string help = Shell.Must(TestBed.Executable, "--help");
        string[] commands = [.. CommandName().Matches(help[help.IndexOf("Commands:", StringComparison.Ordinal)..]).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal)];
        Assert.Contains("status", commands);
        return commands;
    }

    private static void Script(string name, params string[] arguments) =>
        Shell.Must(["env", "VIBEPN_EXE=" + TestBed.Executable, Path.Combine(Root, "scripts", name), .. arguments]);

    /// <summary>Those below the folder that are no folders, without dpkg's own.</summary>
    private static string[] Files(string root) =>
        [.. Directory.EnumerateFileSystemEntries(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
            .Where(path => new FileInfo(path).LinkTarget is not null || File.Exists(path))
            .Select(path => Path.GetRelativePath(root, path)).Where(path => !path.StartsWith("var/lib/dpkg", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    [GeneratedRegex(@"exposure level.*: ([0-9.]+)")]
    private static partial Regex Exposure();

    [GeneratedRegex(@"^  ([a-z][a-z-]*)", RegexOptions.Multiline)]
    private static partial Regex CommandName();
}
