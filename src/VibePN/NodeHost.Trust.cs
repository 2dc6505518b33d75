// Invites made here and accepted here: what of them is on disk, and when.
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using VibePN.Config;
using VibePN.Identity;
using VibePN.Quic;

namespace VibePN;

public sealed partial class NodeHost
{
    private static readonly IPNetwork[] s_private =
    [
        IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("fc00::/7"),
    ];

    private NodeIdentity _identity;
    private readonly JoinFiles _joinFiles;

    /// <summary>What is presented to inviters, by the text it was made from; each stays until the end, since connections may use it.</summary>
    private readonly Dictionary<string, QuicCredentials> _joinCredentials = [];

    /// <summary>Invites that this node has made, oldest first.</summary>
    public Task<IReadOnlyList<IssuedInvite>> InvitesAsync() => _loop.InvokeAsync(node => node.Invites);

    /// <summary>Makes an invite and writes it down.</summary>
    /// <returns>Null, or why there is none.</returns>
    /// <exception cref="IOException">It cannot be written; there is none.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public async Task<string?> AddInviteAsync(IssuedInvite invite)
    {
        try
        {
            return await ChangeTrustAsync(node => node.AddInvite(invite, NodeLoop.Now())).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            await _loop.InvokeAsync(node =>
            {
                node.ForgetInvite(invite.Id);
                return 0;
            }).ConfigureAwait(false);
            throw;
        }
    }

    /// <returns>The invite as it is now; null: there is none of this id.</returns>
    /// <exception cref="IOException">It is over, but after a restart it may not be.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public Task<IssuedInvite?> RevokeInviteAsync(InviteId id) => ChangeTrustAsync(node => node.RevokeInvite(id, NodeLoop.Now()));

    /// <summary>Lets introductions count again for a peer that was removed.</summary>
    /// <returns>False: none of this name is kept out.</returns>
    /// <exception cref="IOException">It may come in, but after a restart it may not.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public Task<bool> LetPeerInAsync(string name) => ChangeTrustAsync(node => node.LetPeerIn(name, NodeLoop.Now()));

    /// <summary>Cuts off a peer that came with an invite or by introduction.</summary>
    /// <returns>False: there is none of this name.</returns>
    /// <exception cref="IOException">It is cut off, but after a restart it may come again.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public Task<bool> ForgetPeerAsync(string name) => ChangeTrustAsync(node => node.ForgetPeer(name, NodeLoop.Now()));

    /// <summary>Looks anew at what <c>vibepn join</c> has put down for this node to present.</summary>
    public async Task TakeJoinsAsync()
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!_disposed)
            {
                var joins = LoadJoins();
                await _loop.InvokeAsync(node =>
                {
                    node.SetJoins(joins, NodeLoop.Now());
                    return 0;
                }).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Where others may reach this node, as far as the host can tell: the addresses that it listens on, public ones first, and where peers say
    /// that they see it. Neither its own networks nor what is good on one link only.
    /// </summary>
    public async Task<IReadOnlyList<HostPort>> ReachableAddressesAsync()
    {
        var snapshot = await SnapshotAsync().ConfigureAwait(false);
        var port = (ushort)LocalEndPoint.Port;
        var listen = LocalEndPoint.Address;
        IEnumerable<IPAddress> own = listen.Equals(IPAddress.Any) || listen.Equals(IPAddress.IPv6Any)
            ? NetworkInterface.GetAllNetworkInterfaces()
                .Where(link => link.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown && Config.Networks.All(network => network.Interface != link.Name))
                .SelectMany(link => link.GetIPProperties().UnicastAddresses.Select(one => one.Address))
                .Where(address => address.AddressFamily == AddressFamily.InterNetwork || (!listen.Equals(IPAddress.Any) && !_loop.Udp.IsIPv6Unavailable))
            : [listen];
        var seen = snapshot.Peers.Select(peer => peer.ObservedAt).OfType<IPEndPoint>().Where(at => at.Port == port).Select(at => at.Address);
        return
        [
            .. own.Concat(seen)
                .Select(address => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)
                .Where(address => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal && !address.IsIPv6Multicast && !IsLinkLocal(address)
                    && !Config.Networks.SelectMany(network => network.Prefixes).Any(prefix => prefix.Contains(address)))
                .Distinct()
                .OrderBy(IsPrivate)
                .ThenBy(address => address.AddressFamily)
                .Take(Limits.InviteAddresses)
                .Select(address => new HostPort(address.ToString(), port)),
        ];
    }

    /// <summary>RFC 3927.</summary>
    private static bool IsLinkLocal(IPAddress address) => IPNetwork.Parse("169.254.0.0/16").Contains(address);

    /// <summary>RFC 1918, RFC 6598, RFC 4193.</summary>
    private static bool IsPrivate(IPAddress address) => s_private.Any(prefix => prefix.Contains(address));

    /// <summary>The config file of this start may have made some of what was remembered superfluous: that must not come back with the next.</summary>
    private async Task SaveTrustAsync()
    {
        if (await _loop.InvokeAsync(node => node.Memory.Trust.Version).ConfigureAwait(false) == 0)
        {
            return;
        }

        try
        {
            _ = await ChangeTrustAsync(node => 0).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Log.MemoryFailed(_logger, failure.Message);
        }
    }

    private async Task<T> ChangeTrustAsync<T>(Func<Node, T> change)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            var result = await _loop.InvokeAsync(node =>
            {
                var changed = change(node);
                Volatile.Write(ref _memory, node.Memory);
                return changed;
            }).ConfigureAwait(false);
            if (TrySaveMemory() is { } failure)
            {
                throw failure;
            }

            return result;
        }
        finally
        {
            _turn.Release();
        }
    }

    private Dictionary<PeerId, QuicCredentials> LoadJoins()
    {
        var joins = new Dictionary<PeerId, QuicCredentials>();
        var found = _joinFiles.Load(out var problems);
        foreach (var (inviter, statement) in found)
        {
            try
            {
                if (!_joinCredentials.TryGetValue(statement, out var credentials))
                {
                    credentials = QuicCredentials.FromPem([.. _identity.CertificatePem.Span, (byte)'\n', .. System.Text.Encoding.ASCII.GetBytes(statement)], _identity.KeyPem.Span);
                    _joinCredentials.Add(statement, credentials);
                }

                joins[inviter] = credentials;
            }
            catch (QuicException failure)
            {
                problems.Add($"{_joinFiles.PathOf(inviter)}: {failure.Message}");
            }
        }

        foreach (var problem in problems)
        {
            Log.JoinIgnored(_logger, problem);
        }

        return joins;
    }

    /// <summary>Called by the loop: the inviter knows us now.</summary>
    private void OnJoined(PeerId inviter) => InTurn(() =>
    {
        if (_joinFiles.TryRemove(inviter) is { } problem)
        {
            Log.JoinIgnored(_logger, problem);
        }
    });

    private void TellSaved(long version, bool isSaved)
    {
        if (_loop.Completion.IsCompleted)
        {
            return;
        }

        _ = _loop.InvokeAsync(node =>
        {
            node.OnTrustSaved(version, isSaved, NodeLoop.Now());
            return 0;
        });
    }
}
