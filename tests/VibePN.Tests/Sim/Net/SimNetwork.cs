using System.Net;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>
/// Real nodes in virtual time, joined by links with faults. A fault is a hash of the seed, the link and the packet's number on it, so that
/// a seed gives the same faults whatever TLS makes of its randomness. Events wait in a heap: a turn costs the same with 8 machines and with 200.
/// Rules that must always hold are checked at every delivery and turn (<see cref="SimLedger"/>, timers), and of one machine after another
/// every <see cref="CheckEvery"/> turns, or as many as there are machines (routes, connections, queues); a broken one ends the run with <see cref="SimViolationException"/>.
/// </summary>
internal sealed class SimNetwork : IDisposable
{
    public const int CheckEvery = 8;

    public static readonly DateTimeOffset EpochUtc = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<InFlight, (ulong At, long Order)> _inFlight = new();
    private readonly PriorityQueue<Station, (ulong At, long Order)> _deadlines = new();
    private readonly List<Station> _stations = [];
    private readonly Dictionary<(Station From, Station To), Line> _lines = [];
    private readonly Dictionary<IPEndPoint, Station> _byAddress = [];
    private string? _violation;
    private ulong _nanos = 1_000_000_000;
    private long _order;
    private int _turns;
    private int _checked;

    public SimNetwork(int seed)
    {
        Seed = seed;
        Ledger = new SimLedger(this);
    }

    public int Seed { get; }

    /// <summary>Which set of identities its hosts have, so that other seeds have other nodes as the smaller of a pair.</summary>
    public int Cast { get; init; }

    public SimLedger Ledger { get; }

    public Instant Now => new(_nanos, EpochUtc.ToUnixTimeSeconds() + (long)(_nanos / 1_000_000_000));

    /// <summary>The way between any two hosts that have none of their own.</summary>
    public SimLink DefaultLink { get; set; } = new();

    public long PacketsCarried { get; private set; }

    /// <summary>Turns of all machines: packets taken and deadlines met.</summary>
    public long Turns { get; private set; }

    public IEnumerable<SimHost> Hosts => _stations.Select(station => station.Machine).OfType<SimHost>();

    /// <summary>One direction.</summary>
    public void SetLink(ISimMachine from, ISimMachine to, SimLink link) => LineOf(StationOf(from), StationOf(to)).Link = link;

    /// <summary>Both directions.</summary>
    public void SetLinks(ISimMachine one, ISimMachine other, SimLink link)
    {
        SetLink(one, other, link);
        SetLink(other, one, link);
    }

    /// <summary>Puts a machine behind a NAT; those it dials see the mapping.</summary>
    public SimNat AddNat(ISimMachine machine, int number)
    {
        var station = StationOf(machine);
        station.Nat = new SimNat(new IPAddress([198, 51, 100, (byte)number]));
        return station.Nat;
    }

    /// <summary>Nothing passes between two machines, in one direction or both, until it is called again.</summary>
    public void Silence(ISimMachine one, ISimMachine other, bool isSilent, bool thither = true, bool back = true)
    {
        if (thither)
        {
            SetLink(one, other, (LineOf(StationOf(one), StationOf(other)).Link ?? DefaultLink) with { IsUp = !isSilent });
        }

        if (back)
        {
            SetLink(other, one, (LineOf(StationOf(other), StationOf(one)).Link ?? DefaultLink) with { IsUp = !isSilent });
        }
    }

    /// <summary>Who a host is, by its name and <see cref="Cast"/>.</summary>
    public TestIdentity Identity(string name) => TestIdentity.Get(Cast == 0 ? name : $"{name} {Cast}");

    /// <summary>Adds a host with one network `corp` in 10.42.0.0/24 and fd42::/64; its number is its address in all of them.</summary>
    /// <param name="peers">Names of those it knows; each has the number that its own call gives.</param>
    public SimHost AddHost(string name, int number, params SimPeer[] peers) => AddHost(name, number, Identity(name), peers);

    public SimHost AddHost(string name, int number, TestIdentity identity, params SimPeer[] peers) =>
        AddHost(name, number, identity, config => config, peers);

    /// <param name="change">Changes the config that the others have.</param>
    public SimHost AddHost(string name, int number, TestIdentity identity, Func<NodeConfig, NodeConfig> change, params SimPeer[] peers)
    {
        var config = new NodeConfig
        {
            Path = "/sim/" + name,
            Identity = new IdentityConfig { CertPath = "/sim/crt", KeyPath = "/sim/key" },
            Node = new NodeSettings { Name = name },
            Networks = [Network("corp", number, "10.42.0", "fd42::")],
            Peers =
            [
                .. peers.Select(peer => new PeerConfig
                {
                    Name = peer.Name,
                    Address = peer.Number is { } at ? new HostPort(Outer(at).Address.ToString(), 51820) : null,
                    Fingerprint = peer.Pin ?? Identity(peer.Name).Node.Id,
                    Networks = ["corp"],
                }),
            ],
        };
        var host = new SimHost(this, name, Outer(number), identity, change(config));
        Add(host);
        return host;
    }

    public void Add(ISimMachine machine)
    {
        var station = new Station(machine, _stations.Count);
        _stations.Add(station);
        Schedule(station);
    }

    /// <summary>A network in which a host has its number as address.</summary>
    public static NetworkConfig Network(string name, int number, string v4, string v6) => new()
    {
        Name = name,
        Prefixes = [IPNetwork.Parse(v4 + ".0/24"), IPNetwork.Parse(v6 + "/64")],
        Addresses = [IPAddress.Parse($"{v4}.{number}"), IPAddress.Parse($"{v6}{number:x}")],
        Export = true,
        Interface = "vpn-" + name,
    };

    public static IPEndPoint Outer(int number) => new(new IPAddress([192, 0, 2, (byte)number]), 51820);

    /// <summary>Sends a datagram on its way.</summary>
    /// <param name="source">Of the sender's sockets; null: the one it has.</param>
    public void Carry(ISimMachine from, IPEndPoint to, byte ecn, ReadOnlySpan<byte> bytes, IPEndPoint? source = null)
    {
        var sender = StationOf(from);
        sender.Nat?.Out(to);
        if (Find(to) is not { } receiver)
        {
            return;
        }

        PacketsCarried++;
        var line = LineOf(sender, receiver);
        var link = line.Link ?? DefaultLink;
        var faults = new SimDice(Seed, line.Hash, ++line.Carried);
        var isLost = faults.Next() < link.Loss;
        var copies = faults.Next() < link.Duplication ? 2 : 1;
        if (!link.IsUp || bytes.Length > link.MaxUdpBytes || isLost)
        {
            return;
        }

        for (var i = 0; i < copies; i++)
        {
            var delay = link.Delay + (faults.Next() * link.Jitter) + (faults.Next() < link.Reordering ? link.ReorderDelay : TimeSpan.Zero);
            if (line.Leave(_nanos, bytes.Length, link) is { } leaves)
            {
                var packet = new InFlight(receiver, sender.Nat?.Mapping ?? source ?? from.EndPoint, to, ecn, bytes.ToArray());
                _inFlight.Enqueue(packet, (leaves + (ulong)delay.TotalNanoseconds, _order++));
            }
        }
    }

    /// <summary>Lets virtual time pass.</summary>
    public void Run(TimeSpan time) => RunUntil(() => false, time);

    /// <summary>Lets virtual time pass until something holds.</summary>
    /// <returns>The time it took, or null when it never held.</returns>
    public TimeSpan? RunUntil(Func<bool> holds, TimeSpan atMost)
    {
        var start = _nanos;
        var end = _nanos + (ulong)atMost.TotalNanoseconds;
        foreach (var station in _stations.ToArray())
        {
            station.Machine.Flush();
            Schedule(station);
        }

        Throw();
        while (!holds())
        {
            var next = Math.Min(NextDeadline(), _inFlight.TryPeek(out _, out var first) ? first.At : ulong.MaxValue);
            if (next > end)
            {
                _nanos = end;
                CheckNext();
                return null;
            }

            _nanos = Math.Max(_nanos, next);
            Step();
        }

        CheckNext();
        return TimeSpan.FromMicroseconds((_nanos - start) / 1000.0);
    }

    /// <summary>As <see cref="RunUntil"/>, for conditions that cost something: looked at every 10 ms only.</summary>
    public TimeSpan? Await(Func<bool> holds, TimeSpan atMost)
    {
        var start = _nanos;
        while (!holds())
        {
            if (_nanos - start >= (ulong)atMost.TotalNanoseconds)
            {
                return null;
            }

            Run(TimeSpan.FromMilliseconds(10));
        }

        return TimeSpan.FromMicroseconds((_nanos - start) / 1000.0);
    }

    /// <summary>Notes a broken rule; the run ends after this turn. Never throws: callers may stand below native frames.</summary>
    public void Violate(string what) => _violation ??= $"{(_nanos - 1_000_000_000) / 1e9:F3} s: {what}";

    public void Dispose() => _stations.ForEach(station => station.Machine.Dispose());

    private void Step()
    {
        if (_inFlight.TryPeek(out var packet, out var due) && due.At <= _nanos)
        {
            _inFlight.Dequeue();
            Deliver(packet);
        }
        else if (_deadlines.TryDequeue(out var station, out var at) && at.At == station.ScheduledAt)
        {
            station.ScheduledAt = ulong.MaxValue;
            if (station.Machine.IsRunning && station.Machine.NextDeadline <= _nanos)
            {
                station.Machine.OnDeadline();
                CountTurn(station, isPacket: false);
            }

            Schedule(station);
        }

        if (++_turns >= Math.Max(CheckEvery, _stations.Count))
        {
            _turns = 0;
            CheckNext();
        }

        Throw();
    }

    private void Deliver(InFlight packet)
    {
        var machine = packet.To.Machine;
        if (!machine.IsRunning)
        {
            return;
        }

        if (packet.To.Nat is { } nat ? !nat.Mapping.Equals(packet.At) || !nat.LetsIn(packet.From) : !machine.IsAt(packet.At))
        {
            return;
        }

        var path = new QuicPath(
            new QuicAddress(SockAddr.FromIPEndPoint(packet.To.Nat is null ? packet.At : machine.EndPoint).Bytes),
            new QuicAddress(SockAddr.FromIPEndPoint(packet.From).Bytes));
        machine.Receive(path, packet.Ecn, packet.Bytes);
        CountTurn(packet.To, isPacket: true);
        Schedule(packet.To);
    }

    /// <summary>A machine that is called again and again without a packet or the time to show for it is in a busy loop.</summary>
    private void CountTurn(Station station, bool isPacket)
    {
        Turns++;
        var second = _nanos / 1_000_000_000;
        if (station.Second != second)
        {
            (station.Second, station.Idle, station.Packets) = (second, 0, 0);
        }

        station.Packets += isPacket ? 1 : 0;
        station.Idle += isPacket ? 0 : 1;
        if (station.Idle > 2_000 + (20 * station.Packets))
        {
            Violate($"{station.Machine.Name} met {station.Idle} deadlines in one second with {station.Packets} packets: a busy loop");
        }
    }

    private void Schedule(Station station)
    {
        var at = station.Machine.IsRunning ? Math.Max(station.Machine.NextDeadline, _nanos) : ulong.MaxValue;
        if (at != ulong.MaxValue && at != station.ScheduledAt)
        {
            station.ScheduledAt = at;
            _deadlines.Enqueue(station, (at, _order++));
        }
    }

    private ulong NextDeadline()
    {
        while (_deadlines.TryPeek(out var station, out var at))
        {
            if (at.At == station.ScheduledAt)
            {
                return at.At;
            }

            _deadlines.Dequeue();
        }

        return ulong.MaxValue;
    }

    /// <summary>Whether each machine keeps the rules.</summary>
    public void CheckAll()
    {
        for (var i = 0; i < _stations.Count; i++)
        {
            CheckNext();
        }
    }

    private void CheckNext()
    {
        _checked = (_checked + 1) % _stations.Count;
        if (_stations[_checked].Machine.IsRunning)
        {
            _stations[_checked].Machine.Check();
        }

        Throw();
    }

    private void Throw()
    {
        if (_violation is { } what)
        {
            throw new SimViolationException($"seed {Seed}: {what}");
        }
    }

    private Station StationOf(ISimMachine machine) => _stations.Find(station => station.Machine == machine)!;

    /// <summary>Who is at an address now; machines move, so what was found is looked at again.</summary>
    private Station? Find(IPEndPoint at)
    {
        if (_byAddress.TryGetValue(at, out var known) && IsAt(known, at))
        {
            return known;
        }

        if (_stations.Find(candidate => IsAt(candidate, at)) is { } found)
        {
            return _byAddress[at] = found;
        }

        return null;
    }

    private static bool IsAt(Station station, IPEndPoint at) => station.Nat is { } nat ? nat.Mapping.Equals(at) : station.Machine.IsAt(at);

    private Line LineOf(Station from, Station to) =>
        _lines.TryGetValue((from, to), out var line) ? line : _lines[(from, to)] = new Line(SimDice.Hash($"{from.Machine.Name}>{to.Machine.Name}"));

    private sealed class Station(ISimMachine machine, int index)
    {
        public ISimMachine Machine { get; } = machine;

        public int Index { get; } = index;

        public SimNat? Nat { get; set; }

        public ulong ScheduledAt { get; set; } = ulong.MaxValue;

        public ulong Second { get; set; }

        public int Idle { get; set; }

        public int Packets { get; set; }
    }

    private sealed class Line(ulong hash)
    {
        private ulong _freeAt;

        public ulong Hash { get; } = hash;

        public SimLink? Link { get; set; }

        public long Carried { get; set; }

        /// <summary>When a packet has passed the rate; null: the queue is full.</summary>
        public ulong? Leave(ulong now, int bytes, SimLink link)
        {
            if (link.BytesPerSecond == 0)
            {
                return now;
            }

            _freeAt = Math.Max(_freeAt, now);
            var waiting = (long)((_freeAt - now) * (double)link.BytesPerSecond / 1e9);
            if (waiting > link.QueueBytes)
            {
                return null;
            }

            return _freeAt += (ulong)(((bytes + 127) & ~127) * 1e9 / link.BytesPerSecond);
        }
    }

    private sealed record InFlight(Station To, IPEndPoint From, IPEndPoint At, byte Ecn, byte[] Bytes);
}

/// <param name="Name">Names the test identity that is pinned, unless <paramref name="Pin"/> says otherwise.</param>
/// <param name="Number">Of its outer address; null: it has to dial.</param>
internal sealed record SimPeer(string Name, int? Number = null, PeerId? Pin = null);

/// <summary>A rule that must hold at any time was broken.</summary>
internal sealed class SimViolationException(string message) : Exception(message);
