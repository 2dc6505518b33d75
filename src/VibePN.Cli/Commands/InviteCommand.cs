using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using VibePN.Api;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn invite</c>: a line that lets another host join, and what became of those made before.</summary>
internal static class InviteCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(50);

    public static ExampleCommand Create()
    {
        Option<string> network = Options.Checked("--network", "NAME", "The network to join [default: the only one]", Options.NameError);
        Option<string[]> address = Options.List("--address", "HOST:PORT", "Where to dial this node; again or with commas up to 8 [default: this host's addresses]", text => HostPort.Parse(text, out _));
        Option<string> joiner = Options.Checked("--for", "NAME", "What to call the one who joins [default: what it calls itself]", Options.NameError);
        Option<string> expires = Options.Checked("--expires", "TIME", "How long it is good: 30m, 24h, 7d [default: 24h]", TimeError);
        Option<string[]> routes = Options.List("--routes", "PREFIX,…", "What it may announce beyond its own addresses", text => IpText.ParsePrefix(text, out _));
        Option<string?> output = new("--out") { Description = "Also write it to a file that only you may read", HelpName = "FILE" };
        Option<bool> qr = new("--qr") { Description = "Also draw it as a QR code" };
        Option<bool> list = new("--list") { Description = "Show the invites made here, and what became of them" };
        Option<string?> revoke = new("--revoke") { Description = "Take an invite back, by its id or the beginning of it", HelpName = "ID" };
        ExampleCommand command = new(
            "invite",
            "Makes an invite for one host, by the running daemon; its last line of output is for 'vibepn join' there. Whoever has it can join: hand it over as you would a password",
            "vibepn invite --network corp --address vpn.example.com:51820 --for bob --expires 1h\n  vibepn invite --list\n  vibepn invite --revoke 9f3a");
        foreach (Option option in new Option[] { network, address, joiner, expires, routes, output, qr, list, revoke, CommonOptions.Json })
        {
            command.Add(option);
        }

        return command.Does(async (parsed, cancel) =>
        {
            ApiClient client = CommonOptions.CreateClient(parsed);
            bool json = parsed.GetValue(CommonOptions.Json);
            if (parsed.GetValue(list))
            {
                InvitesDto known = await client.GetInvitesAsync(cancel);
                Show(json, JsonSerializer.Serialize(known, ApiJson.Readable.InvitesDto), () => Terminal.Write(console => Draw(console, known.Invites)));
                return CommandLine.Done;
            }

            if (parsed.GetValue(revoke) is { } id)
            {
                InviteDto revoked = await client.RevokeInviteAsync(new RevokeInviteRequestDto { Id = id }, cancel);
                Show(json, JsonSerializer.Serialize(revoked, ApiJson.Readable.InviteDto), () => TellRevoked(revoked));
                return CommandLine.Done;
            }

            InviteRequestDto request = new()
            {
                Network = parsed.GetValue(network),
                Addresses = Options.Split(parsed.GetValue(address)),
                For = parsed.GetValue(joiner),
                ExpiresInSeconds = parsed.GetValue(expires) is { } text ? Options.ParseTime(text)?.TotalSeconds : null,
                Routes = Options.Split(parsed.GetValue(routes)),
            };
            NewInviteDto made = await InviteAsync(client, request, cancel);
            if (parsed.GetValue(output) is { } file)
            {
                AtomicFile.Replace(file, made.Invite + "\n", OwnerOnly);
            }

            Show(json, JsonSerializer.Serialize(made, ApiJson.Readable.NewInviteDto), () => Tell(made, parsed.GetValue(output), parsed.GetValue(qr)));
            return CommandLine.Done;
        });
    }

    /// <summary>A daemon that was started by the line before this one has a moment to come up.</summary>
    private static async Task<NewInviteDto> InviteAsync(ApiClient client, InviteRequestDto request, CancellationToken cancel)
    {
        long start = TimeProvider.System.GetTimestamp();
        bool isTold = false;
        while (true)
        {
            try
            {
                return await client.InviteAsync(request, cancel);
            }
            catch (ApiException failure) when (failure.IsNobodyThere && TimeProvider.System.GetElapsedTime(start) < StartTime)
            {
                if (!isTold)
                {
                    isTold = true;
                    Console.Error.WriteLine("waiting for the daemon …");
                }

                await Task.Delay(Step, TimeProvider.System, cancel);
            }
        }
    }

    private static void Show(bool json, string document, Action words)
    {
        if (json)
        {
            Console.Out.WriteLine(document);
        }
        else
        {
            words();
        }
    }

    private static void Tell(NewInviteDto made, string? file, bool qr)
    {
        Console.Out.WriteLine($"invite {made.Id} into {made.Network} for {made.For ?? "one host"}, good until {Time(made.ExpiresUtc)}");
        Console.Out.WriteLine($"dialed at {string.Join(", ", made.Addresses)}");
        if (file is not null)
        {
            Console.Out.WriteLine($"also in {file}");
        }

        if (qr)
        {
            Console.Out.Write(QrText.Draw(made.Invite));
        }

        Console.Out.WriteLine("give this line to 'vibepn join' on the other host; whoever has it can join, once:");
        Console.Out.WriteLine(made.Invite);
    }

    private static void TellRevoked(InviteDto invite)
    {
        Console.Out.WriteLine($"invite {invite.Id} is revoked: nobody gets in by it");
        if (invite.UsedAs is { } peer)
        {
            Console.Out.WriteLine($"{peer} came by it before and stays; 'vibepn remove-peer {peer}' takes it out");
        }
    }

    private static void Draw(IAnsiConsole console, IReadOnlyList<InviteDto> invites)
    {
        if (invites.Count == 0)
        {
            console.WriteLine("no invites; 'vibepn invite' makes one");
            return;
        }

        Table table = Terminal.CreateTable("ID", "STATE", "NETWORK", "FOR", "ROUTES", "MADE", "GOOD UNTIL", "USED BY");
        foreach (InviteDto invite in invites)
        {
            _ = table.AddRow(
                Terminal.Cell(invite.Id),
                Terminal.Cell(invite.State.ToString().ToLowerInvariant()),
                Terminal.Cell(invite.Network),
                Terminal.Cell(invite.For),
                Terminal.Cell(invite.Routes.Count == 0 ? null : string.Join(",", invite.Routes)),
                Terminal.Cell(Time(invite.CreatedUtc)),
                Terminal.Cell(Time(invite.ExpiresUtc)),
                Terminal.Cell(invite.UsedBy is { } user ? $"{invite.UsedAs} ({user[..12]}…) {(invite.UsedUtc is { } at ? Time(at) : "")}" : null));
        }

        console.Write(table);
    }

    private static string Time(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private static string? TimeError(string text) =>
        Options.ParseTime(text) is { } time && time >= TimeSpan.FromSeconds(1) && time <= TimeSpan.FromDays(365)
            ? null
            : $"'{text}' is no time from 1s to 365d, like 30m, 24h or 7d";
}
