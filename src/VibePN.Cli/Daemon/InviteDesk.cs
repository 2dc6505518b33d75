using System.Net;
using Microsoft.Extensions.Logging;
using VibePN.Api;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli.Daemon;

/// <summary>Makes invites, lists and revokes them, and removes who came by them, for whoever asks by the API. Secrets leave in one answer, and never for a log.</summary>
internal sealed class InviteDesk(NodeHost host, PeerId id, TimeProvider clock, ILogger logger)
{
    private const double DefaultSeconds = 86_400;
    private const double LongestSeconds = 365 * 86_400;

    /// <summary>Of an id, as somebody types it.</summary>
    private const int FewestDigits = 4;

    /// <exception cref="RequestException">The request makes no sense, or there is no room for another.</exception>
    public async Task<NewInviteDto> MakeAsync(InviteRequestDto request, string caller)
    {
        NodeConfig config = host.Config;
        NetworkConfig network = NetworkOf(config, request.Network);
        if (request.For is { } name && !Names.IsValid(name))
        {
            throw Wrong($"'{name}' is no name: {Names.Rule}");
        }

        double seconds = request.ExpiresInSeconds ?? DefaultSeconds;
        if (seconds is not (>= 1 and <= LongestSeconds))
        {
            throw Wrong($"expiresInSeconds must be from 1 to {LongestSeconds}, not {seconds}");
        }

        IReadOnlyList<HostPort> addresses = request.Addresses.Count > 0 ? [.. request.Addresses.Select(Address).Distinct()] : await host.ReachableAddressesAsync();
        if (addresses.Count is 0 or > Invite.MaxAddresses)
        {
            throw Wrong(addresses.Count == 0
                ? "this host has no address that another one could dial; say which with --address HOST:PORT"
                : $"an invite has at most {Invite.MaxAddresses} addresses");
        }

        if (request.Routes.Count > Invite.MaxRoutes)
        {
            throw Wrong($"an invite allows at most {Invite.MaxRoutes} routes");
        }

        (InviteId inviteId, byte[] secret) = Invite.Draw();
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        Invite invite = new()
        {
            Id = inviteId,
            Secret = secret,
            Inviter = id,
            InviterName = Names.Tame(config.Node.Name),
            Addresses = addresses,
            Network = network.Name,
            Prefixes = network.Prefixes,
            ExpiresUtcSeconds = now + (long)seconds,
            JoinerName = request.For,
            Routes = [.. request.Routes.Select(Route).Distinct()],
        };
        string text = InviteCodec.Write(invite);
        string? problem = await host.AddInviteAsync(new IssuedInvite
        {
            Id = invite.Id,
            Key = invite.Secret,
            Network = invite.Network,
            JoinerName = invite.JoinerName,
            Routes = invite.Routes,
            CreatedUtcSeconds = now,
            ExpiresUtcSeconds = invite.ExpiresUtcSeconds,
        });
        if (problem is not null)
        {
            throw Wrong(problem);
        }

        DateTimeOffset expires = DateTimeOffset.FromUnixTimeSeconds(invite.ExpiresUtcSeconds);
        Log.InviteMade(logger, invite.Id.ToString(), network.Name, request.For ?? "anybody", expires, caller);
        return new NewInviteDto
        {
            Invite = text,
            Id = invite.Id.ToString(),
            Network = network.Name,
            For = request.For,
            Addresses = [.. addresses.Select(address => address.ToString())],
            ExpiresUtc = expires,
        };
    }

    public async Task<InvitesDto> ListAsync()
    {
        DateTimeOffset now = clock.GetUtcNow();
        return new InvitesDto { Invites = [.. (await host.InvitesAsync()).Select(invite => SnapshotMapper.Invite(invite, now))] };
    }

    /// <exception cref="RequestException">No invite has this id, or several have.</exception>
    public async Task<InviteDto> RevokeAsync(RevokeInviteRequestDto request, string caller)
    {
        string given = request.Id ?? "";
        IssuedInvite[] fitting = [.. (await host.InvitesAsync()).Where(invite => given.Length >= FewestDigits && invite.Id.ToString().StartsWith(given, StringComparison.OrdinalIgnoreCase))];
        if (fitting.Length != 1)
        {
            throw new RequestException(404, fitting.Length == 0
                ? $"there is no invite '{given}'; 'vibepn invite --list' shows their ids"
                : $"{fitting.Length} invites begin with '{given}'; write more of the id");
        }

        IssuedInvite revoked = await host.RevokeInviteAsync(fitting[0].Id) ?? fitting[0];
        Log.InviteRevoked(logger, revoked.Id.ToString(), caller);
        return SnapshotMapper.Invite(revoked, clock.GetUtcNow());
    }

    public async Task<RemovePeerDto> RemovePeerAsync(string name, string caller)
    {
        bool removed = await host.ForgetPeerAsync(name);
        if (removed)
        {
            Log.PeerRemoved(logger, name, caller);
        }

        return new RemovePeerDto { Removed = removed };
    }

    public async Task<LetInDto> LetPeerInAsync(string name, string caller)
    {
        bool isLetIn = await host.LetPeerInAsync(name);
        if (isLetIn)
        {
            Log.PeerLetIn(logger, name, caller);
        }

        return new LetInDto { LetIn = isLetIn };
    }

    private static NetworkConfig NetworkOf(NodeConfig config, string? name)
    {
        string all = string.Join(", ", config.Networks.Select(network => network.Name));
        return name is null
            ? config.Networks.Count == 1 ? config.Networks[0] : throw Wrong($"this node has {config.Networks.Count} networks; say which with --network ({all})")
            : config.Networks.FirstOrDefault(network => network.Name == name) ?? throw Wrong($"this node is not in a network '{name}'; it is in {all}");
    }

    private static HostPort Address(string text) => HostPort.Parse(text, out HostPort address) is { } wrong ? throw Wrong(wrong) : address;

    private static IPNetwork Route(string text) => IpText.ParsePrefix(text, out IPNetwork route) is { } wrong ? throw Wrong(wrong) : route;

    private static RequestException Wrong(string message) => new(422, message);
}
