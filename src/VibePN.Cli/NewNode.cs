using System.Text;
using VibePN.Config;

namespace VibePN.Cli;

/// <summary>What <c>init</c> makes: the files of a node that is not there yet.</summary>
internal sealed record NewNode
{
    private const UnixFileMode ConfigMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>All paths absolute.</summary>
    public required string Config { get; init; }

    public required string Cert { get; init; }

    public required string Key { get; init; }

    public required string Name { get; init; }

    public required string Network { get; init; }

    /// <summary>At least one.</summary>
    public required IReadOnlyList<string> Prefixes { get; init; }

    /// <summary>Empty: automatic.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Null, here and below: the default, which the file then shows as a comment.</summary>
    public string? Listen { get; init; }

    public string? Socket { get; init; }

    public string? State { get; init; }

    public bool Export { get; init; }

    /// <summary>What is wrong with the values together; nothing is written.</summary>
    public IReadOnlyList<string> Check()
    {
        try
        {
            _ = ConfigFile.Parse(Render(), Config);
            return [];
        }
        catch (ConfigException failure)
        {
            // Places in a file that is not there help nobody.
            return [.. failure.Errors.Select(error => error.Message)];
        }
    }

    /// <summary>Values must be checked before; a failure takes back what this call made.</summary>
    /// <returns>The new node's fingerprint.</returns>
    /// <exception cref="IOException">Files are there already (without <paramref name="force"/>), or cannot be written.</exception>
    public PeerId Write(bool force, TimeProvider clock)
    {
        string[] present = [.. new[] { Config, Cert, Key }.Where(File.Exists)];
        if (present.Length > 0 && !force)
        {
            throw new IOException($"{string.Join(", ", present)} {(present.Length == 1 ? "is" : "are")} there already; --force replaces {(present.Length == 1 ? "it" : "them")}");
        }

        foreach (string file in new[] { Config, Cert, Key })
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        }

        string target = AtomicFile.TargetOf(Config);
        using ConfigLock held = ConfigLock.TryTake(target) ?? throw new IOException($"another command is editing {Config} (it holds {ConfigLock.PathOf(target)}); try again when it has ended");
        using ConfigLock key = KeyRotation.Lock(new IdentityConfig { CertPath = Cert, KeyPath = Key });
        try
        {
            PeerId id = IdentityFiles.Create(Cert, Key, Name, clock, force);
            AtomicFile.Write(Config, Render(), ConfigMode);
            return id;
        }
        catch
        {
            foreach (string file in new[] { Config, Cert, Key }.Except(present))
            {
                File.Delete(file);
            }

            throw;
        }
    }

    internal string Render()
    {
        StringBuilder text = new();
        Line("# VibePN. Every key: see the README. 'vibepn add-peer' adds peers.");
        Line();
        Line("[identity]");
        Line($"cert = {Quote(Cert)}");
        Line($"key = {Quote(Key)}  # 0600, or the daemon refuses");
        Line();
        Line("[node]");
        Line($"name = {Quote(Name)}");
        Optional("listen", Listen, "[::]:51820", "where peers reach this node; port 0 = any");
        Optional("socket", Socket, "/run/vibepn/vibepn.sock", "for the commands");
        Optional("metrics", null, "127.0.0.1:9000", "\"\" = off");
        Optional("state", State, "/var/lib/vibepn", "what the daemon remembers");
        Optional("trust", null, "pinned", "or \"tofu\"");
        Line();
        Line($"[networks.{Network}]");
        Line($"prefix = {Quote(Prefixes[0])}");
        if (Prefixes.Count > 1)
        {
            Line($"prefixes = {List(Prefixes.Skip(1))}  # further ones");
        }

        Line(Addresses.Count switch
        {
            0 => "address = \"auto\"  # or one of the prefix",
            1 => $"address = {Quote(Addresses[0])}",
            _ => $"address = {List(Addresses)}",
        });
        Line(Export ? "export = true" : "export = false  # true: announce this node's address to peers");
        Line("# routes = [\"192.168.10.0/24\"]  # announced beside the own address");
        return text.ToString();

        void Line(string line = "") => text.Append(line).Append('\n');

        void Optional(string key, string? value, string otherwise, string comment) =>
            Line(value is null ? $"# {key} = {Quote(otherwise)}  # {comment}" : $"{key} = {Quote(value)}  # {comment}");
    }

    private static string Quote(string text) => ConfigEdit.Quote(text);

    private static string List(IEnumerable<string> items) => $"[{string.Join(", ", items.Select(Quote))}]";
}
