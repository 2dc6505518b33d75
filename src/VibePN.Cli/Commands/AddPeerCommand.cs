using System.CommandLine;
using System.Net;
using System.Text.Json;
using VibePN.Api;
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

        Option<string> introduces = Options.Checked(
            "--introduces", "true|false", "It may introduce other members of those networks [with the option alone: true]", text => text is "true" or "false" ? null : $"'{text}' is neither true nor false");
        introduces.Arity = ArgumentArity.ZeroOrOne;

        Option<bool> update = new("--update") { Description = "Change the entry of that name: what is given; all else in it stays" };

        ExampleCommand command = new(
            "add-peer",
            "Adds a peer to the config file. With --name alone: lets in again whom remove-peer keeps from being introduced",
            "vibepn add-peer --name node2 --address 203.0.113.42:51820 --fingerprint 4f2a…9c --networks corp");
        command.Add(name);
        command.Add(address);
        command.Add(fingerprint);
        command.Add(networks);
        command.Add(routes);
        command.Add(introduces);
        command.Add(update);
        command.Add(ConfigEditing.DryRun);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            bool? isIntroducer = IsGiven(parsed, introduces) ? parsed.GetValue(introduces) != "false" : null;
            if (new Option[] { address, fingerprint, networks, routes, introduces, update }.All(option => !IsGiven(parsed, option))
                && await LetInAsync(parsed, parsed.GetRequiredValue(name), cancel))
            {
                return CommandLine.Done;
            }

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
                Introduces = isIntroducer == true && !updates,
            };
            if (updates)
            {
                return await ConfigEditing.RunAsync(parsed, edit => Update(edit, peer, isIntroducer), $"updated {peer.Name}", cancel);
            }

            if (peer.Fingerprint is null && ConfigFile.Load(path).Node.Trust != TrustMode.FirstUse)
            {
                Terminal.Error("--fingerprint is missing: it decides who is believed; 'vibepn status' on the other host shows it");
                return CommandLine.WrongUsage;
            }

            return await ConfigEditing.RunAsync(parsed, edit => edit.AddPeer(peer), $"added {peer.Name}", cancel);
        });
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static void Update(ConfigEdit edit, PeerConfig peer, bool? introduces)
    {
        edit.UpdatePeer(peer);
        if (introduces is { } value)
        {
            edit.SetIntroduces(peer.Name, value);
        }
    }

    /// <returns>False: the daemon keeps nobody of this name out, or none runs.</returns>
    private static async Task<bool> LetInAsync(ParseResult parsed, string name, CancellationToken cancel)
    {
        ApiClient client = CommonOptions.CreateClient(parsed);
        try
        {
            bool isDryRun = parsed.GetValue(ConfigEditing.DryRun);
            LetInDto answer = isDryRun
                ? new LetInDto { LetIn = (await client.GetPeersAsync(cancel)).KeptOut.Any(known => known.Name == name) }
                : await client.LetPeerInAsync(name, cancel);
            if (answer.LetIn)
            {
                Console.Out.WriteLine(parsed.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(answer, ApiJson.Readable.LetInDto)
                    : isDryRun ? $"dry run: {name}, which was removed, would be let in again"
                    : $"{name} is let in again where somebody introduces it");
            }

            return answer.LetIn;
        }
        catch (ApiException failure) when (failure.IsNobodyThere)
        {
            return false;
        }
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
