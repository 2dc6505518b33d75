// The own key while the node runs.
using VibePN.Identity;
using VibePN.Quic;

namespace VibePN;

public sealed partial class NodeHost
{
    /// <summary>Of keys of before: connections may use them until the end.</summary>
    private readonly List<QuicCredentials> _formerCredentials = [];

    /// <summary>In use; its id stays.</summary>
    public NodeIdentity Identity => Volatile.Read(ref _identity);

    /// <summary>
    /// Takes a successor of the running key into use; peers are moved over while everything goes on. The secrets of stateless resets and tokens
    /// stay those of the key that the process started with: what they were made for is still out there.
    /// </summary>
    /// <returns>False: it is the key in use.</returns>
    /// <exception cref="IdentityException">It is no successor of the key in use, or does not fit its certificate.</exception>
    public async Task<bool> ChangeKeyAsync(NodeIdentity identity)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_disposed || identity.Lineage.Members.SequenceEqual(_identity.Lineage.Members))
            {
                return false;
            }

            if (!identity.Lineage.Extends(_identity.Lineage))
            {
                throw new IdentityException($"the certificate {identity.Lineage.Current} does not follow {_identity.Lineage.Current}, which is in use: restart the daemon, or make a successor with 'vibepn rotate-key'");
            }

            var credentials = LoadCredentials(Config, identity);
            _formerCredentials.Add(_credentials);
            _formerCredentials.AddRange(_joinCredentials.Values);
            _joinCredentials.Clear();
            (_credentials, _identity) = (credentials, identity);
            var joins = LoadJoins();
            await _loop.InvokeAsync(node =>
            {
                node.ChangeKey(identity.Lineage, credentials, NodeLoop.Now());
                node.SetJoins(joins, NodeLoop.Now());
                return 0;
            }).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _turn.Release();
        }
    }
}
