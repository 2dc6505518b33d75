namespace VibePN.Doctor.Bench;

/// <summary>What a receiver of numbered datagrams sees: each counted once, order, and jitter as RFC 3550 §6.4.1 has it. Any number and clock will do.</summary>
internal sealed class UdpMeter
{
    /// <summary>How far back a duplicate is known as one; older ones count as late.</summary>
    public const int WindowPackets = 4096;

    private const double MaxTransitMicros = 60e6;

    private readonly ulong[] _seen = new ulong[WindowPackets / 64];
    private long _highest = -1;
    private double? _transit;
    private double _jitter;

    public long Packets { get; private set; }

    public long Bytes { get; private set; }

    public long Reordered { get; private set; }

    public long FirstMicros { get; private set; }

    public long LastMicros { get; private set; }

    public int JitterMicros => (int)_jitter;

    /// <param name="number">Of the sender, from 0.</param>
    /// <param name="sentMicros">The sender's clock, which need not be ours.</param>
    /// <param name="nowMicros">Ours.</param>
    /// <param name="bytes">Of the datagram.</param>
    public void Add(uint number, long sentMicros, long nowMicros, int bytes)
    {
        if (number > _highest)
        {
            Forget(_highest + 1, number);
            _highest = number;
        }
        else if (_highest - number < WindowPackets && (_seen[Slot(number)] & Bit(number)) != 0)
        {
            return;
        }
        else
        {
            Reordered++;
        }

        _seen[Slot(number)] |= Bit(number);
        FirstMicros = Packets == 0 ? nowMicros : FirstMicros;
        LastMicros = nowMicros;
        Packets++;
        Bytes += bytes;
        double transit = (double)nowMicros - sentMicros;
        if (_transit is { } before)
        {
            _jitter += (Math.Min(Math.Abs(transit - before), MaxTransitMicros) - _jitter) / 16;
        }

        _transit = transit;
    }

    /// <summary>The window moves: what is behind it is forgotten.</summary>
    private void Forget(long first, long last)
    {
        if (last - first >= WindowPackets)
        {
            Array.Clear(_seen);
            return;
        }

        for (long number = first; number <= last; number++)
        {
            _seen[Slot(number)] &= ~Bit(number);
        }
    }

    private static int Slot(long number) => (int)(number % WindowPackets / 64);

    private static ulong Bit(long number) => 1UL << (int)(number % 64);
}
