using System.Text;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Facts;

namespace VibePN.Doctor.Checks;

/// <summary>The daemon, its socket and its state directory.</summary>
internal static class DaemonChecks
{
    private const string None = "no daemon answers";

    /// <summary>sun_path of a socket's address, without its end mark (unix(7)).</summary>
    private const int MaxSocketBytes = 107;

    private const long LeastFreeBytes = 1 << 20;
    private const long GoodFreeBytes = 16 << 20;

    public static IEnumerable<Finding> Running(HostFacts facts) => [facts.Daemon switch
    {
        { Status: { } status } => Finding.Ok($"the daemon {status.Name} runs (pid {status.Pid}) and answers"),
        { NobodyThere: true } => Finding.Warning(
            "the daemon is not running",
            $"nobody listens on {facts.Socket?.Path}",
            "systemctl start vibepn, or vibepn daemon; journalctl -u vibepn tells why it ended"),
        { Problem: { } problem } => Finding.Warning("the daemon cannot be asked", problem),
        _ => Finding.Skip(None),
    }];

    public static IEnumerable<Finding> Version(HostFacts facts) => [facts.Daemon.Status switch
    {
        null => Finding.Skip(None),
        { } status when status.Version == facts.Version => Finding.Ok(status.Version),
        { } status => Finding.Warning(
            $"the daemon is {status.Version}, this program {facts.Version}",
            "it was started before an update, or from another place",
            "systemctl restart vibepn"),
    }];

    public static IEnumerable<Finding> Config(HostFacts facts)
    {
        if (facts.Daemon.Status is not { } status)
        {
            yield return Finding.Skip(None);
            yield break;
        }

        bool any = false;
        if (status.Config is { } used && used != facts.Config.Path)
        {
            any = true;
            yield return Finding.Info($"the daemon runs on {used}, not on {facts.Config.Path}", cure: $"vibepn doctor --config {used}");
        }

        if (status.ConfirmByUtc is not null)
        {
            any = true;
            yield return Finding.Warning("the config in force is undone soon unless it is confirmed", cure: "vibepn confirm");
        }

        if (facts.Daemon.Unapplied is { Count: > 0 } changes)
        {
            any = true;
            yield return Finding.Info(
                $"the config file has changes that the daemon does not run on: {string.Join("; ", changes.Take(5))}{(changes.Count > 5 ? "; …" : "")}",
                cure: "vibepn reload");
        }

        if (!any)
        {
            yield return Finding.Ok("the daemon runs on this config");
        }
    }

    public static IEnumerable<Finding> Warnings(HostFacts facts)
    {
        if (facts.Daemon.Status is not { } status)
        {
            return [Finding.Skip(None)];
        }

        // What the config says is told with its place, and offloads by a check of their own.
        Finding[] findings =
        [
            .. status.Warnings.Where(warning => facts.Config.Config?.Warnings.Any(own => own.ToString() == warning) != true && !warning.Contains("offload", StringComparison.Ordinal))
                .Select(warning => Finding.Warning(warning)),
        ];
        return findings.Length > 0 ? findings : [Finding.Ok("the daemon has no warnings")];
    }

    public static IEnumerable<Finding> Socket(HostFacts facts)
    {
        if (facts.Socket is not { } socket)
        {
            yield return Finding.Skip("its path is not known");
            yield break;
        }

        bool any = false;
        if (Encoding.UTF8.GetByteCount(socket.Path) > MaxSocketBytes)
        {
            any = true;
            yield return Finding.Error(
                $"the socket's path is longer than {MaxSocketBytes} bytes, which the kernel does not take",
                cure: "set a shorter 'socket' in [node]",
                place: facts.Config.Places?.Of("node", "socket"));
        }

        if (socket.Mode is { } mode && (mode & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
        {
            any = true;
            yield return Finding.Warning(
                $"every user of this host may use the socket {socket.Path}",
                "who may connect may read and change everything",
                $"chmod o= {socket.Path}");
        }

        if (facts.Daemon is { Status: null, NobodyThere: false, Problem: { } problem } && socket.Exists)
        {
            any = true;
            yield return Finding.Warning($"the socket {socket.Path} is there, but cannot be used", problem);
        }

        if (!any)
        {
            yield return Finding.Ok(socket.Exists ? $"{socket.Path} is open to its owner and group only" : $"{socket.Path} will be made");
        }
    }

    public static IEnumerable<Finding> State(HostFacts facts, NodeConfig config)
    {
        DirectoryFacts state = facts.State!;
        string? place = facts.Config.Places?.Of("node", "state");
        if (state.IsNoDirectory)
        {
            yield return Finding.Error($"{state.Path} is no directory", cure: "remove it, or set another 'state' in [node]", place: place);
            yield break;
        }

        bool any = false;
        uint user = facts.Process.DaemonUserId ?? (facts.Process.IsRoot ? facts.Process.ServiceUserId ?? 0 : facts.Process.UserId);
        bool mayWrite = user == facts.Process.UserId ? state.MayWrite : user == 0 || state.Owner is null || (state.Owner == user && (state.Mode & UnixFileMode.UserWrite) != 0);
        // A daemon of root may well serve where the account is there; it is said only of a directory that is there.
        if (!mayWrite && (state.Exists || user == facts.Process.UserId))
        {
            any = true;
            yield return facts.Daemon.Status is null && !facts.Process.IsRoot
                ? Finding.Skip($"whether the daemon may write {state.Path} depends on who it runs as; run as root")
                : new Finding(
                    facts.Process.DaemonUserId is null && user != facts.Process.UserId ? FindingSeverity.Warning : FindingSeverity.Error,
                    $"{Accounts.NameOfUser(user)} may not write into {state.Nearest}")
                {
                    Cause = "the daemon keeps there what it has to remember: addresses, tokens, trust",
                    Cure = $"mkdir -p {state.Path} && chown {Accounts.NameOfUser(user)} {state.Path} && chmod u+rwx {state.Path}",
                    Place = place,
                };
        }

        if (state.FreeBytes is { } free && free < GoodFreeBytes)
        {
            any = true;
            string what = $"there are {free >> 10} KiB left on the disk of {state.Nearest}";
            yield return free < LeastFreeBytes ? Finding.Error(what, "the daemon cannot remember anything", "free some space") : Finding.Warning(what, cure: "free some space");
        }

        if (!any)
        {
            yield return Finding.Ok(state.Exists ? $"{state.Path} can be written" : $"{state.Path} will be made");
        }
    }

    public static IEnumerable<Finding> Memory(HostFacts facts, NodeConfig config)
    {
        if (facts.State!.Unreadable is not { } files)
        {
            return [Finding.Skip($"{facts.State.Path} may not be read by this user; run as root")];
        }

        Finding[] findings =
        [
            .. files.Select(file => Path.GetFileName(file) == "introductions.json.unreadable"
                ? Finding.Warning(
                    $"{file}: who was removed and kept out is not known, so no introductions are taken",
                    "the daemon found introductions.json damaged and put it aside",
                    "repair it and put it back as introductions.json, or remove it, and then again whom you had removed ('vibepn remove-peer'); systemctl restart vibepn")
                : Finding.Warning($"{file} is what the daemon could not read, and has gone on without", cure: "restore it from a backup; else remove it, and do again what it held (invites, joins)")),
        ];
        return findings.Length > 0 ? findings : [Finding.Ok("nothing was put aside")];
    }
}
