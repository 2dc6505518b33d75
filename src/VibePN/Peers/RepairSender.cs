namespace VibePN.Peers;

/// <summary>
/// Copies of datagrams of ordered flows until they are acknowledged, and which of them were lost and are to be sent again: as often as it
/// takes, while the receiver waits. Belongs to one connection and outlives its phases of repair, since numbers go on. Thread: the node's.
/// Times are nanoseconds.
/// </summary>
/// <param name="memory">Bounds the bytes.</param>
internal sealed class RepairSender(RepairMemory memory)
{
    /// <summary>Datagrams, whether copied or not, from the oldest copy to the newest.</summary>
    private const int MaxDatagrams = 1 << 15;

    /// <summary>Bits of a datagram's number that come back with its fate.</summary>
    private const uint ReportedMask = (1 << 20) - 1;

    /// <summary>Lost is what so many later datagrams have overtaken (RFC 9002 §6.1.1), and more where the path reorders.</summary>
    private const ulong MinOvertaken = 3;
    private const ulong MaxOvertaken = 512;

    /// <summary>Resent datagrams that are remembered, so that one that was only late is noticed.</summary>
    private const int Remembered = 64;

    private readonly uint[] _resent = new uint[Remembered];
    private int _nextResent;
    private ulong _overtaken = MinOvertaken;

    /// <summary>All before were looked at.</summary>
    private ulong _examined;

    private readonly PacketRing<Copy> _copies = new(memory, MaxDatagrams);
    private readonly uint[] _next = new uint[RepairSequence.Lanes];
    private readonly Queue<ulong> _lost = new();

    /// <summary>Datagrams sent again.</summary>
    public ulong Resent { get; private set; }

    /// <summary>Lost datagrams that were not sent again: too old, too large for the path by now, or no copy was left.</summary>
    public ulong GivenUp { get; private set; }

    /// <summary>Datagrams sent again although they had arrived, or were about to.</summary>
    public ulong Spurious { get; private set; }

    /// <summary>Copies kept.</summary>
    public int Count => _copies.Count;

    /// <summary>The number that the lane's next packet gets.</summary>
    public RepairSequence Peek(int lane) => new(lane, _next[lane]);

    /// <summary>The lane of a flow.</summary>
    public static int LaneOf(ulong flowHash) => (int)(flowHash >> 20) & (RepairSequence.Lanes - 1);

    /// <summary>A datagram with the number from <see cref="Peek"/> was sent.</summary>
    /// <param name="datagram">Its number among the connection's datagrams.</param>
    public void Sent(int lane, ulong datagram, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, ulong nowNanos)
    {
        _next[lane]++;
        Add(datagram, header, payload, new Copy { FirstSentNanos = nowNanos });
    }

    /// <summary>A datagram arrived, perhaps one that was believed lost.</summary>
    /// <param name="reported">The low bits of its number.</param>
    public void OnAcked(uint reported)
    {
        if (TryFind(reported, out var datagram))
        {
            _copies.Remove(datagram);
            FindOvertaken(datagram);
        }
        else if (_resent.AsSpan().IndexOf(reported) is >= 0 and var late)
        {
            _resent[late] = uint.MaxValue;
            Spurious++;
            _overtaken = Math.Min(_overtaken * 2, MaxOvertaken);
        }
    }

    /// <summary>A datagram was found lost. Only noted: callbacks must not write.</summary>
    public void OnLost(uint reported)
    {
        if (TryFind(reported, out var datagram) && !_copies[datagram].IsLost)
        {
            _copies[datagram].IsLost = true;
            _lost.Enqueue(datagram);
        }
    }

    /// <summary>The next datagram to be sent again.</summary>
    /// <param name="bytes">Borrowed until the next change; <see cref="Resend"/> or <see cref="GiveUp"/> must follow.</param>
    public bool TryPeekLost(ulong nowNanos, out ReadOnlySpan<byte> bytes)
    {
        while (_lost.TryPeek(out var datagram))
        {
            if (!_copies.Contains(datagram))
            {
                _lost.Dequeue();
                continue;
            }

            if (nowNanos - _copies[datagram].FirstSentNanos > RepairSequence.MaxWaitNanos)
            {
                GiveUp();
                continue;
            }

            bytes = _copies.Packet(datagram);
            return true;
        }

        bytes = default;
        return false;
    }

    /// <summary>What <see cref="TryPeekLost"/> gave was sent, as another datagram.</summary>
    /// <param name="scratch">Room for it.</param>
    public void Resend(ulong datagram, Span<byte> scratch)
    {
        var old = _lost.Dequeue();
        var copy = _copies[old];
        var bytes = _copies.Packet(old);
        bytes.CopyTo(scratch);
        scratch = scratch[..bytes.Length];
        _copies.Remove(old);
        copy.IsLost = false;
        Resent++;
        _resent[_nextResent] = (uint)old & ReportedMask;
        _nextResent = (_nextResent + 1) % Remembered;
        Add(datagram, scratch, default, copy);
    }

    /// <summary>What <see cref="TryPeekLost"/> gave cannot be sent.</summary>
    public void GiveUp()
    {
        _copies.Remove(_lost.Dequeue());
        GivenUp++;
    }

    /// <summary>Gives the memory back, if there are no copies.</summary>
    public void ReleaseMemory()
    {
        if (Count == 0)
        {
            Release();
        }
    }

    /// <summary>Forgets all copies and gives the memory back.</summary>
    public void Release()
    {
        _lost.Clear();
        _copies.Release();
    }

    /// <summary>
    /// Finds lost what a datagram that arrived has overtaken by far: QUIC waits for an eighth of a round trip more, and so would the packets
    /// behind the gap, which makes a flow of BBR run out of window (docs/adr/0009).
    /// </summary>
    private void FindOvertaken(ulong arrived)
    {
        _examined = Math.Max(_examined, _copies.Oldest);
        for (; _examined + _overtaken <= arrived; _examined++)
        {
            if (_copies.Contains(_examined) && !_copies[_examined].IsLost)
            {
                _copies[_examined].IsLost = true;
                _lost.Enqueue(_examined);
            }
        }
    }

    private void Add(ulong datagram, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, in Copy copy)
    {
        while (!_copies.TryAdd(datagram, header, payload, copy))
        {
            if (_copies.Count == 0)
            {
                return;
            }

            GivenUp += _copies[_copies.Oldest].IsLost ? 1UL : 0;
            _copies.Remove(_copies.Oldest);
        }
    }

    /// <summary>The copy whose number ends in these bits: never more than <see cref="MaxDatagrams"/> back, so there is one at most.</summary>
    private bool TryFind(uint reported, out ulong datagram)
    {
        var back = ((uint)_copies.Next - 1 - reported) & ReportedMask;
        datagram = _copies.Next - 1 - back;
        return back < MaxDatagrams && _copies.Contains(datagram);
    }

    private struct Copy
    {
        public ulong FirstSentNanos;
        public bool IsLost;
    }
}
