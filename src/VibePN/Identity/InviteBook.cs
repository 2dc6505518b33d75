namespace VibePN.Identity;

/// <summary>
/// The invites that this node has made: open ones, and for a while those that are over, so that whoever comes with one learns why. Thread: the
/// node's. Every change is a change of <see cref="All"/>, which is to be on disk before anybody is told.
/// </summary>
public sealed class InviteBook
{
    /// <summary>How long one that is over is remembered.</summary>
    private const long KeptSeconds = 30 * 86_400;

    private readonly Dictionary<InviteId, IssuedInvite> _invites = [];

    public InviteBook(IEnumerable<IssuedInvite> known)
    {
        foreach (IssuedInvite invite in known)
        {
            _invites[invite.Id] = invite;
        }
    }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<IssuedInvite> All => [.. _invites.Values.OrderBy(invite => invite.CreatedUtcSeconds).ThenBy(invite => invite.Id.Value)];

    public int CountOpen(long nowUtcSeconds) => _invites.Values.Count(invite => invite.StateAt(nowUtcSeconds) == InviteState.Open);

    public IssuedInvite? Find(InviteId id) => _invites.GetValueOrDefault(id);

    /// <returns>False: as many are open as may be.</returns>
    public bool TryAdd(IssuedInvite invite, long nowUtcSeconds)
    {
        Prune(nowUtcSeconds);
        return CountOpen(nowUtcSeconds) < Limits.OpenInvites && _invites.TryAdd(invite.Id, invite);
    }

    /// <summary>Nobody gets in by it any more. Who got in already stays.</summary>
    /// <returns>Null: there is none of this id.</returns>
    public IssuedInvite? Revoke(InviteId id, long nowUtcSeconds) =>
        !_invites.TryGetValue(id, out IssuedInvite? invite) ? null
        : invite.RevokedUtcSeconds is not null ? invite
        : _invites[id] = invite with { RevokedUtcSeconds = nowUtcSeconds, Key = default };

    /// <summary>Takes back what was made and never handed out.</summary>
    public void Forget(InviteId id) => _ = _invites.Remove(id);

    /// <summary>Puts an invite back as it was.</summary>
    public void Restore(IssuedInvite before) => _invites[before.Id] = before;

    /// <summary>It was used: it is over for everybody else.</summary>
    public void Use(InviteId id, PeerId joiner, string name, long nowUtcSeconds)
    {
        Prune(nowUtcSeconds);
        _invites[id] = _invites[id] with { UsedBy = joiner, UsedName = name, UsedUtcSeconds = nowUtcSeconds, Key = default };
    }

    /// <summary>
    /// What a proof is worth at this moment. Of one that is over its id alone is known, and enough: nobody else was ever told it. Who used it
    /// himself may come again: what he got may have been lost with a disk or a process.
    /// </summary>
    /// <param name="joiner">Who presents it; TLS proves that it is him.</param>
    /// <param name="hasNetwork">Whether this node is in a network.</param>
    public AdmissionReason Judge(in InviteProof proof, PeerId joiner, PeerId self, Func<string, bool> hasNetwork, long nowUtcSeconds)
    {
        if (!_invites.TryGetValue(proof.Id, out IssuedInvite? invite))
        {
            return AdmissionReason.InviteUnknown;
        }

        switch (invite.StateAt(nowUtcSeconds))
        {
            case InviteState.Revoked:
                return AdmissionReason.InviteRevoked;
            case InviteState.Used when invite.UsedBy != joiner:
                return AdmissionReason.InviteUsed;
            case InviteState.Used:
                break;
            case InviteState.Expired when invite.Key.IsEmpty:
                return AdmissionReason.InviteExpired;
            case var _ when !proof.Holds(invite.Key.Span, joiner, self):
                return AdmissionReason.InviteForged;
            case InviteState.Expired:
                return AdmissionReason.InviteExpired;
        }

        return hasNetwork(invite.Network) ? AdmissionReason.AcceptedInvite : AdmissionReason.InviteNetworkGone;
    }

    /// <summary>Keys of what has expired, and what has been over for long, are not kept.</summary>
    private void Prune(long nowUtcSeconds)
    {
        List<IssuedInvite> over = [.. _invites.Values.Where(invite => invite.StateAt(nowUtcSeconds) != InviteState.Open).OrderByDescending(invite => invite.EndUtcSeconds)];
        foreach ((int index, IssuedInvite invite) in over.Index())
        {
            if (index >= Limits.ClosedInvites || invite.EndUtcSeconds < nowUtcSeconds - KeptSeconds)
            {
                _ = _invites.Remove(invite.Id);
            }
            else if (!invite.Key.IsEmpty)
            {
                _invites[invite.Id] = invite with { Key = default };
            }
        }
    }
}
