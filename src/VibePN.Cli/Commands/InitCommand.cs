using System.CommandLine;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn init</c>: an identity and a commented config file for a first network.</summary>
internal static class InitCommand
{
    public static ExampleCommand Create()
    {
        Option<string> name = Options.Checked("--name", "NAME", "This node's name [default: the host name]", Options.NameError);
        Option<string> network = Options.Checked("--network", "NAME", "The network's name", Options.NameError);
        network.Required = true;
        Option<string[]> prefix = Options.List("--prefix", "PREFIX,…", "The network's prefix, like 10.42.0.0/24; IPv4, IPv6 or both", text => IpText.ParsePrefix(text, out _));
        prefix.Required = true;
        Option<string[]> address = Options.List("--address", "IP,…", "This node's address in it, one per prefix [default: auto]", AddressError);
        Option<string> listen = Options.Checked("--listen", "IP:PORT", "Where peers reach this node [default: [::]:51820]", ListenError);
        Option<string?> cert = new("--cert") { Description = "Certificate to make [default: node.crt beside the config]", HelpName = "FILE" };
        Option<string?> key = new("--key") { Description = "Key to make [default: node.key beside the config]", HelpName = "FILE" };
        Option<string?> state = new("--state") { Description = "Directory for what the daemon remembers [default: /var/lib/vibepn]", HelpName = "DIR" };
        Option<bool> export = new("--export") { Description = "Announce this node's address to peers" };
        Option<bool> force = new("--force") { Description = "Replace files that are there; the old ones stay as FILE.bak" };

        ExampleCommand command = new(
            "init",
            "Makes an identity and a config file",
            "vibepn init --name node1 --network corp --prefix 10.42.0.0/24 --export");
        foreach (Option option in new Option[] { name, network, prefix, address, listen, cert, key, state, export, force })
        {
            command.Add(option);
        }

        return command.Does((parsed, _) =>
        {
            string config = Path.GetFullPath(CommonOptions.ConfigPath(parsed));
            string directory = Path.GetDirectoryName(config)!;
            NewNode node = new()
            {
                Config = config,
                Cert = Path.GetFullPath(parsed.GetValue(cert) ?? Path.Combine(directory, "node.crt")),
                Key = Path.GetFullPath(parsed.GetValue(key) ?? Path.Combine(directory, "node.key")),
                Name = parsed.GetValue(name) ?? Names.Tame(Environment.MachineName),
                Network = parsed.GetRequiredValue(network),
                Prefixes = Options.Split(parsed.GetRequiredValue(prefix)),
                Addresses = Options.Split(parsed.GetValue(address)),
                Listen = parsed.GetValue(listen),
                Socket = CommonOptions.NamedSocket(parsed),
                State = parsed.GetValue(state) is { } given ? Path.GetFullPath(given) : null,
                Export = parsed.GetValue(export),
            };
            if (node.Check() is { Count: > 0 } mistakes)
            {
                foreach (string mistake in mistakes)
                {
                    Terminal.Error(mistake);
                }

                return Task.FromResult(CommandLine.WrongUsage);
            }

            PeerId id = node.Write(parsed.GetValue(force), TimeProvider.System);
            Console.Out.WriteLine($"name         {node.Name}");
            Console.Out.WriteLine($"fingerprint  {id}");
            Console.Out.WriteLine($"config       {node.Config}");
            Console.Out.WriteLine($"identity     {node.Cert}, {node.Key}");
            return Task.FromResult(CommandLine.Done);
        });
    }

    public static string? AddressError(string text) =>
        text == "auto" || IpText.TryParseAddress(text, out _) ? null : $"'{text}' is neither \"auto\" nor an address";

    public static string? ListenError(string text) =>
        IpText.TryParseEndPoint(text, out _) ? null : $"'{text}' is no address and port, like [::]:51820";
}
