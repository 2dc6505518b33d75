using System.Buffers.Binary;

namespace VibePN.Quic.Tests.Sim;

/// <summary>A network in virtual time: hosts at addresses, a link each way between any two, packets as events in order of arrival.</summary>
internal sealed class SimNet : IDisposable
{
    /// <summary>2027-01-01, well inside the test certificates' validity.</summary>
    private const long StartUtcSeconds = 1_798_761_600;
    private const ulong StartNanos = 5_000_000_000;

    private readonly ulong _seed;
    private readonly LinkSettings _defaults;
    private readonly List<SimHost> _hosts = [];
    private readonly Dictionary<(QuicAddress From, QuicAddress To), SimLink> _links = [];
    private readonly PriorityQueue<(byte[] Packet, QuicAddress From, QuicAddress To), (ulong Nanos, ulong Order)> _events = new();
    private ulong _nanos = StartNanos;
    private ulong _order;

    public SimNet(int seed = 1, LinkSettings? defaults = null)
    {
        _seed = (ulong)seed;
        _defaults = defaults ?? new LinkSettings();
    }

    public Instant Now => new(_nanos, StartUtcSeconds + (long)((_nanos - StartNanos) / 1_000_000_000));

    /// <summary>10.0.0.number, UDP port 4433 (or another).</summary>
    public static QuicAddress AddressOf(byte number, ushort port = 4433)
    {
        var bytes = new byte[16];
        bytes[0] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), port);
        bytes[4] = 10;
        bytes[7] = number;
        return new QuicAddress(bytes);
    }

    /// <summary>fd00::number, UDP port 4433.</summary>
    public static QuicAddress Address6Of(byte number)
    {
        var bytes = new byte[28];
        bytes[0] = 10;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), 4433);
        bytes[8] = 0xfd;
        bytes[23] = number;
        return new QuicAddress(bytes);
    }

    public SimHost AddHost(byte number, QuicEndpointOptions options, bool v6 = false)
    {
        var handler = new RecordingHandler();
        var host = new SimHost(this, v6 ? Address6Of(number) : AddressOf(number), new QuicEndpoint(options, handler), handler);
        _hosts.Add(host);
        return host;
    }

    /// <summary>Takes a host away as a crash would: nothing is sent.</summary>
    public void Crash(SimHost host)
    {
        _hosts.Remove(host);
        host.Dispose();
    }

    public SimLink Link(QuicAddress from, QuicAddress to)
    {
        if (!_links.TryGetValue((from, to), out var link))
        {
            link = new SimLink(_seed, (ulong)_links.Count, _defaults);
            _links.Add((from, to), link);
        }

        return link;
    }

    public void Send(byte[] packet, QuicAddress from, QuicAddress to)
    {
        foreach (var (arriving, nanos) in Link(from, to).Arrivals(packet, _nanos))
        {
            _events.Enqueue((arriving, from, to), (nanos, _order++));
        }
    }

    /// <summary>Runs until the condition holds.</summary>
    /// <returns>False: the time was up first.</returns>
    public bool RunUntil(Func<bool> condition, TimeSpan limit)
    {
        var end = _nanos + ((ulong)limit.Ticks * 100);
        while (!condition())
        {
            if (!Step(end))
            {
                return condition();
            }
        }

        return true;
    }

    public void Run(TimeSpan time) => RunUntil(() => false, time);

    public void Dispose()
    {
        foreach (var host in _hosts)
        {
            host.Dispose();
        }
    }

    private bool Step(ulong end)
    {
        var next = _events.TryPeek(out _, out var at) ? at.Nanos : ulong.MaxValue;
        foreach (var host in _hosts)
        {
            next = Math.Min(next, host.Endpoint.NextDeadline);
        }

        if (next > end)
        {
            _nanos = end;
            return false;
        }

        _nanos = Math.Max(_nanos, next);
        while (_events.TryPeek(out _, out at) && at.Nanos <= _nanos)
        {
            var (packet, from, to) = _events.Dequeue();
            _hosts.Find(h => h.Address == to)?.Receive(packet, from);
        }

        foreach (var host in _hosts.ToArray())
        {
            if (host.Endpoint.NextDeadline <= _nanos)
            {
                host.HandleDeadlines();
            }
        }

        return true;
    }
}
