using System.CommandLine;
using System.Net;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn add-peer</c>: a new entry in the config file.</summary>
internal static class AddPeerCommand
{
    public static ExampleCommand Create()
    {
        Option<string> name = Options.Checked("--name", "NAME", "What to call it here", Options.NameError);
        name.Required = true;
        Option<string> address = Options.Checked("--address", "HOST:PORT", "Where to dial it; leave it out when it dials us", text => HostPort.Parse(text, out _));
        Option<string> fingerprint = Options.Checked("--fingerprint", "HEX", "The other node's, as its 'vibepn init' printed it", FingerprintError);
        fingerprint.Required = true;
        Option<string[]> networks = Options.List("--networks", "NAME,…", "Networks that it is in [default: the only one]", Options.NameError);
        Option<string[]> routes = Options.List("--allow-routes", "PREFIX,…", "What it may announce beyond its own addresses", text => IpText.ParsePrefix(text, out _));

        ExampleCommand command = new(
            "add-peer",
            "Adds a peer to the config file",
            "vibepn add-peer --name node2 --address 203.0.113.42:51820 --fingerprint 4f2a…9c --networks corp");
        command.Add(name);
        command.Add(address);
        command.Add(fingerprint);
        command.Add(networks);
        command.Add(routes);
        return command.Does(async (parsed, cancel) =>
        {
            string path = CommonOptions.ConfigPath(parsed);
            PeerConfig peer = new()
            {
                Name = parsed.GetRequiredValue(name),
                Address = parsed.GetValue(address) is { } text && HostPort.Parse(text, out HostPort target) is null ? target : null,
                Fingerprint = PeerId.Parse(parsed.GetRequiredValue(fingerprint)),
                Networks = Networks(path, Options.Split(parsed.GetValue(networks))),
                AllowRoutes = [.. Options.Split(parsed.GetValue(routes)).Select(IPNetwork.Parse)],
            };
            _ = ConfigEdit.Apply(path, text => ConfigEdit.AddPeer(text, peer));
            Console.Out.WriteLine($"added {peer.Name} to {path}");
            return await ReloadCommand.AfterEditAsync(parsed, path, cancel);
        });
    }

    private static string? FingerprintError(string text) =>
        PeerId.TryParse(text, out _) ? null : $"a fingerprint is {PeerId.SizeBytes * 2} hexadecimal digits, not '{text}'";

    private static string[] Networks(string path, string[] named)
    {
        if (named.Length > 0)
        {
            return named;
        }

        IReadOnlyList<NetworkConfig> known = ConfigFile.Load(path).Networks;
        return known.Count == 1
            ? [known[0].Name]
            : throw new ConfigException(new ConfigError(path, 0, 0, $"has {known.Count} networks; say which with --networks ({string.Join(",", known.Select(network => network.Name))})"));
    }
}
