namespace VibePN.Quic.Tests;

/// <summary>
/// A sender's view of a path in virtual time: every packet is acknowledged by itself a round trip later, or lost; lost is what three later
/// packets overtook; when nothing comes back, a ping that is no datagram is sent after a probe timeout that doubles.
/// </summary>
internal sealed class LossyPath(PathMtu mtu, ulong roundTrip, Func<int, ulong, bool> passes)
{
    public const ulong Millisecond = 1_000_000;

    private readonly LinkedList<Packet> _flight = new();
    private readonly PriorityQueue<Packet, ulong> _acks = new();
    private int _timeouts;
    private ulong _lastEvent;
    private int _number;

    public ulong Now { get; private set; } = 1_000 * Millisecond;

    public int ProbesSent { get; private set; }

    private ulong Timeout => (roundTrip * 3 / 2) + (25 * Millisecond);

    /// <summary>Sends a datagram in a packet of this size.</summary>
    public void Send(int bytes, bool isDatagram = true)
    {
        var packet = new Packet(_number++, bytes, Now, isDatagram);
        _flight.AddLast(packet);
        if (passes(bytes, Now))
        {
            _acks.Enqueue(packet, Now + roundTrip);
        }
    }

    /// <summary>Runs on, answering what asks for it.</summary>
    public void Run(ulong nanos)
    {
        var end = Now + nanos;
        while (true)
        {
            Probe();
            var next = Math.Min(end, Math.Max(mtu.Deadline, Now));
            if (_acks.TryPeek(out _, out var at))
            {
                next = Math.Min(next, at);
            }

            var timeout = _flight.Count == 0 ? ulong.MaxValue : Math.Max(_lastEvent, _flight.Last!.Value.Sent) + (Timeout << _timeouts);
            next = Math.Min(next, timeout);
            Now = Math.Max(Now, next);
            if (_acks.TryPeek(out _, out at) && at <= Now)
            {
                Acknowledge(_acks.Dequeue());
            }
            else if (timeout <= Now)
            {
                _timeouts = Math.Min(_timeouts + 1, 6);
                _lastEvent = Now;
                Send(50, isDatagram: false);
            }
            else if (Now >= end && mtu.NextProbe(Now) == 0)
            {
                return;
            }
        }
    }

    private void Probe()
    {
        while (mtu.NextProbe(Now) is var bytes && bytes > 0)
        {
            Send(bytes);
            ProbesSent++;
            mtu.OnProbeSent(Now, Timeout);
        }
    }

    private void Acknowledge(Packet packet)
    {
        _timeouts = 0;
        _lastEvent = Now;
        _flight.Remove(packet);
        if (packet.IsDatagram)
        {
            mtu.OnAcked(packet.Bytes, Rounded(packet.Sent), Now);
        }

        while (_flight.First is { } first
            && (first.Value.Number + 3 <= packet.Number || (first.Value.Number < packet.Number && first.Value.Sent + (roundTrip / 8) <= packet.Sent)))
        {
            _flight.RemoveFirst();
            if (first.Value.IsDatagram)
            {
                mtu.OnLost(first.Value.Bytes, Rounded(first.Value.Sent), Now);
            }
        }
    }

    private ulong Rounded(ulong sent) => new DatagramId(1, sent, 0).SentNanos(Now);

    private sealed record Packet(int Number, int Bytes, ulong Sent, bool IsDatagram);
}
