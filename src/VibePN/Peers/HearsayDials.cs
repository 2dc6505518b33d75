using System.Net;
using System.Net.Sockets;

namespace VibePN.Peers;

/// <summary>
/// Attempts at addresses that only an introducer has named: few at once, in all and at one host, so that none can send this node's packets
/// against somebody else. An attempt that comes up is over; any other counts for as long as it may take, also when it ended earlier, since
/// what ends it may be the introducer, too. Of IPv6 a host is 64 bits: so many has everybody to choose from.
/// </summary>
internal sealed class HearsayDials
{
    public const int AtOnce = 32;
    public const int AtOneHost = 2;

    private static readonly ulong HeldNanos = (ulong)DialPolicy.AttemptTimeout.TotalNanoseconds;

    private readonly List<(IPAddress Host, ulong UntilNanos)> _taken = [];

    /// <returns>False: not now.</returns>
    public bool TryTake(IPAddress address, ulong nowNanos)
    {
        var host = HostOf(address);
        var there = 0;
        for (var i = _taken.Count - 1; i >= 0; i--)
        {
            if (_taken[i].UntilNanos <= nowNanos)
            {
                _taken.RemoveAt(i);
            }
            else if (_taken[i].Host.Equals(host))
            {
                there++;
            }
        }

        if (_taken.Count >= AtOnce || there >= AtOneHost)
        {
            return false;
        }

        _taken.Add((host, nowNanos + HeldNanos));
        return true;
    }

    /// <summary>Somebody who was meant is there.</summary>
    public void GiveBack(IPAddress address)
    {
        var host = HostOf(address);
        var index = _taken.FindIndex(one => one.Host.Equals(host));
        if (index >= 0)
        {
            _taken.RemoveAt(index);
        }
    }

    private static IPAddress HostOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        Span<byte> bytes = stackalloc byte[16];
        _ = address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }
}
