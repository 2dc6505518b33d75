using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using VibePN.Api;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor.Report;

/// <summary>One file of the report.</summary>
public sealed record ReportFile(string Name, string Text);

/// <summary>
/// <c>vibepn bugreport</c>: what somebody else needs to say what is wrong with a host. Never the key's file; of everything else, secrets are left out
/// (<see cref="Scrub"/>). Works without a daemon, a config or root, with less in it.
/// </summary>
public static class BugReport
{
    private static readonly TimeSpan ToolTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DaemonTime = TimeSpan.FromSeconds(5);

    private const int MaxFileChars = 4 << 20;

    /// <summary>A file each.</summary>
    private static readonly (string Name, string Program, string[] Arguments)[] Tools =
    [
        ("host/links.txt", "ip", ["-details", "-statistics", "link"]),
        ("host/addresses.txt", "ip", ["address"]),
        ("host/rules.txt", "ip", ["rule"]),
        ("host/rules6.txt", "ip", ["-6", "rule"]),
        ("host/routes.txt", "ip", ["route", "show", "table", "all"]),
        ("host/routes6.txt", "ip", ["-6", "route", "show", "table", "all"]),
        ("host/sockets.txt", "ss", ["-uanmp"]),
        ("host/nftables.txt", "nft", ["list", "ruleset"]),
        ("host/iptables.txt", "iptables-save", []),
        ("host/ip6tables.txt", "ip6tables-save", []),
        ("host/service.txt", "systemctl", ["--no-pager", "--full", "status", "vibepn.service"]),
        ("host/journal.txt", "journalctl", ["--no-pager", "--output=short-iso-precise", "--lines=3000", "--unit=vibepn.service"]),
    ];

    private static readonly string[] HostFiles =
    [
        "/etc/os-release", "/proc/version", "/proc/cpuinfo", "/proc/meminfo", "/proc/net/snmp", "/proc/net/snmp6", "/proc/net/softnet_stat", "/proc/net/udp", "/proc/net/udp6",
    ];

    /// <param name="configPath">May be missing or wrong.</param>
    /// <param name="socketPath">Null: the config's.</param>
    /// <param name="version">Of this program.</param>
    /// <param name="clock">Of the host.</param>
    /// <param name="begin">Told what is being looked at, for people who wait.</param>
    /// <param name="cancel">Nothing was changed.</param>
    public static async Task<IReadOnlyList<ReportFile>> CollectAsync(
        string configPath, string? socketPath, string version, TimeProvider clock, Action<string> begin, CancellationToken cancel)
    {
        List<ReportFile> files = [];
        void Add(string name, string text) => files.Add(new ReportFile(name, Cut(Scrub.Clean(text))));

        begin("the host");
        HostFacts facts = await FactReader.ReadAsync(Path.GetFullPath(configPath), socketPath, version, clock).WaitAsync(cancel).ConfigureAwait(false);
        Add("doctor.json", Json(Checkup.Judge(facts), ApiJson.Readable.DoctorDto));
        Add("netcheck.json", Json(Netcheck.Judge(facts), ApiJson.Readable.NetcheckDto));
        Add("config.toml", ReadOrSay(facts.Config.Path));
        if (facts is { Daemon.Status: { } status, Socket: { } socket })
        {
            begin("the daemon");
            Add("status.json", Json(status, ApiJson.Readable.StatusDto));
            ApiClient client = new(socket.Path);
            await AskAsync("routes.json", async limit => Json(await client.GetRoutesAsync(limit).ConfigureAwait(false), ApiJson.Readable.RoutesDto)).ConfigureAwait(false);
            foreach (PeerDto peer in status.Peers)
            {
                await AskAsync($"peers/{peer.Name}.json", async limit => Json(await client.GetPeerAsync(peer.Name, limit).ConfigureAwait(false), ApiJson.Readable.PeerHistoryDto))
                    .ConfigureAwait(false);
            }
        }
        else
        {
            Add("status.txt", $"no daemon: {facts.Daemon.Problem}");
        }

        foreach (string path in HostFiles)
        {
            Add($"host/{path.TrimStart('/').Replace('/', '-')}", ReadOrSay(path));
        }

        foreach ((string name, string program, string[] arguments) in Tools)
        {
            begin($"{program} {string.Join(' ', arguments)}".TrimEnd());
            (string? output, string? problem) = await HostTool.RunAsync(ToolTime, program, arguments).WaitAsync(cancel).ConfigureAwait(false);
            Add(name, $"$ {program} {string.Join(' ', arguments)}\n{output}{(problem is null ? "" : $"({program}: {problem})\n")}");
        }

        Add("README.txt", Readme(version, clock.GetUtcNow(), files));
        return files;

        async Task AskAsync(string name, Func<CancellationToken, Task<string>> ask)
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(DaemonTime);
            try
            {
                Add(name, await ask(limit.Token).ConfigureAwait(false));
            }
            catch (Exception failure) when (failure is ApiException || (failure is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                Add(name, $"(the daemon did not say: {failure.Message})");
            }
        }
    }

    private static string Json<T>(T document, JsonTypeInfo<T> type) => JsonSerializer.Serialize(document, type);

    private static string ReadOrSay(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"({path}: {failure.Message})";
        }
    }

    /// <summary>The end is what matters of a log, the beginning of everything else: the middle goes.</summary>
    private static string Cut(string text) => text.Length <= MaxFileChars ? text
        : $"{text[..(MaxFileChars / 2)]}\n({text.Length - MaxFileChars} characters left out)\n{text[^(MaxFileChars / 2)..]}";

    private static string Readme(string version, DateTimeOffset nowUtc, List<ReportFile> files) =>
        FormattableString.Invariant($"""
            Report of vibepn {version}, made {nowUtc:yyyy-MM-dd HH:mm:ss} UTC.

            In it: what 'vibepn doctor', 'netcheck', 'status', 'routes' and 'peer' say, the config file, and what the host says of its links, addresses,
            routes, firewall, sockets and the daemon's log. Not in it: the private key's file, which is not read; private keys, invites and values named
            secret, password or the like inside of other files, which say "{Scrub.Mark}" instead. Names, addresses and fingerprints are in it: look
            through it before you give it to somebody you do not know.

            {string.Join('\n', files.Select(file => $"{file.Name}  {file.Text.Length}"))}

            """);
}
