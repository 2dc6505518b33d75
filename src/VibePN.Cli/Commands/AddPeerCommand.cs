using System.CommandLine;
using System.Net;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn add-peer</c>: a new entry in the config file, or other values in one.</summary>
internal static class AddPeerCommand
{
    public static ExampleCommand Create()
    {
        Option<string> name = Options.Checked("--name", "NAME", "What to call it here", Options.NameError);
        name.Required = true;
        Option<string> address = Options.Checked("--address", "HOST:PORT", "Where to dial it; leave it out when it dials us", text => HostPort.Parse(text, out _));
        Option<string> fingerprint = Options.Checked("--fingerprint", "HEX", "The other node's, as its 'vibepn init' printed it; to be left out with trust = \"tofu\" only", FingerprintError);
        Option<string[]> networks = Options.List("--networks", "NAME,…", "Networks that it is in [default: the only one]", Options.NameError);
        Option<string[]> routes = Options.List("--allow-routes", "PREFIX,…", "What it may announce beyond its own addresses", text => IpText.ParsePrefix(text, out _));

        Option<bool> update = new("--update") { Description = "Change the entry of that name: what is given; all else in it stays" };

        ExampleCommand command = new(
            "add-peer",
            "Adds a peer to the config file",
            "vibepn add-peer --name node2 --address 203.0.113.42:51820 --fingerprint 4f2a…9c --networks corp");
        command.Add(name);
        command.Add(address);
        command.Add(fingerprint);
        command.Add(networks);
        command.Add(routes);
        command.Add(update);
        command.Add(ConfigEditing.DryRun);
        command.Add(CommonOptions.Json);
        return command.Does((parsed, cancel) =>
        {
            string path = CommonOptions.ConfigPath(parsed);
            bool updates = parsed.GetValue(update);
            string[] joined = Options.Split(parsed.GetValue(networks));
            PeerConfig peer = new()
            {
                Name = parsed.GetRequiredValue(name),
                Address = parsed.GetValue(address) is { } text && HostPort.Parse(text, out HostPort target) is null ? target : null,
                Fingerprint = parsed.GetValue(fingerprint) is { } pin ? PeerId.Parse(pin) : null,
                Networks = updates || joined.Length > 0 ? joined : [OnlyNetwork(path)],
                AllowRoutes = [.. Options.Split(parsed.GetValue(routes)).Select(IPNetwork.Parse)],
            };
            if (updates)
            {
                return ConfigEditing.RunAsync(parsed, edit => edit.UpdatePeer(peer), $"updated {peer.Name}", cancel);
            }

            if (peer.Fingerprint is null && ConfigFile.Load(path).Node.Trust != TrustMode.FirstUse)
            {
                Terminal.Error("--fingerprint is missing: it decides who is believed; 'vibepn status' on the other host shows it");
                return Task.FromResult(CommandLine.WrongUsage);
            }

            return ConfigEditing.RunAsync(parsed, edit => edit.AddPeer(peer), $"added {peer.Name}", cancel);
        });
    }

    private static string? FingerprintError(string text) =>
        PeerId.TryParse(text, out _) ? null : $"a fingerprint is {PeerId.SizeBytes * 2} hexadecimal digits, not '{text}'";

    private static string OnlyNetwork(string path)
    {
        IReadOnlyList<NetworkConfig> known = ConfigFile.Load(path).Networks;
        return known.Count == 1
            ? known[0].Name
            : throw new ConfigException(new ConfigError(path, 0, 0, $"has {known.Count} networks; say which with --networks ({string.Join(",", known.Select(network => network.Name))})"));
    }
}
