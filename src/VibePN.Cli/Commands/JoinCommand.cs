using System.CommandLine;
using VibePN.Identity;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn join</c>: from an invite to a member of its network.</summary>
internal static class JoinCommand
{
    public static ExampleCommand Create()
    {
        Argument<string?> invite = new("INVITE") { Description = "The invite; better on standard input or in a file, since others on this host can see arguments", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> named = new("--invite") { Description = "The same", HelpName = "INVITE" };
        Option<string?> file = new("--invite-file") { Description = "File with the invite [default: standard input]", HelpName = "FILE" };
        Option<string> name = Options.Checked("--name", "NAME", "This node's name [default: the invite's, else the host name]", Options.NameError);
        Option<string[]> address = Options.List("--address", "IP,…", "This node's address in the network, one per prefix [default: auto]", InitCommand.AddressError);
        Option<string> listen = Options.Checked("--listen", "IP:PORT", "For a new config: where peers reach this node [default: [::]:51820]", InitCommand.ListenError);
        Option<string?> cert = new("--cert") { Description = "Certificate, made if missing [default: node.crt beside the config]", HelpName = "FILE" };
        Option<string?> key = new("--key") { Description = "Its key, likewise [default: node.key beside the config]", HelpName = "FILE" };
        Option<string?> state = new("--state") { Description = "For a new config: directory for what the daemon remembers [default: /var/lib/vibepn]", HelpName = "DIR" };
        Option<bool> alone = new("--no-introductions") { Description = "Do not let the inviter introduce the network's other members: this node talks with the inviter alone" };
        ExampleCommand command = new(
            "join",
            "Joins the network of an invite: makes identity and config where there are none, adds to the config where there is one, and reloads a running daemon. To be repeated at will",
            "vibepn join --name bob < invite\n  vibepn join --invite-file invite --address 10.42.0.9");
        command.Add(invite);
        foreach (Option option in new Option[] { named, file, name, address, listen, cert, key, state, alone })
        {
            command.Add(option);
        }

        return command.Does(async (parsed, cancel) =>
        {
            string?[] open = [parsed.GetValue(invite), parsed.GetValue(named)];
            if (open.Append(parsed.GetValue(file)).Count(source => source is not null) > 1)
            {
                Terminal.Error("one invite at a time: as INVITE, by --invite or by --invite-file");
                return CommandLine.WrongUsage;
            }

            if (open.Any(source => source is not null))
            {
                Terminal.Error("warning: other users of this host can see an invite among the arguments; standard input and --invite-file hide it");
            }

            string text = open.OfType<string>().FirstOrDefault() ?? await ReadAsync(parsed.GetValue(file), cancel);
            if (string.IsNullOrWhiteSpace(text))
            {
                Terminal.Error("there is no invite: give it on standard input or with --invite-file; 'vibepn invite' on the other host makes one");
                return CommandLine.WrongUsage;
            }

            if (InviteCodec.TryRead(text, out Invite? read) is var fault && read is null)
            {
                Terminal.Error(fault.Describe());
                return CommandLine.Failed;
            }

            string config = Path.GetFullPath(CommonOptions.ConfigPath(parsed));
            string directory = Path.GetDirectoryName(config)!;
            Joining joining = new(read, TimeProvider.System)
            {
                Config = config,
                Cert = parsed.GetValue(cert) is { } certPath ? Path.GetFullPath(certPath) : null,
                Key = parsed.GetValue(key) is { } keyPath ? Path.GetFullPath(keyPath) : null,
                Name = parsed.GetValue(name),
                Addresses = [.. Options.Split(parsed.GetValue(address)).Where(each => each != "auto")],
                Listen = parsed.GetValue(listen),
                Socket = CommonOptions.NamedSocket(parsed),
                TakesIntroductions = !parsed.GetValue(alone),
                State = parsed.GetValue(state) is { } given ? Path.GetFullPath(given) : null,
            };
            await joining.WriteAsync(cancel);
            return await JoinWait.RunAsync(() => CommonOptions.CreateClient(parsed), config, read, cancel) ? CommandLine.Done : CommandLine.Failed;
        });
    }

    /// <summary>From a terminal one line; else all there is, within reason.</summary>
    private static async Task<string> ReadAsync(string? file, CancellationToken cancel)
    {
        const int MostChars = 16 * 1024;
        if (file is null && !Console.IsInputRedirected)
        {
            Console.Error.WriteLine("paste the invite, and press Enter:");
            return await Console.In.ReadLineAsync(cancel) ?? "";
        }

        using TextReader reader = file is null ? Console.In : new StreamReader(file);
        char[] text = new char[MostChars];
        int count = await reader.ReadBlockAsync(text, cancel);
        return new string(text, 0, count);
    }
}
