namespace VibePN.Quic;

/// <summary>Answers that belong to no connection, waiting to be sent: a ring of fixed size, so a flood costs no memory.</summary>
internal sealed class StatelessQueue
{
    private readonly byte[] _bytes = new byte[QuicLimits.StatelessQueueLength * QuicLimits.MaxStatelessBytes];
    private readonly (int Length, QuicPath Path)[] _entries = new (int, QuicPath)[QuicLimits.StatelessQueueLength];
    private int _head;
    private int _count;

    /// <summary>Room for the next answer; empty when the ring is full. <see cref="Commit"/> makes it one.</summary>
    public Span<byte> Reserve() =>
        _count == QuicLimits.StatelessQueueLength ? default : Slot((_head + _count) % QuicLimits.StatelessQueueLength);

    public void Commit(int length, in QuicPath path)
    {
        _entries[(_head + _count) % QuicLimits.StatelessQueueLength] = (length, path);
        _count++;
    }

    /// <returns>The answer's length, 0 when there is none.</returns>
    public int Take(Span<byte> packet, out QuicPath path)
    {
        path = default;
        if (_count == 0)
        {
            return 0;
        }

        (var length, path) = _entries[_head];
        Slot(_head)[..length].CopyTo(packet);
        _head = (_head + 1) % QuicLimits.StatelessQueueLength;
        _count--;
        return length;
    }

    private Span<byte> Slot(int index) => _bytes.AsSpan(index * QuicLimits.MaxStatelessBytes, QuicLimits.MaxStatelessBytes);
}
