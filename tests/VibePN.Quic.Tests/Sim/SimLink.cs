namespace VibePN.Quic.Tests.Sim;

/// <summary>
/// Decides what happens to the n-th packet of one direction: a pure function of seed, link and packet number, so that a run can be
/// repeated and one packet's fate does not depend on the others'.
/// </summary>
internal sealed class SimLink(ulong seed, ulong linkNumber, LinkSettings settings)
{
    private ulong _packets;

    public LinkSettings Settings { get; set; } = settings;

    public ulong Packets => _packets;

    /// <summary>Called with each packet that is about to travel; true: swallow it.</summary>
    public Func<byte[], bool>? Swallow { get; set; }

    /// <returns>Each copy and when it arrives; none when the packet is lost.</returns>
    public IEnumerable<(byte[] Packet, ulong Nanos)> Arrivals(byte[] packet, ulong nowNanos)
    {
        var number = _packets++;
        if (packet.Length > Settings.MaxUdpPayloadBytes || Chance(number, 1) < Settings.Loss || Swallow?.Invoke(packet) == true)
        {
            yield break;
        }

        if (Chance(number, 5) < Settings.Corruption)
        {
            packet = (byte[])packet.Clone();
            packet[(int)(Chance(number, 6) * packet.Length)] ^= (byte)(1 << (int)(Chance(number, 7) * 8));
        }

        yield return (packet, nowNanos + Settings.DelayNanos + Jitter(number, 2));
        if (Chance(number, 3) < Settings.Duplication)
        {
            yield return (packet, nowNanos + Settings.DelayNanos + Jitter(number, 4));
        }
    }

    private ulong Jitter(ulong number, ulong purpose) => (ulong)(Chance(number, purpose) * Settings.JitterNanos);

    private double Chance(ulong number, ulong purpose)
    {
        var x = seed ^ (linkNumber * 0x9e3779b97f4a7c15) ^ (number * 0xbf58476d1ce4e5b9) ^ (purpose * 0x94d049bb133111eb);
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return ((x ^ (x >> 31)) >> 11) * (1.0 / (1UL << 53));
    }
}
