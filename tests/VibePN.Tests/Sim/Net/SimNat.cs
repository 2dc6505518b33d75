using System.Net;

namespace VibePN.Tests.Sim;

/// <summary>
/// A port-restricted NAT (RFC 4787) in front of one machine: one mapping for everybody, and only those get in to whom something was sent.
/// </summary>
internal sealed class SimNat(IPAddress outer)
{
    private readonly HashSet<IPEndPoint> _contacted = [];
    private int _port = 20_000;

    public IPEndPoint Mapping => new(outer, _port);

    /// <summary>Another mapping, as after a restart of the router: the old one leads nowhere.</summary>
    public void Rebind()
    {
        _port++;
        _contacted.Clear();
    }

    public void Out(IPEndPoint to) => _contacted.Add(to);

    public bool LetsIn(IPEndPoint from) => _contacted.Contains(from);
}
