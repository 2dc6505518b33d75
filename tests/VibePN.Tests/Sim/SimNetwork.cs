using System.Net;
using VibePN.Config;
using VibePN.Linux;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>
/// Real nodes in virtual time, joined by links with faults. A fault is a hash of the seed, the link and the packet's number on it, so that
/// a seed gives the same faults whatever TLS makes of its randomness.
/// </summary>
internal sealed class SimNetwork(int seed) : IDisposable
{
    public static readonly DateTimeOffset EpochUtc = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<(SimHost To, IPEndPoint From, IPEndPoint At, byte Ecn, byte[] Bytes), (ulong At, long Order)> _inFlight = new();
    private readonly List<SimHost> _hosts = [];
    private readonly Dictionary<(string From, string To), SimLink> _links = [];
    private readonly Dictionary<(string From, string To), int> _carried = [];
    private ulong _nanos = 1_000_000_000;
    private long _order;

    public int Seed { get; } = seed;

    public Instant Now => new(_nanos, EpochUtc.ToUnixTimeSeconds() + (long)(_nanos / 1_000_000_000));

    /// <summary>The way between any two hosts that have none of their own.</summary>
    public SimLink DefaultLink { get; set; } = new();

    public long PacketsCarried => _carried.Values.Sum(count => (long)count);

    public void SetLink(SimHost from, SimHost to, SimLink link) => _links[(from.Name, to.Name)] = link;

    /// <summary>Adds a host with one network `corp` in 10.42.0.0/24 and fd42::/64; its number is its address in all of them.</summary>
    /// <param name="peers">Names of those it knows; each has the number that its own call gives.</param>
    public SimHost AddHost(string name, int number, params SimPeer[] peers) => AddHost(name, number, TestIdentity.Get(name), peers);

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
            Networks =
            [
                new NetworkConfig
                {
                    Name = "corp",
                    Prefixes = [IPNetwork.Parse("10.42.0.0/24"), IPNetwork.Parse("fd42::/64")],
                    Addresses = [IPAddress.Parse($"10.42.0.{number}"), IPAddress.Parse($"fd42::{number}")],
                    Export = true,
                    Interface = "vpn-corp",
                },
            ],
            Peers =
            [
                .. peers.Select(peer => new PeerConfig
                {
                    Name = peer.Name,
                    Address = peer.Number is { } at ? new HostPort(Outer(at).Address.ToString(), 51820) : null,
                    Fingerprint = peer.Pin ?? TestIdentity.Get(peer.Name).Node.Id,
                    Networks = ["corp"],
                }),
            ],
        };
        var host = new SimHost(this, name, Outer(number), identity, change(config));
        _hosts.Add(host);
        return host;
    }

    /// <summary>Sends a datagram on its way.</summary>
    public void Carry(SimHost from, IPEndPoint to, byte ecn, ReadOnlySpan<byte> bytes)
    {
        var host = _hosts.Find(candidate => candidate.EndPoint.Equals(to));
        if (host is null)
        {
            return;
        }

        var link = _links.GetValueOrDefault((from.Name, host.Name)) ?? DefaultLink;
        var number = _carried[(from.Name, host.Name)] = _carried.GetValueOrDefault((from.Name, host.Name)) + 1;
        var faults = new Random(Mix(from.Name, host.Name, number));
        if (!link.IsUp || bytes.Length > link.MaxUdpBytes || faults.NextDouble() < link.Loss)
        {
            return;
        }

        var copies = faults.NextDouble() < link.Duplication ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            var at = _nanos + (ulong)((link.Delay + (faults.NextDouble() * link.Jitter)).TotalNanoseconds);
            _inFlight.Enqueue((host, from.EndPoint, to, ecn, bytes.ToArray()), (at, _order++));
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
        FlushAll();
        while (!holds())
        {
            var next = _hosts.Where(host => host.Node is not null).Select(host => host.Node!.NextDeadline).Append(ulong.MaxValue).Min();
            if (_inFlight.TryPeek(out _, out var first))
            {
                next = Math.Min(next, first.At);
            }

            if (next > end)
            {
                _nanos = end;
                return null;
            }

            _nanos = Math.Max(_nanos, next);
            Step();
        }

        return TimeSpan.FromMicroseconds((_nanos - start) / 1000.0);
    }

    public void Dispose() => _hosts.ForEach(host => host.Dispose());

    private void Step()
    {
        while (_inFlight.TryPeek(out var packet, out var due) && due.At <= _nanos)
        {
            _inFlight.Dequeue();
            if (packet.To.Node is { } node && packet.To.EndPoint.Equals(packet.At))
            {
                var path = new QuicPath(
                    new QuicAddress(SockAddr.FromIPEndPoint(packet.At).Bytes),
                    new QuicAddress(SockAddr.FromIPEndPoint(packet.From).Bytes));
                node.OnUdp(path, packet.Ecn, packet.Bytes, Now);
                node.Flush(Now);
            }
        }

        foreach (var host in _hosts)
        {
            if (host.Node is { } node && node.NextDeadline <= _nanos)
            {
                node.OnDeadline(Now);
                node.Flush(Now);
            }
        }
    }

    private void FlushAll()
    {
        foreach (var host in _hosts)
        {
            host.Node?.Flush(Now);
        }
    }

    private static IPEndPoint Outer(int number) => new(new IPAddress([192, 0, 2, (byte)number]), 51820);

    private int Mix(string from, string to, int number)
    {
        // FNV-1a: HashCode differs from process to process.
        var hash = 2166136261u ^ (uint)Seed;
        foreach (var value in $"{from}>{to}#{number}")
        {
            hash = (hash ^ value) * 16777619;
        }

        return (int)hash;
    }
}

/// <param name="Name">Names the test identity that is pinned, unless <paramref name="Pin"/> says otherwise.</param>
/// <param name="Number">Of its outer address; null: it has to dial.</param>
internal sealed record SimPeer(string Name, int? Number = null, PeerId? Pin = null);
