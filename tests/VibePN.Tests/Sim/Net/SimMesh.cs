using VibePN.Config;

namespace VibePN.Tests.Sim;

/// <summary>Several hosts that all know one another, and what is expected of them.</summary>
internal sealed class SimMesh
{
    /// <summary>With how many others a node of a large mesh talks.</summary>
    private const int MaxTalks = 8;

    private readonly SimNetwork _sim;

    /// <param name="networks">Networks that all are in.</param>
    public SimMesh(SimNetwork sim, int count, params string[] networks)
    {
        _sim = sim;
        var names = Enumerable.Range(1, count).Select(number => "n" + number).ToArray();
        foreach (var (index, name) in names.Index())
        {
            Hosts.Add(sim.AddHost(
                name,
                index + 1,
                sim.Identity(name),
                config => With(config, index + 1, networks.Length == 0 ? ["corp"] : networks),
                [.. names.Index().Where(other => other.Index != index).Select(other => new SimPeer(other.Item, other.Index + 1))]));
        }
    }

    public List<SimHost> Hosts { get; } = [];

    public static NodeConfig With(NodeConfig config, int number, params string[] networks) => config with
    {
        Networks = [.. networks.Select(name => SimNetwork.Network(name, number, "10." + NumberOf(name) + ".0", "fd" + NumberOf(name) + "::"))],
        Peers = [.. config.Peers.Select(peer => peer with { Networks = networks })],
    };

    public bool IsUp() => Hosts.TrueForAll(one => Hosts.TrueForAll(other => one == other || (one.IsRunning && other.IsRunning && one.IsUp(other))));

    /// <summary>Waits until every pair is up, then until each has exactly one connection.</summary>
    public TimeSpan Settle(TimeSpan within)
    {
        var took = _sim.Await(IsUp, within);
        if (took is null)
        {
            var missing = Hosts.SelectMany(one => Hosts.Where(other => other != one && one.IsRunning && !one.IsUp(other))
                .Select(other => $"{one.Name}-{other.Name}: {one.Peer(other.Name).Condition} {one.Peer(other.Name).Reason}"));
            throw new SimViolationException($"not up within {within}: {string.Join(", ", missing)}");
        }

        bool IsSingle() => IsUp() && Hosts.TrueForAll(host => host.Snapshot.Connections == Hosts.Count - 1);

        // Where the last word of a connection that was superfluous is lost, the other side waits for its idle timeout.
        _ = _sim.Await(IsSingle, TimeSpan.FromSeconds(35));
        _sim.Run(TimeSpan.FromSeconds(3));
        if (!IsSingle())
        {
            throw new SimViolationException($"not one connection for each pair: {string.Join(", ", Hosts.Select(host => $"{host.Name} {host.Snapshot.Connections}"))}");
        }

        return took.Value;
    }

    /// <summary>Everybody sends to everybody, in large meshes to the next eight, in every network, in both families, some rounds long.</summary>
    public void Talk(int rounds, TimeSpan between)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (index, one) in Hosts.Index().Where(host => host.Item.IsRunning))
            {
                var next = Enumerable.Range(1, Math.Min(Hosts.Count - 1, MaxTalks)).Select(i => Hosts[(index + i) % Hosts.Count]);
                foreach (var other in next.Where(host => host.IsRunning))
                {
                    for (var network = 0; network < one.Config.Networks.Count; network++)
                    {
                        one.SendTo(other, network, 64 + (round % 7 * 150), v6: round % 2 == 1);
                    }
                }
            }

            _sim.Run(between);
        }
    }

    private static int NumberOf(string network) => network switch { "corp" => 42, "lab" => 43, _ => 44 };
}
