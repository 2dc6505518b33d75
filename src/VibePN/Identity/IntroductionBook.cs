using System.Net;
using VibePN.Config;

namespace VibePN.Identity;

/// <summary>
/// Who vouches for whom, who was removed in spite of it, and who wants to be told by this node. Pure state: it decides what an introducer's word is
/// worth, and <see cref="Join"/> makes peers of it. Thread: the node's.
/// </summary>
public sealed class IntroductionBook
{
    /// <summary>Without the introducer's word for so long it ends: whoever is away for longer is asked again when it is back.</summary>
    public const long KeptSeconds = 30 * 86_400;

    /// <summary>A confirmation is written down so often; the end of <see cref="KeptSeconds"/> need not be more precise.</summary>
    private const long ConfirmSeconds = 86_400;

    private readonly Dictionary<(PeerId Introducer, PeerId Id), IntroducedPeer> _peers = [];

    /// <summary>Oldest first.</summary>
    private readonly List<KeptOutPeer> _keptOut;

    private readonly HashSet<PeerId> _askers;

    private readonly Func<PeerId, PeerId> _firstOf;

    /// <param name="memory">Of before.</param>
    /// <param name="firstOf">The first fingerprint of the node that has one, as far as its lineage is known: a config or an introducer may name another.</param>
    public IntroductionBook(IntroductionMemory memory, Func<PeerId, PeerId> firstOf)
    {
        _firstOf = firstOf;
        IsLost = memory.IsLost;
        foreach (IntroducedPeer peer in memory.Peers.Take(Limits.Introduced))
        {
            _peers[(peer.Introducer, peer.Id)] = peer;
        }

        _keptOut = [.. memory.KeptOut.TakeLast(Limits.KeptOut)];
        _askers = [.. memory.Askers];
    }

    /// <summary>What there is to remember, in an order that does not change by itself.</summary>
    public IntroductionMemory Memory => new([.. Peers], [.. _keptOut], [.. _askers.Order()]);

    /// <summary>Whoever was introduced first comes first.</summary>
    public IEnumerable<IntroducedPeer> Peers => _peers.Values.OrderBy(peer => peer.SinceUtcSeconds).ThenBy(peer => peer.Id).ThenBy(peer => peer.Introducer);

    public IReadOnlyList<KeptOutPeer> KeptOut => _keptOut;

    /// <inheritdoc cref="IntroductionMemory.IsLost"/>
    public bool IsLost { get; }

    public int Askers => _askers.Count;

    public bool IsAsker(PeerId id) => _askers.Contains(id);

    public bool IsKeptOut(PeerId id)
    {
        PeerId first = _firstOf(id);
        return _keptOut.Exists(peer => _firstOf(peer.Id) == first);
    }

    /// <summary>Whether anybody vouches for it.</summary>
    public bool Has(PeerId id) => _peers.Keys.Any(key => key.Id == id);

    /// <summary>An introducer's word on one member, or null.</summary>
    public IntroducedPeer? Find(PeerId introducer, PeerId id) => _peers.GetValueOrDefault((_firstOf(introducer), id));

    /// <summary>A peer wants to be told who else is there, or not any more.</summary>
    /// <returns>False: that is how it was.</returns>
    public bool SetAsker(PeerId peer, bool asks) => asks ? _askers.Add(peer) : _askers.Remove(peer);

    /// <summary>An introducer's word on one member.</summary>
    /// <param name="introducer">Its entry, with a fingerprint.</param>
    /// <param name="name">As it came.</param>
    /// <param name="isTaken">Whether somebody who was not introduced has a name here.</param>
    public IntroductionVerdict Take(
        PeerConfig introducer, PeerId self, PeerId id, string name, IReadOnlyList<string> networks, IReadOnlyList<IPEndPoint> endPoints, Func<string, bool> isTaken, long nowUtcSeconds)
    {
        PeerId by = _firstOf(introducer.Fingerprint!.Value);
        if (IsSame(id, self) || IsSame(id, by))
        {
            return IntroductionVerdict.Pointless;
        }

        List<string> shared = [.. networks.Distinct().Where(introducer.Networks.Contains)];
        if (shared.Count == 0)
        {
            return IntroductionVerdict.OtherNetwork;
        }

        IntroducedPeer? before = _peers.GetValueOrDefault((by, id));
        if ((before is null && _peers.Count >= Limits.Introduced) || shared.Exists(network => CountIn(network, by, except: id) >= Limits.IntroducedPerNetwork))
        {
            return IntroductionVerdict.TooMany;
        }

        IntroducedPeer after = (before ?? new IntroducedPeer(by, id, NameOf(id, name, isTaken), nowUtcSeconds, nowUtcSeconds)) with
        {
            Networks = shared,
            EndPoints = endPoints.Count > 0 ? [.. endPoints.Take(Limits.AddressesPerPeer)] : before?.EndPoints ?? [],
        };
        bool isNew = before is null || !before.Networks.SequenceEqual(after.Networks) || !before.EndPoints.SequenceEqual(after.EndPoints);
        if (isNew || IsConfirmationDue(after, nowUtcSeconds))
        {
            _peers[(by, id)] = after with { ConfirmedUtcSeconds = nowUtcSeconds };
        }

        return isNew ? IntroductionVerdict.Taken : IntroductionVerdict.Known;
    }

    /// <summary>The introducer does not vouch for it any more.</summary>
    /// <returns>False: it did not before.</returns>
    public bool Withdraw(PeerId introducer, PeerId id) => Remove(peer => peer.Id == id && IsSame(peer.Introducer, introducer)) > 0;

    /// <summary>All that the introducer vouches for: what it said before and not again is over.</summary>
    /// <returns>How many are over.</returns>
    public int Complete(PeerId introducer, IReadOnlySet<PeerId> said) => Remove(peer => IsSame(peer.Introducer, introducer) && !said.Contains(peer.Id));

    /// <summary>Forgets the word of whoever is no introducer any more, and who asked and is no peer any more.</summary>
    /// <param name="peers">Entries of the config file, and whom else the node knows, without introduced ones.</param>
    /// <returns>True: there was something to forget.</returns>
    public bool Prune(IEnumerable<PeerConfig> peers)
    {
        ILookup<PeerId, PeerConfig> known = peers.Where(peer => peer.Fingerprint is not null).ToLookup(peer => _firstOf(peer.Fingerprint!.Value));
        int askers = _askers.RemoveWhere(asker => !known.Contains(_firstOf(asker)));
        return askers + Remove(peer => !known[_firstOf(peer.Introducer)].Any(entry => entry.Introduces)) > 0;
    }

    /// <summary>
    /// The config file's word comes first: whom it pins is kept out no more, and whom it let go is kept out, though somebody vouches for it.
    /// </summary>
    /// <returns>Who is kept out from now on.</returns>
    public IReadOnlyList<KeptOutPeer> Reconcile(NodeConfig file, long nowUtcSeconds, out bool isChange)
    {
        HashSet<PeerId> pinned = [.. file.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>().Select(_firstOf)];
        isChange = _keptOut.RemoveAll(peer => pinned.Contains(_firstOf(peer.Id))) > 0;
        List<KeptOutPeer> news = [];
        foreach (IntroducedPeer peer in _peers.Values.Where(peer => peer.IsInFile != pinned.Contains(_firstOf(peer.Id))).ToList())
        {
            isChange = true;
            _peers[(peer.Introducer, peer.Id)] = peer with { IsInFile = !peer.IsInFile };
            if (peer.IsInFile && KeepOut(peer.Id, peer.Name, nowUtcSeconds) is { } kept)
            {
                news.Add(kept);
            }
        }

        return news;
    }

    /// <summary>Ends what was not confirmed for too long, and notes what still holds.</summary>
    /// <param name="isConnected">Whether an introducer is: then what it has said holds.</param>
    /// <param name="isChange">Something is to be written down.</param>
    /// <returns>How many are over.</returns>
    public int Review(Func<PeerId, bool> isConnected, long nowUtcSeconds, out bool isChange)
    {
        isChange = false;
        foreach (IntroducedPeer peer in _peers.Values.Where(peer => IsConfirmationDue(peer, nowUtcSeconds) && isConnected(peer.Introducer)).ToList())
        {
            _peers[(peer.Introducer, peer.Id)] = peer with { ConfirmedUtcSeconds = nowUtcSeconds };
            isChange = true;
        }

        int over = Remove(peer => peer.ConfirmedUtcSeconds + KeptSeconds < nowUtcSeconds);
        isChange |= over > 0;
        return over;
    }

    /// <returns>Null: it was kept out already.</returns>
    public KeptOutPeer? KeepOut(PeerId id, string name, long nowUtcSeconds)
    {
        if (IsKeptOut(id))
        {
            return null;
        }

        HashSet<string> names = [.. _keptOut.Select(peer => peer.Name)];
        KeptOutPeer kept = new(id, KnownPeers.FreeName(name, names.Contains), nowUtcSeconds);
        _keptOut.Add(kept);
        if (_keptOut.Count > Limits.KeptOut)
        {
            _keptOut.RemoveAt(0);
        }

        return kept;
    }

    /// <summary>Introductions count again for it.</summary>
    /// <returns>False: nothing kept it out.</returns>
    public bool LetIn(PeerId id) => _keptOut.RemoveAll(peer => IsSame(peer.Id, id)) > 0;

    /// <summary>
    /// The introduced ones behind all other peers: what these say wins, whoever is known otherwise is not introduced. Of several introducers each
    /// adds its networks and addresses. An introduced peer introduces nobody, and owns host addresses only.
    /// </summary>
    /// <param name="letGo">First fingerprints of further ones who stay out, for now.</param>
    public NodeConfig Join(NodeConfig known, PeerId self, IEnumerable<PeerId>? letGo = null)
    {
        HashSet<PeerId> keptOut = [.. _keptOut.Select(peer => _firstOf(peer.Id)), .. letGo ?? []];
        HashSet<PeerId> others = [.. known.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>().Append(self).Select(_firstOf)];
        HashSet<string> names = [.. known.Peers.Select(peer => peer.Name)];
        ILookup<PeerId, PeerConfig> introducers = known.Peers.Where(peer => peer is { Introduces: true, Fingerprint: not null }).ToLookup(peer => _firstOf(peer.Fingerprint!.Value));
        List<PeerConfig> joined = [.. known.Peers];
        foreach (IGrouping<PeerId, IntroducedPeer> words in Peers.Where(peer => !others.Contains(_firstOf(peer.Id)) && !keptOut.Contains(_firstOf(peer.Id))).GroupBy(peer => _firstOf(peer.Id)))
        {
            (PeerConfig Entry, IntroducedPeer Word)[] vouched =
            [
                .. words.Select(word => (Entry: introducers[_firstOf(word.Introducer)].FirstOrDefault(), Word: word))
                    .Where(pair => pair.Entry is not null)
                    .Select(pair => (pair.Entry!, pair.Word)),
            ];
            string[] networks = [.. vouched.SelectMany(pair => pair.Word.Networks.Where(pair.Entry.Networks.Contains)).Distinct().Order(StringComparer.Ordinal)];
            if (networks.Length == 0)
            {
                continue;
            }

            HostPort[] addresses =
            [
                .. InTurn(vouched).Distinct().Take(Limits.AddressesPerPeer).Select(at => new HostPort(at.Address.ToString(), (ushort)at.Port)),
            ];
            string name = KnownPeers.FreeName(vouched[0].Word.Name, names.Contains);
            _ = names.Add(name);
            joined.Add(new PeerConfig
            {
                Name = name,
                Fingerprint = words.Key,
                Address = addresses.Length > 0 ? addresses[0] : null,
                MoreAddresses = [.. addresses.Skip(1)],
                Networks = networks,
                Trust = PeerTrust.Introduction,
                IntroducedBy = [.. vouched.Select(pair => pair.Entry.Name)],
            });
        }

        return joined.Count == known.Peers.Count ? known : known with { Peers = joined };
    }

    /// <summary>
    /// As <see cref="Join"/>, of those alone who are peers already: what was said since waits for its turn, so that whom the node believes
    /// are the peers that it has.
    /// </summary>
    /// <param name="inForce">The config of before, by which there are peers.</param>
    public NodeConfig Keep(NodeConfig known, NodeConfig inForce)
    {
        HashSet<PeerId> others = [.. known.Peers.Select(peer => peer.Fingerprint).OfType<PeerId>().Select(_firstOf)];
        HashSet<string> names = [.. known.Peers.Select(peer => peer.Name)];
        List<PeerConfig> joined = [.. known.Peers];
        foreach (PeerConfig peer in inForce.Peers)
        {
            if (peer is { Trust: PeerTrust.Introduction, Fingerprint: { } id } && others.Add(_firstOf(id)))
            {
                joined.Add(peer with { Name = KnownPeers.FreeName(peer.Name, names.Contains) });
                _ = names.Add(joined[^1].Name);
            }
        }

        return known with { Peers = joined };
    }

    /// <summary>The best of each introducer, then the second of each: none takes the others' place.</summary>
    private static IEnumerable<IPEndPoint> InTurn((PeerConfig Entry, IntroducedPeer Word)[] vouched)
    {
        for (int i = 0; i < Limits.AddressesPerPeer; i++)
        {
            foreach ((_, IntroducedPeer word) in vouched)
            {
                if (i < word.EndPoints.Count)
                {
                    yield return word.EndPoints[i];
                }
            }
        }
    }

    /// <summary>Who is known already keeps its name, whoever vouches for it as well.</summary>
    private string NameOf(PeerId id, string name, Func<string, bool> isTaken)
    {
        HashSet<string> names = [];
        foreach (IntroducedPeer peer in _peers.Values)
        {
            if (peer.Id == id)
            {
                return peer.Name;
            }

            _ = names.Add(peer.Name);
        }

        return KnownPeers.FreeName(Names.Tame(name), one => isTaken(one) || names.Contains(one));
    }

    private bool IsSame(PeerId one, PeerId other) => one == other || _firstOf(one) == _firstOf(other);

    private static bool IsConfirmationDue(IntroducedPeer peer, long nowUtcSeconds) => nowUtcSeconds - peer.ConfirmedUtcSeconds is < 0 or >= ConfirmSeconds;

    private int CountIn(string network, PeerId introducer, PeerId except) =>
        _peers.Values.Count(peer => peer.Introducer == introducer && peer.Id != except && peer.Networks.Contains(network));

    private int Remove(Func<IntroducedPeer, bool> isOver)
    {
        List<IntroducedPeer> over = [.. _peers.Values.Where(isOver)];
        over.ForEach(peer => _peers.Remove((peer.Introducer, peer.Id)));
        return over.Count;
    }
}
