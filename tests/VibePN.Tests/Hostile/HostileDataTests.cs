using System.Buffers.Binary;
using VibePN.Linux;
using VibePN.Peers;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.Tests.Hostile;

/// <summary>Alone: it measures the memory of the process.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class MeasuredAlone;

/// <summary>A trusted peer sends what no honest one does: dropped and counted by reason, never given to the host, and nobody else notices.</summary>
[Collection<MeasuredAlone>]
public sealed class HostileDataTests : IDisposable
{
    private const byte Partial = HostileData.Partial;
    private const string Victim4 = "10.42.0.1";
    private const string Victim6 = "fd42::1";

    private readonly Target _target = new("mallory", "alice");

    private HostilePeer Mallory => _target[0];

    private HostilePeer Alice => _target[1];

    /// <summary>Flags and packets that the host must not get, and why.</summary>
    public static TheoryData<string, byte, byte[], DropReason> Bad
    {
        get
        {
            TheoryData<string, byte, byte[], DropReason> data = [];
            foreach (var bad in HostileData.Bad("10.42.0.2", "fd42::2", "10.42.0.3", Victim4, Victim6))
            {
                data.Add(bad.What, bad.Flags, bad.Packet, bad.Reason);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Bad))]
    public void Datagram_ThatNoHonestPeerSends_IsDroppedForItsReason(string what, byte flags, byte[] packet, DropReason reason)
    {
        var before = _target.Drops;

        Mallory.Send(flags, packet);

        Assert.True(_target.DeliveredCount == 0, what + " was given to the host");
        AssertOneMore(before, reason, what);
        AssertOthersUnaffected();
    }

    [Theory]
    [InlineData(new byte[] { }, DropReason.InMalformed)]
    [InlineData(new byte[] { 0x40 }, DropReason.InMalformed)]
    [InlineData(new byte[] { 0xc0, 1, 2, 3 }, DropReason.InMalformed)]
    [InlineData(new byte[] { 1 }, DropReason.InMalformed)]
    [InlineData(new byte[] { 0 }, DropReason.InUnknownTag)]
    [InlineData(new byte[] { 0, 0, 0x45 }, DropReason.InUnknownTag)]
    [InlineData(new byte[] { 2, 0, 0x45 }, DropReason.InUnknownTag)]
    [InlineData(new byte[] { 0x7f, 0xff, 0, 0x45 }, DropReason.InUnknownTag)]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x45 }, DropReason.InUnknownTag)]
    public void Datagram_WithoutAKnownTag_IsDropped(byte[] datagram, DropReason reason)
    {
        var before = _target.Drops;

        Mallory.SendRaw(datagram);

        Assert.Equal(0, _target.DeliveredCount);
        AssertOneMore(before, reason, Convert.ToHexString(datagram));
        AssertOthersUnaffected();
    }

    [Theory]
    [InlineData("10.42.0.2", Victim4)]
    [InlineData("fd42::2", Victim6)]
    public void Packet_OfTheLongestSize_IsDeliveredWholeAndInPieces(string source, string destination)
    {
        var headers = source.Contains(':', StringComparison.Ordinal) ? 48 : 28;
        var packet = TestPacket.Udp(source, destination, Target.MtuBytes - headers);

        Mallory.Send(0, packet);
        Mallory.Send(Partial, packet);
        Mallory.SendFragment(0, 1, 800, packet.Length, packet.AsSpan(800));
        Mallory.SendFragment(0, 1, 0, packet.Length, packet.AsSpan(0, 800));

        Assert.Equal(3, _target.DeliveredCount);
    }

    [Fact]
    public void Fragments_WhoseOverlapsDiffer_TheFirstBytesStand()
    {
        var packet = TestPacket.Udp("10.42.0.2", Victim4, 100);
        byte[]? delivered = null;
        _target.Delivered = (bytes, _) => delivered = bytes.ToArray();

        Mallory.SendFragment(0, 1, 0, packet.Length, packet.AsSpan(0, 64));
        Mallory.SendFragment(0, 1, 16, packet.Length, new byte[48]);
        Mallory.SendFragment(0, 1, 32, packet.Length, packet.AsSpan(32));

        Assert.Equal(packet, delivered);
    }

    [Fact]
    public void Fragments_ThatDifferInFlags_AreNotPutTogether()
    {
        var packet = TestPacket.Udp("10.42.0.2", Victim4, 100);

        Mallory.SendFragment(0, 1, 0, packet.Length, packet.AsSpan(0, 64));
        Mallory.SendFragment(Partial, 1, 64, packet.Length, packet.AsSpan(64));
        _target.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(0, _target.DeliveredCount);
        Assert.Equal(2UL, _target.Drops[DropReason.InFragmentIncomplete]);
    }

    [Fact]
    public void FirstFragments_ForSixtySeconds_AreGivenUpAndMemoryIsFlat()
    {
        const int PerSecond = 1000;
        var piece = TestPacket.Udp("10.42.0.2", Victim4, 972);
        var id = 0;
        Flood(5);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Flood(55);
        var after = GC.GetTotalMemory(forceFullCollection: true);
        _target.Advance(TimeSpan.FromSeconds(15));

        Assert.Equal(0, _target.DeliveredCount);
        Assert.Equal((ulong)id, _target.Drops[DropReason.InFragmentIncomplete]);
        Assert.True(after - before < 128 * 1024, $"grew by {after - before} bytes");
        AssertOthersUnaffected();
        Mallory.Send(0, TestPacket.Udp("10.42.0.2", Victim4));
        Assert.Equal(2, _target.DeliveredCount);

        void Flood(int seconds)
        {
            for (var i = 0; i < seconds * PerSecond; i++)
            {
                Mallory.SendFragment(0, (ushort)id++, 0, 9000, piece);
                _target.Advance(TimeSpan.FromSeconds(1.0 / PerSecond));
            }
        }
    }

    /// <summary>Whatever numbers a peer makes up: what it can make the node hold is bounded, and is with the host, or dropped, half a second later.</summary>
    [Theory]
    [InlineData(1, 1 << 22, 1)]
    [InlineData(2, 1 << 10, 1024)]
    [InlineData(3, 40, 3)]
    [InlineData(4, 1 << 15, 1)]
    public void Numbers_AtRandom_HoldWithinBoundsAndNotForLong(int seed, int numbers, int lanes)
    {
        const int Packets = 30_000;
        Random random = new(seed);
        byte[] datagram = [Mallory.Tag, HostileData.SequenceFlag, 0, 0, 0, 0, .. TestPacket.Udp("10.42.0.2", Victim4, 800)];
        for (var i = 0; i < Packets; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(2), ((uint)random.Next(lanes) << 22) | (uint)random.Next(numbers));
            Mallory.Write(datagram);
            Assert.True(_target.Node.RepairReservedBytes <= Limits.RepairBytes);
        }

        Mallory.Finish();
        _target.Exchange();
        _target.Advance(TimeSpan.FromSeconds(1));

        var peer = _target.Node.Snapshot(_target.Now).Peers.Single(peer => peer.Name == "mallory");
        Assert.Equal(Packets, _target.DeliveredCount + (int)_target.Drops.GetValueOrDefault(DropReason.InDuplicate));
        _target.Node.ReleaseMemory();
        Assert.Equal(0, _target.Node.RepairReservedBytes);
        Assert.True(peer.Repair is null or { Held: 0 });
        AssertOthersUnaffected();
    }

    /// <summary>What is delivered is judged by rules written anew here, and what is not delivered must be in the counters.</summary>
    [Fact]
    public void Datagrams_MillionMutated_OnlyValidPacketsReachTheHostAndMemoryIsFlat()
    {
        const int Seed = 20_261_122;
        const int Rounds = 1_000_000;
        var random = new Random(Seed);
        byte[][] corpus = [.. HostileData.Corpus(Mallory.Tag, "10.42.0.2", "fd42::2", Victim4, Victim6)];
        var scratch = new byte[2000];
        FillPool();
        string? wrong = null;
        _target.Delivered = (packet, header) => wrong ??= WhyInvalid(packet, header);
        var before = 0L;
        var fragments = 0;
        for (var round = 0; round < Rounds; round++)
        {
            if (round == Rounds / 10)
            {
                before = GC.GetTotalMemory(forceFullCollection: true);
            }

            var original = corpus[random.Next(corpus.Length)];
            var bytes = original.Length;
            original.CopyTo(scratch, 0);
            for (var i = random.Next(4); i > 0; i--)
            {
                bytes = HostileData.Mutate(random, scratch, bytes);
            }

            fragments += bytes > 1 && (scratch[1] & 2) != 0 ? 1 : 0;
            Mallory.Write(scratch.AsSpan(0, bytes));
        }

        Mallory.Finish();
        _target.Exchange();
        var after = GC.GetTotalMemory(forceFullCollection: true);
        _target.Advance(TimeSpan.FromSeconds(15));

        Assert.True(wrong is null, $"seed {Seed}: the host was given a packet that {wrong}");
        Assert.False(Mallory.IsClosed);
        var drops = _target.Drops;
        var dropped = drops.Where(drop => drop.Key is not DropReason.InFragmentIncomplete).Sum(drop => (long)drop.Value);
        var pieces = Rounds - dropped - _target.DeliveredCount;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"delivered {_target.DeliveredCount}, pieces kept {pieces}, memory {after - before:+#;-#;0} bytes, " + string.Join(", ", drops.Select(drop => $"{drop.Key} {drop.Value}")));
        Assert.InRange(pieces, 1, fragments);
        foreach (var reason in Enum.GetValues<DropReason>().Where(reason => reason.ToString().StartsWith("In", StringComparison.Ordinal)))
        {
            Assert.True(drops.ContainsKey(reason) != reason is DropReason.InNotUp or DropReason.InInterface, $"{reason}: the mutations miss it, or it should not be");
        }

        Assert.True(after - before < 512 * 1024, $"grew by {after - before} bytes");
        AssertOthersUnaffected();
    }

    public void Dispose() => _target.Dispose();

    /// <summary>
    /// What is known of the packets that wait behind a gap lies in an array that doubles with them, up to a megabyte. It comes from a pool: with
    /// one of each size there, the node needs no new one whenever noise happens to make more packets wait than before.
    /// </summary>
    private static void FillPool()
    {
        using var memory = new RepairMemory(Limits.RepairBytes, Limits.RepairBytes);
        var reorder = new ReorderBuffer(memory);
        for (uint i = 0; i <= ReorderBuffer.MaxPackets; i++)
        {
            // All but the second.
            _ = reorder.Add(new RepairSequence(0, i == 0 ? 0 : i + 1), 0, 0, [0], 0);
        }

        Assert.Equal(ReorderBuffer.MaxPackets, reorder.Count);
        reorder.Discard();
    }

    /// <summary>The rules of docs/protocol.md, Data, in other words than the node's.</summary>
    private static string? WhyInvalid(ReadOnlySpan<byte> packet, VirtioNetHeader header)
    {
        if (packet.Length is < 20 or > Limits.ReassembledBytes)
        {
            return "has a wrong length";
        }

        var isV4 = packet[0] >> 4 == 4;
        if (!isV4 && (packet[0] >> 4 != 6 || packet.Length < 40))
        {
            return "is not IP";
        }

        if ((isV4 ? BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) : BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + 40) != packet.Length)
        {
            return "is not whole";
        }

        if (Convert.ToHexString(isV4 ? packet[12..16] : packet[8..24]) is not ("0A2A0002" or "FD420000000000000000000000000002"))
        {
            return "has somebody else's source address";
        }

        if (!header.NeedsChecksum)
        {
            return null;
        }

        var start = isV4 ? (packet[0] & 15) * 4 : 40;
        var isFragment = isV4 && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0;
        var least = (isV4 ? packet[9] : packet[6]) switch { 6 => 20, 17 => 8, _ => int.MaxValue };
        return isFragment || header.ChecksumStart != start || packet.Length - start < least
            ? "has a checksum to complete where there is none"
            : null;
    }

    private void AssertOneMore(IReadOnlyDictionary<DropReason, ulong> before, DropReason reason, string what)
    {
        var after = _target.Drops;
        var grown = after.Where(drop => drop.Value != before.GetValueOrDefault(drop.Key)).Select(drop => $"{drop.Key} +{drop.Value - before.GetValueOrDefault(drop.Key)}");
        Assert.True(string.Join(", ", grown) == $"{reason} +1", $"{what}: {string.Join(", ", grown)}");
    }

    /// <summary>A peer that does nothing wrong is served in both directions.</summary>
    private void AssertOthersUnaffected()
    {
        var delivered = _target.DeliveredCount;
        _target.Delivered = null;
        Alice.Datagrams.Clear();

        Alice.Send(0, TestPacket.Udp("10.42.0.3", Victim4));
        _target.Send(TestPacket.Udp(Victim4, "10.42.0.3"));

        Assert.Equal(delivered + 1, _target.DeliveredCount);
        Assert.Single(Alice.Datagrams);
        Assert.False(Mallory.IsClosed);
    }
}
