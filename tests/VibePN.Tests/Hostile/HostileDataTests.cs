using System.Buffers.Binary;
using VibePN.Linux;
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
    private const byte Partial = 1;
    private const string Victim4 = "10.42.0.1";
    private const string Victim6 = "fd42::1";

    private readonly Target _target = new("mallory", "alice");

    private RawPeer Mallory => _target[0];

    private RawPeer Alice => _target[1];

    /// <summary>Flags and packets that the host must not get, and why.</summary>
    public static TheoryData<string, byte, byte[], DropReason> Bad
    {
        get
        {
            var udp = TestPacket.Udp("10.42.0.2", Victim4);
            var udp6 = TestPacket.Udp("fd42::2", Victim6);
            TheoryData<string, byte, byte[], DropReason> data = new()
            {
                { "checksum flag on ICMP", Partial, With(udp, 9, 1), DropReason.InChecksumFlag },
                { "checksum flag on SCTP", Partial, With(udp, 9, 132), DropReason.InChecksumFlag },
                { "checksum flag on ICMPv6", Partial, With(udp6, 6, 58), DropReason.InChecksumFlag },
                { "checksum flag on a first fragment", Partial, With(udp, 6, 0x20), DropReason.InChecksumFlag },
                { "checksum flag on a last fragment", Partial, With(udp, 7, 8), DropReason.InChecksumFlag },
                { "checksum flag on an IPv6 fragment", Partial, WithExtension(udp6, 44, [17, 0, 0, 1, 0, 0, 0, 1]), DropReason.InChecksumFlag },
                { "checksum flag on an atomic IPv6 fragment", Partial, WithExtension(udp6, 44, [17, 0, 0, 0, 0, 0, 0, 1]), DropReason.InChecksumFlag },
                { "checksum flag behind hop-by-hop options", Partial, WithExtension(udp6, 0, [17, 0, 1, 4, 0, 0, 0, 0]), DropReason.InChecksumFlag },
                { "checksum flag behind a routing header", Partial, WithExtension(udp6, 43, [17, 0, 0, 0, 0, 0, 0, 0]), DropReason.InChecksumFlag },
                { "checksum flag behind destination options", Partial, WithExtension(udp6, 60, [17, 0, 1, 4, 0, 0, 0, 0]), DropReason.InChecksumFlag },
                { "checksum flag on 7 bytes of UDP", Partial, Whole(udp[..27]), DropReason.InChecksumFlag },
                { "checksum flag on 7 bytes of UDP in IPv6", Partial, Whole(udp6[..47]), DropReason.InChecksumFlag },
                { "checksum flag on 19 bytes of TCP", Partial, Whole(With([.. udp[..28], .. new byte[11]], 9, 6)), DropReason.InChecksumFlag },
                { "checksum flag on no transport at all", Partial, Whole(udp[..20]), DropReason.InChecksumFlag },
                { "longer than the MTU", 0, TestPacket.Udp("10.42.0.2", Victim4, Target.MtuBytes - 27), DropReason.InTooBig },
                { "IPv6 longer than the MTU", Partial, TestPacket.Udp("fd42::2", Victim6, Target.MtuBytes - 47), DropReason.InTooBig },
                { "as long as a datagram can be", 0, TestPacket.Udp("10.42.0.2", Victim4, 8000), DropReason.InTooBig },
                { "no packet", 0, [], DropReason.InMalformed },
                { "one byte", 0, [0x45], DropReason.InMalformed },
                { "IP version 5", 0, With(udp, 0, 0x55), DropReason.InMalformed },
                { "IPv4 header of 16 bytes", 0, With(udp, 0, 0x44), DropReason.InMalformed },
                { "IPv4 header past the end", 0, With(udp, 0, 0x4f), DropReason.InMalformed },
                { "shorter than it says", 0, udp[..^1], DropReason.InMalformed },
                { "longer than it says", 0, [.. udp, 0], DropReason.InMalformed },
                { "IPv6 shorter than it says", 0, udp6[..^1], DropReason.InMalformed },
                { "IPv6 longer than it says", 0, [.. udp6, 0], DropReason.InMalformed },
                { "IPv6 jumbogram", 0, With(With(udp6, 4, 0), 5, 0), DropReason.InMalformed },
                { "IPv6 extension past the end", 0, WithExtension(udp6, 0, [17, 255, 1, 4, 0, 0, 0, 0]), DropReason.InMalformed },
                { "the target's own address as source", 0, TestPacket.Udp(Victim4, Victim4), DropReason.InSourceNotOwned },
                { "another peer's address as source", 0, TestPacket.Udp("10.42.0.3", Victim4), DropReason.InSourceNotOwned },
                { "an address of nobody as source", Partial, TestPacket.Udp("fd42::77", Victim6), DropReason.InSourceNotOwned },
                { "multicast as source", 0, TestPacket.Udp("224.0.0.1", Victim4), DropReason.InSourceNotOwned },
                { "0.0.0.0 as source", 0, TestPacket.Udp("0.0.0.0", Victim4), DropReason.InSourceNotOwned },
                { "loopback as source", 0, TestPacket.Udp("::1", Victim6), DropReason.InSourceNotOwned },
                { "a fragment header of 5 bytes", 2, new byte[5], DropReason.InFragmentMalformed },
                { "a fragment without bytes", 2, new byte[6], DropReason.InFragmentMalformed },
                { "a fragment past its packet", 2, [0, 1, 0, 8, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed },
                { "a fragment at an odd offset", 2, [0, 1, 0, 7, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed },
                { "a middle fragment of odd length", 2, [0, 1, 0, 0, 0, 16, .. new byte[9]], DropReason.InFragmentMalformed },
                { "a fragment of too long a packet", 2, [0, 1, 0, 0, 0xff, 0xff, .. new byte[16]], DropReason.InFragmentMalformed },
                { "a whole packet of rubbish in one fragment", 2, [0, 1, 0, 0, 0, 16, .. new byte[16]], DropReason.InMalformed },
                { "a whole packet with the checksum flag on ICMP in one fragment", 3, [0, 1, 0, 0, 0, (byte)udp.Length, .. With(udp, 9, 1)], DropReason.InChecksumFlag },
            };
            for (var bit = 2; bit < 8; bit++)
            {
                data.Add($"flag {1 << bit}", (byte)(1 << bit), udp, DropReason.InUnknownFlags);
                data.Add($"flag {1 << bit} on nothing", (byte)(1 << bit), [], DropReason.InUnknownFlags);
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

    /// <summary>What is delivered is judged by rules written anew here, and what is not delivered must be in the counters.</summary>
    [Fact]
    public void Datagrams_MillionMutated_OnlyValidPacketsReachTheHostAndMemoryIsFlat()
    {
        const int Seed = 20_261_122;
        const int Rounds = 1_000_000;
        var random = new Random(Seed);
        byte[][] corpus = [.. Corpus()];
        var scratch = new byte[2000];
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
                bytes = Mutate(random, scratch, bytes);
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

    private IEnumerable<byte[]> Corpus()
    {
        var tag = (byte)Mallory.Tag;
        var udp = TestPacket.Udp("10.42.0.2", Victim4, 60);
        var udp6 = TestPacket.Udp("fd42::2", Victim6, 60);
        byte[] tcp = Whole(With([.. udp[..20], .. new byte[60]], 9, 6));
        tcp[32] = 0x50;
        foreach (var packet in (byte[][])[udp, udp6, tcp, WithExtension(udp6, 44, [17, 0, 0, 1, 0, 0, 0, 1]), WithExtension(udp6, 0, [17, 0, 1, 4, 0, 0, 0, 0]), TestPacket.Udp("10.42.0.2", Victim4, 1400), With(udp, 9, 1)])
        {
            yield return [tag, 0, .. packet];
            yield return [tag, Partial, .. packet];
        }

        for (byte id = 0; id < 4; id++)
        {
            yield return [tag, 2, 0, id, 0, 0, 0, (byte)udp.Length, .. udp[..40]];
            yield return [tag, 2, 0, id, 0, 40, 0, (byte)udp.Length, .. udp[40..]];
        }
    }

    /// <summary>Flips bits, sets bytes, cuts off, appends.</summary>
    private static int Mutate(Random random, byte[] datagram, int bytes)
    {
        // The beginning matters most: tag, flags, lengths, addresses.
        var at = bytes == 0 ? 0 : random.Next(random.Next(3) > 0 ? Math.Min(bytes, 50) : bytes);
        switch (random.Next(5))
        {
            case 0 or 1:
                datagram[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                datagram[at] = (byte)random.Next(256);
                return bytes;
            case 3:
                return at;
            default:
                var more = Math.Min(random.Next(40), 1500 - bytes);
                random.NextBytes(datagram.AsSpan(bytes, more));
                return bytes + more;
        }
    }

    /// <summary>The rules of docs/protocol.md, Data, in other words than the node's.</summary>
    private static string? WhyInvalid(ReadOnlySpan<byte> packet, VirtioNetHeader header)
    {
        if (packet.Length is < 20 or > Target.MtuBytes)
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
        Alice.Received.Clear();

        Alice.Send(0, TestPacket.Udp("10.42.0.3", Victim4));
        _target.Send(TestPacket.Udp(Victim4, "10.42.0.3"));

        Assert.Equal(delivered + 1, _target.DeliveredCount);
        Assert.Single(Alice.Received);
        Assert.False(Mallory.IsClosed);
    }

    private static byte[] With(byte[] packet, int index, byte value)
    {
        byte[] copy = [.. packet];
        copy[index] = value;
        return copy;
    }

    /// <summary>Corrects the length in the IP header.</summary>
    private static byte[] Whole(byte[] packet)
    {
        byte[] copy = [.. packet];
        if (copy[0] >> 4 == 4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(2), (ushort)copy.Length);
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(copy.AsSpan(4), (ushort)(copy.Length - 40));
        }

        return copy;
    }

    private static byte[] WithExtension(byte[] packet, byte protocol, byte[] extension) =>
        Whole(With([.. packet[..40], .. extension, .. packet[40..]], 6, protocol));
}
