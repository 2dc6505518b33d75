using VibePN.Api;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>After the files are written: the running daemon takes them into use, and it is told how the joining goes.</summary>
internal static class JoinWait
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <returns>False: the daemon could not take it into use, or the inviter refused, or did not answer in time.</returns>
    public static async Task<bool> RunAsync(Func<ApiClient> connect, string config, Invite invite, CancellationToken cancel)
    {
        ApiClient client = connect();
        try
        {
            _ = await client.ReloadAsync(new ReloadRequestDto { Config = config }, cancel);
        }
        catch (ApiException failure) when (failure.IsNobodyThere)
        {
            Console.Out.WriteLine("no daemon runs on it: start it ('systemctl start vibepn', or 'vpn'), and it joins by itself; 'vibepn peers' shows how it goes");
            return true;
        }

        Console.Error.WriteLine($"connecting to {invite.InviterName} at {string.Join(", ", invite.Addresses)} …");
        long start = TimeProvider.System.GetTimestamp();
        PeerDto? inviter = null;
        string? told = null;
        while (TimeProvider.System.GetElapsedTime(start) < Patience)
        {
            inviter = (await client.GetPeersAsync(cancel)).Peers.FirstOrDefault(peer => peer.Id == invite.Inviter.ToString());
            if (inviter is { State: PeerState.Connected } && inviter.Networks.Contains(invite.Network) && inviter.Addresses.Count > 0)
            {
                Console.Out.WriteLine($"joined {invite.Network}: ping {inviter.Addresses[0]}");
                return true;
            }

            if (inviter is { State: PeerState.RefusedByPeer or PeerState.RefusedByUs })
            {
                Terminal.Error($"not joined: {inviter.Reason}");
                return false;
            }

            if (inviter?.Reason is { } reason && reason != told)
            {
                Console.Error.WriteLine($"{invite.InviterName}: {reason}");
                told = reason;
            }

            await Task.Delay(Step, TimeProvider.System, cancel);
        }

        Terminal.Error($"not joined within {Patience.TotalSeconds} s: {inviter?.Reason ?? "the daemon has no such peer"}; the daemon keeps trying, 'vibepn peers' shows how it goes");
        return false;
    }
}
