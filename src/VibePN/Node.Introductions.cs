// Introductions: whom this node lets others introduce to it (docs/protocol.md, Introductions). Node.Introducer.cs has the other role.
using VibePN.Config;
using VibePN.Control;
using VibePN.Identity;
using VibePN.Peers;
using VibePN.Quic;

namespace VibePN;

internal sealed partial class Node
{
    /// <summary>Between two times that what was learned is taken into use, or that others are told: many changes are one then.</summary>
    private const ulong IntroductionIntervalNanos = 100_000_000;

    private const ulong IntroductionReviewNanos = 3_600_000_000_000;

    private readonly IntroductionBook _introductions;

    /// <summary>When what was learned is taken into use; <see cref="ulong.MaxValue"/>: there is nothing new. As the one below.</summary>
    private ulong _takeIntroductionsNanos = ulong.MaxValue;

    private ulong _reviewIntroductionsNanos = ulong.MaxValue;

    private ulong _introductionsTakenNanos;

    /// <summary>Lets introductions count again for a peer that was removed.</summary>
    /// <returns>False: none of this name is kept out.</returns>
    public bool LetPeerIn(string name, Instant now)
    {
        _now = now;
        if (_introductions.KeptOut.FirstOrDefault(peer => peer.Name == name) is not { } kept)
        {
            return false;
        }

        _ = _introductions.LetIn(kept.Id);
        TrustChanged();
        ApplyKnown();
        return true;
    }

    /// <summary>
    /// Asks the peer for introductions, or asks no more, as its entry says; who knows already is not told again. With other networks it is asked
    /// anew: what it said of them before was not taken. While the own memory is damaged nothing is said: it stays introduced to the others.
    /// </summary>
    private void AskForIntroductions(PeerConnection link)
    {
        var (entry, state) = (link.Peer!.Config, link.Introductions);
        if (link.Legacy is not null || _introductions.IsLost || (entry.Introduces ? state.AskedFor?.SequenceEqual(entry.Networks) == true : state.AskedFor is null))
        {
            return;
        }

        state.AskedFor = entry.Introduces ? entry.Networks : null;
        state.Said.Clear();
        link.Send(new Members([], [], IsComplete: false, entry.Introduces));
    }

    private void OnMembers(PeerConnection link, Members message)
    {
        var peer = link.Peer!;
        if (message.Asks is { } asks)
        {
            link.Introductions.PeerSays = asks;
            HearAsker(link);
        }

        if (message is { Present.Count: 0, Gone.Count: 0, IsComplete: false })
        {
            return;
        }

        if (!peer.Config.Introduces || peer.Config.Fingerprint is not { } introducer)
        {
            CountRefused(peer, message.Present.Count, "its entry does not say 'introduces = true'");
            return;
        }

        if (_introductions.IsLost)
        {
            CountRefused(peer, message.Present.Count, "introductions.json is damaged, and it is not known who was kept out; see 'vibepn doctor'");
            return;
        }

        var isChange = false;
        foreach (var member in message.Present)
        {
            isChange |= Take(link, peer.Config, member);
        }

        foreach (var gone in message.Gone)
        {
            link.Introductions.Said.Remove(gone);
            var known = _introductions.Find(introducer, gone);
            if (_introductions.Withdraw(introducer, gone))
            {
                isChange = true;
                if (MayLog(peer))
                {
                    Log.IntroductionOver(_logger, peer.Name, known?.Name ?? gone.ToString());
                }
            }
        }

        if (message.IsComplete)
        {
            isChange |= _introductions.Complete(introducer, link.Introductions.Said) > 0;
        }

        if (isChange)
        {
            ScheduleTaking();
        }
    }

    /// <returns>True: it says something new.</returns>
    private bool Take(PeerConnection link, PeerConfig introducer, MemberOffer member)
    {
        var peer = link.Peer!;
        var isKnown = _introductions.Has(member.Id);
        var verdict = _introductions.Take(
            introducer,
            Self,
            member.Id,
            member.Name,
            member.Networks,
            DialableAddress.Filter(member.EndPoints, [.. _config.Networks.SelectMany(network => network.Prefixes)]),
            name => name == _config.Node.Name || (_peersByName.TryGetValue(name, out var other) && other.Config.Trust != PeerTrust.Introduction),
            _now.UtcSeconds);
        if (verdict is not (IntroductionVerdict.Taken or IntroductionVerdict.Known))
        {
            CountRefused(peer, 1, verdict switch
            {
                IntroductionVerdict.TooMany => $"it introduces more than {Limits.IntroducedPerNetwork} in a network, or all together more than {Limits.Introduced}; the rest is left out",
                IntroductionVerdict.OtherNetwork => "it is for networks that are not shared with it",
                _ => "it is about this node or about the introducer itself",
            });

            // What it said of this member before is not its word any more.
            link.Introductions.Said.Remove(member.Id);
            return _introductions.Withdraw(introducer.Fingerprint!.Value, member.Id);
        }

        _ = link.Introductions.Said.Add(member.Id);
        if (!isKnown && !_introductions.IsKeptOut(member.Id) && MayLog(peer))
        {
            var name = _introductions.Find(introducer.Fingerprint!.Value, member.Id)!.Name;
            Log.Introduced(_logger, name, peer.Name, string.Join(", ", member.Networks));
            if (name != Names.Tame(member.Name))
            {
                Log.IntroducedAs(_logger, peer.Name, Names.Tame(member.Name), name);
            }
        }

        return verdict == IntroductionVerdict.Taken;
    }

    private void CountRefused(Peer peer, int members, string reason)
    {
        peer.IntroductionsRefused += members;
        if (members > 0 && MayLog(peer))
        {
            Log.IntroductionRefused(_logger, peer.Name, reason);
        }
    }

    /// <summary>The config file, or what is remembered beside it, is another now: whose word still counts, and who stays out.</summary>
    /// <param name="gone">Whom the file has let go.</param>
    private void PruneIntroductions(List<(PeerId Id, string Name)> gone)
    {
        var known = KnownPeers.Join(_file, _remembered).Peers;
        var isChange = _introductions.Prune(known);
        if (known.Any(peer => peer.Introduces))
        {
            // Whom the file lets go is let go: not to come back because somebody vouches for it, now or later.
            foreach (var (id, name) in gone)
            {
                isChange |= KeepOut(id, name);
            }
        }

        var reconciled = _introductions.Reconcile(_file, _now.UtcSeconds, out var isReconciled);
        foreach (var kept in reconciled)
        {
            Log.KeptOut(_logger, kept.Name, kept.Name);
        }

        if (isChange || isReconciled)
        {
            TrustChanged();
        }

        _reviewIntroductionsNanos = _now.Nanos;
    }

    /// <summary>A peer that came beside the file is being removed: where others may introduce it, it stays out.</summary>
    private void KeepOut(Peer peer)
    {
        if (peer.Config.Trust == PeerTrust.Introduction || _config.Peers.Any(entry => entry.Introduces))
        {
            _ = KeepOut(peer.Id, peer.Name);
        }
    }

    private bool KeepOut(PeerId id, string name)
    {
        if (_introductions.KeepOut(id, name, _now.UtcSeconds) is not { } kept)
        {
            return false;
        }

        Log.KeptOut(_logger, name, kept.Name);
        return true;
    }

    private void ScheduleTaking()
    {
        _takeIntroductionsNanos = Math.Min(_takeIntroductionsNanos, Math.Max(_now.Nanos, _introductionsTakenNanos + IntroductionIntervalNanos));
        ScheduleControl(_takeIntroductionsNanos);
    }

    /// <summary>To be called while no list of peers is being walked through: they come and go by it.</summary>
    private void RunIntroductionTimers()
    {
        if (_reviewIntroductionsNanos <= _now.Nanos)
        {
            _reviewIntroductionsNanos = _now.Nanos + IntroductionReviewNanos;
            var over = _introductions.Review(id => PeerOf(id) is { IsUp: true }, _now.UtcSeconds, out var isChange);
            if (over > 0)
            {
                Log.IntroductionsExpired(_logger, over);
                ScheduleTaking();
            }
            else if (isChange)
            {
                TrustChanged();
            }
        }

        if (_takeIntroductionsNanos <= _now.Nanos)
        {
            _takeIntroductionsNanos = ulong.MaxValue;
            _introductionsTakenNanos = _now.Nanos;
            _ = _introductions.Reconcile(_settled, _now.UtcSeconds, out _);
            TrustChanged();
            ApplyKnown();
        }

        if (_tellMembersNanos <= _now.Nanos)
        {
            TellMembers();
        }

        ScheduleControl(Math.Min(_reviewIntroductionsNanos, Math.Min(_takeIntroductionsNanos, _tellMembersNanos)));
    }

    /// <summary>What is remembered beside the file has changed: peers come, go and change by it, and are told what concerns them.</summary>
    private void ApplyKnown()
    {
        JoinKnown(takesIntroductions: true);
        var (changed, _, _) = ApplyPeers(_config);
        foreach (var link in changed.SelectMany(peer => peer.Connections).Where(link => link.IsUp).ToList())
        {
            SendNetworks(link);
            if (link.Legacy is { } legacy)
            {
                JoinLegacy(link, legacy);
            }
            else if (link.Session.PeerNetworks is { } list)
            {
                foreach (var network in _live)
                {
                    Join(link, network, list);
                    RejudgeAnnounced(link.Peer!, network);
                }
            }
        }

        TakeRoutesIntoUse();
        TellOf(changed);
    }
}
