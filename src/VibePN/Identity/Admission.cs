using VibePN.Config;

namespace VibePN.Identity;

/// <summary>The one decision on who may talk to us, the same for both roles: pure, from what was presented and the time.</summary>
public static class Admission
{
    /// <summary>For a chain whose first certificate could not be read, or that is empty.</summary>
    public static AdmissionResult Malformed(TrustList trust, string? dialedPeer) =>
        new(AdmissionReason.Malformed, null, dialedPeer is null ? null : trust.Find(dialedPeer));

    public static AdmissionResult Decide(TrustList trust, in AdmissionRequest request)
    {
        bool isMixed = false;
        PeerConfig? pinned = request.Lineage is { } shown ? trust.Owner(shown, out isMixed) : trust.Find(request.Presented);
        PeerConfig? dialed = request.DialedPeer is null ? null : trust.Find(request.DialedPeer);
        AdmissionReason reason = isMixed ? AdmissionReason.Mixed : Judge(trust, request, pinned, dialed);
        PeerConfig? peer = dialed ?? pinned;
        return reason is AdmissionReason.Accepted or AdmissionReason.AcceptedFirstUse
            ? new AdmissionResult(reason, peer, peer)
            : new AdmissionResult(reason, null, peer)
            {
                Presented = reason == AdmissionReason.WrongPin && pinned is null ? request.Presented : null,
            };
    }

    private static AdmissionReason Judge(TrustList trust, in AdmissionRequest request, PeerConfig? pinned, PeerConfig? dialed)
    {
        if (request.Lineage is not { } lineage)
        {
            return AdmissionReason.SuccessionForged;
        }

        if (lineage.Has(trust.Self))
        {
            return AdmissionReason.Itself;
        }

        bool firstUse = false;
        if (request.DialedPeer is null)
        {
            if (pinned is null)
            {
                return request.Invite is { } proof ? JudgeInvited(trust, request, proof) : AdmissionReason.Stranger;
            }

            // An invite outweighs an introduction; one that is no good takes nothing from it.
            if (pinned.Trust == PeerTrust.Introduction && request.Invite is { } shown && JudgeInvited(trust, request, shown) == AdmissionReason.AcceptedInvite)
            {
                return AdmissionReason.AcceptedInvite;
            }
        }
        else if (dialed is null)
        {
            // The entry went away while its dial was under way.
            return AdmissionReason.NoPin;
        }
        else if (dialed.Fingerprint is not null)
        {
            if (pinned != dialed)
            {
                return AdmissionReason.WrongPin;
            }
        }
        else if (trust.Mode != TrustMode.FirstUse)
        {
            return AdmissionReason.NoPin;
        }
        else if (pinned is { Trust: not PeerTrust.Introduction })
        {
            // Another entry's peer answers: trusting it here as well would give one node two names. An introduced one gets this name.
            return AdmissionReason.WrongPin;
        }
        else
        {
            firstUse = true;
        }

        AdmissionReason keys = JudgeKeys(trust, request, pinned?.Fingerprint ?? lineage.First);
        if (keys != AdmissionReason.Accepted)
        {
            return keys;
        }

        // Validity comes last: a stranger is not told more than that it is one.
        if (request.NowUtcSeconds < request.NotBeforeUtcSeconds)
        {
            return AdmissionReason.NotYetValid;
        }

        if (request.NowUtcSeconds > request.NotAfterUtcSeconds)
        {
            return AdmissionReason.Expired;
        }

        return firstUse ? AdmissionReason.AcceptedFirstUse : AdmissionReason.Accepted;
    }

    /// <summary>Whether the key presented is in force, by what the chain proves and by what is known of the node.</summary>
    /// <param name="id">A fingerprint of the node's.</param>
    private static AdmissionReason JudgeKeys(TrustList trust, in AdmissionRequest request, PeerId id) =>
        request.Proof is { IsProven: false } ? AdmissionReason.SuccessionForged
        : trust.LineageOf(id) is not { } known ? AdmissionReason.Accepted
        : !known.Agrees(request.Lineage!) ? AdmissionReason.Forked
        : known.IsOver(request.Presented, request.NowUtcSeconds) ? AdmissionReason.Superseded
        : AdmissionReason.Accepted;

    /// <summary>An unknown one that shows an invite's proof. Who has no good one is not told about its certificate.</summary>
    private static AdmissionReason JudgeInvited(TrustList trust, in AdmissionRequest request, in InviteProof proof)
    {
        AdmissionReason reason = trust.Invites.Judge(proof, request.Lineage!.First, trust.Self, trust.HasNetwork, request.NowUtcSeconds);
        AdmissionReason keys = reason == AdmissionReason.AcceptedInvite ? JudgeKeys(trust, request, request.Lineage.First) : AdmissionReason.Accepted;
        if (keys != AdmissionReason.Accepted)
        {
            return keys;
        }

        return reason == AdmissionReason.AcceptedInvite && (request.NowUtcSeconds < request.NotBeforeUtcSeconds || request.NowUtcSeconds > request.NotAfterUtcSeconds)
            ? AdmissionReason.InvitedNotValid
            : reason;
    }
}
