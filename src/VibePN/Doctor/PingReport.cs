using System.Globalization;
using VibePN.Api;

namespace VibePN.Doctor;

/// <summary>What a series of echo requests says, set beside what the connection measures by itself. Pure.</summary>
public sealed class PingReport(PeerDto peer, string? address)
{
    /// <summary>A wait in the queue below this is no reason for anything.</summary>
    private const double LeastQueueMillis = 5;

    /// <summary>What two hosts may add: waking up, and the tunnel's own work.</summary>
    private const double HostMillis = 1.5;

    private readonly List<double> _inside = [];
    private readonly List<double> _path = [];
    private readonly List<double> _outside = [];
    private double? _queueMillis;
    private PeerDto _peer = peer;
    private int _sent;

    /// <summary>The largest IP packet that interface and path take.</summary>
    public int? MtuBytes { get; set; } = peer.MtuBytes;

    public bool? MtuPasses { get; set; }

    /// <param name="insideMillis">Through the tunnel; null: no answer in time.</param>
    /// <param name="outsideMillis">Beside it; null likewise.</param>
    public void Add(double? insideMillis, double? outsideMillis)
    {
        _sent++;
        Add(_inside, insideMillis);
        Add(_outside, outsideMillis);
    }

    /// <summary>How the daemon sees the peer meanwhile.</summary>
    public void See(PeerDto now)
    {
        _peer = now;
        Add(_path, now.RttMillis);
        _queueMillis = Math.Max(_queueMillis ?? 0, now.Queue.WaitMillis);
    }

    public PingDto Make() => new()
    {
        Peer = _peer.Name,
        Address = address,
        Outside = _peer.Address,
        Sent = _sent,
        Received = _inside.Count,
        MinMillis = At(_inside, 0),
        MedianMillis = At(_inside, 0.5),
        P95Millis = At(_inside, 0.95),
        MaxMillis = At(_inside, 1),
        PathMillis = At(_path, 0.5),
        OutsideMillis = At(_outside, 0.5),
        QueueMillis = _queueMillis,
        MtuBytes = MtuBytes,
        MtuPasses = MtuPasses,
        Answer = Answer(),
    };

    private string Answer()
    {
        if (_peer.State != PeerState.Connected)
        {
            return $"{_peer.Name} is not connected: {_peer.Reason ?? "see 'vibepn peers'"}";
        }

        if (address is null)
        {
            return $"{_peer.Name} has no address inside: it does not announce one ('export = true' in its config)";
        }

        if (At(_inside, 0.5) is not { } inside)
        {
            return _peer.UnansweredMillis is null
                ? $"the connection is up and nothing comes back through the tunnel: a firewall on {_peer.Name}, or the routes; 'vibepn explain {address}' looks at this side"
                : $"packets to {_peer.Name} go unanswered: its line, or its host";
        }

        List<string> faults = [];
        if (_inside.Count < _sent)
        {
            faults.Add(string.Create(CultureInfo.InvariantCulture, $"{(_sent - _inside.Count) * 100.0 / _sent:0.#} % lost"));
        }

        if (MtuPasses == false)
        {
            faults.Add($"packets of {MtuBytes} bytes do not come through whole");
        }

        string delay = At(_path, 0.5) is not { } path ? "the connection has measured no round trip yet"
            : _queueMillis is { } queue && queue >= Math.Max(LeastQueueMillis, inside * 0.3)
                ? string.Create(CultureInfo.InvariantCulture, $"packets wait up to {queue:0.#} ms in this node's queue: the line to {_peer.Name} is full")
            : inside <= (path * 1.3) + HostMillis ? "the delay is the path's"
            : string.Create(CultureInfo.InvariantCulture, $"{inside - path:0.#} ms of the delay are made by the two hosts: busy processors, or a queue on {_peer.Name}'s side");
        return string.Join("; ", [.. faults, delay]);
    }

    private static void Add(List<double> values, double? value)
    {
        if (value is { } known)
        {
            values.Add(known);
        }
    }

    /// <summary>The quantile by rank; null: there is none.</summary>
    private static double? At(List<double> values, double share)
    {
        List<double> sorted = [.. values.Order()];
        return sorted.Count == 0 ? null : Math.Round(sorted[(int)Math.Ceiling(share * (sorted.Count - 1))], 3);
    }
}
