using System.Buffers.Binary;
using System.Net;
using VibePN.Linux;

namespace VibePN.Tests.Sim;

/// <summary>
/// Every stamped packet that was sent and what became of it: a packet arrives at most once, unchanged, in the network it was sent into, at the
/// owner of its destination, and only if its sender owns its source.
/// </summary>
internal sealed class SimLedger(SimNetwork network)
{
    private const uint Magic = 0x5eed_beef;
    private const int StampBytes = 8;

    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, int> _arrivedAt = [];

    public int Sent => _entries.Count;

    public int Arrived { get; private set; }

    /// <summary>How many of the packets with these ends arrived.</summary>
    public int ArrivedFrom(string source, string destination) => _arrivedAt.GetValueOrDefault(source + ">" + destination);

    /// <summary>Makes a packet with a stamp that tells it apart from all others.</summary>
    /// <param name="into">The name of the network it is sent into.</param>
    /// <param name="mayArrive">False: a forgery, which nobody may take.</param>
    public byte[] Stamp(string into, string source, string destination, int payloadBytes = 64, bool mayArrive = true)
    {
        var packet = TestPacket.Udp(source, destination, Math.Max(payloadBytes, StampBytes));
        var stamp = packet.AsSpan(packet[0] >> 4 == 4 ? 28 : 48);
        BinaryPrimitives.WriteUInt32BigEndian(stamp, Magic);
        BinaryPrimitives.WriteInt32BigEndian(stamp[4..], _entries.Count);
        _entries.Add(new Entry { Network = into, Source = source, Destination = destination, Packet = (byte[])packet.Clone(), MayArrive = mayArrive });
        return packet;
    }

    /// <summary>A host was given a packet.</summary>
    public void OnDelivered(SimHost host, string into, ReadOnlySpan<byte> packet)
    {
        if (!IpHeader.TryParse(packet, out var ip))
        {
            network.Violate($"{host.Name} was given what is no packet");
            return;
        }

        var stamp = packet[ip.PayloadOffset..];
        if (ip.Protocol != 17 || stamp.Length < 8 + StampBytes || BinaryPrimitives.ReadUInt32BigEndian(stamp[8..]) != Magic)
        {
            return;
        }

        var number = BinaryPrimitives.ReadInt32BigEndian(stamp[12..]);
        if (number < 0 || number >= _entries.Count)
        {
            network.Violate($"{host.Name} was given packet {number}, which was never sent");
            return;
        }

        var entry = _entries[number];
        var what = $"packet {number} of network {entry.Network} from {entry.Source} to {entry.Destination}";
        Require(entry.MayArrive, $"{host.Name} took {what}, a forgery");
        Require(entry.Network == into, $"{what} arrived at {host.Name} in network {into}");
        Require(!entry.Arrived, $"{what} arrived at {host.Name} twice");
        Require(packet.SequenceEqual(entry.Packet), $"{what} arrived changed");
        Require(host.Owns(into, IPAddress.Parse(entry.Destination)), $"{what} arrived at {host.Name}, which does not own its destination");
        entry.Arrived = true;
        Arrived++;
        var ends = entry.Source + ">" + entry.Destination;
        _arrivedAt[ends] = _arrivedAt.GetValueOrDefault(ends) + 1;
    }

    private void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            network.Violate(otherwise);
        }
    }

    private sealed class Entry
    {
        public required string Network { get; init; }

        public required string Source { get; init; }

        public required string Destination { get; init; }

        public required byte[] Packet { get; init; }

        public required bool MayArrive { get; init; }

        public bool Arrived { get; set; }
    }
}
