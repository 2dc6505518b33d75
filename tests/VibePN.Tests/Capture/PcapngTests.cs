using System.Buffers;
using System.Text;
using CsCheck;
using VibePN.Capture;
using Xunit;

namespace VibePN.Tests.Capture;

public sealed class PcapngTests
{
    private static readonly CapturedPacket s_packet = new()
    {
        Network = "home",
        Interface = "vpn-home",
        Peer = "b",
        IsOut = true,
        Packets = 1,
        Nanos = 5,
        WholeBytes = 3,
    };

    [Fact]
    public void Writer_OnePacket_ExactlyTheFileOfTheDraft()
    {
        var file = new ArrayBufferWriter<byte>();
        var writer = new PcapngWriter(file, 65_535, 1_700_000_000_000_000_000);
        writer.WriteHeader("VibePN", "node a");
        writer.Write(s_packet with { LostBefore = 2 }, new byte[] { 0x45, 1, 2 });

        // Section header; comment, application; end.
        Assert.Equal(
            "0A0D0D0A" + "38000000" + "4D3C2B1A" + "01000000" + "FFFFFFFFFFFFFFFF"
            + "01000600" + Hex("node a") + "0000" + "04000600" + Hex("VibePN") + "0000" + "00000000" + "38000000"

            // Interface: LINKTYPE_RAW, snap length; name, description, nanoseconds; end.
            + "01000000" + "3C000000" + "65000000" + "FFFF0000"
            + "02000800" + Hex("vpn-home") + "03000C00" + Hex("network home") + "09000100" + "09000000" + "00000000" + "3C000000"

            // Packet: interface 0, time, kept, whole, bytes; comment, outbound, two lost; end.
            + "06000000" + "5C000000" + "00000000" + "FE9C9717" + "05002A36" + "03000000" + "03000000" + "45010200"
            + "01001B00" + Hex("out to peer b, network home") + "00" + "02000400" + "02000000" + "04000800" + "0200000000000000" + "00000000" + "5C000000",
            Convert.ToHexString(file.WrittenSpan));
    }

    [Fact]
    public async Task Reader_OfWhatWasWritten_GivesItBack()
    {
        var file = new ArrayBufferWriter<byte>();
        var writer = new PcapngWriter(file, 65_535, 0);
        writer.WriteHeader("VibePN", "");
        var hostile = new string('ä', 5000);
        var sizes = new[] { 0, 1, 3, 4, 1500, 65_535 };
        foreach (var size in sizes)
        {
            writer.Write(s_packet with { Network = "n" + (size % 2), Peer = hostile, WholeBytes = 70_000, LostBefore = (ulong)size }, new byte[size]);
        }

        var reader = new PcapngReader(new MemoryStream(file.WrittenSpan.ToArray()));
        var (found, bytes) = (new List<int>(), 0);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            bytes += reader.Block.Length;
            if (reader.TryGetPacket(out var packet))
            {
                found.Add(packet.Bytes.Length);
                Assert.Equal((70_000, 5UL, true, "vpn-home", (ulong)packet.Bytes.Length), (packet.WholeBytes, packet.UtcNanos, packet.IsOut, packet.Interface, packet.LostBefore));
                Assert.InRange(Encoding.UTF8.GetByteCount(packet.Comment), 500, 1100);
            }
        }

        Assert.Equal(sizes, found);
        Assert.Equal(file.WrittenCount, bytes);
    }

    [Fact]
    public async Task Reader_OfAnything_ThrowsOnlyWhatItSays()
    {
        var file = new ArrayBufferWriter<byte>();
        var writer = new PcapngWriter(file, 65_535, 0);
        writer.WriteHeader("VibePN", "node");
        writer.Write(s_packet, new byte[100]);
        var good = file.WrittenSpan.ToArray();
        await Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length]).SampleAsync(
            async (at, value, length) =>
            {
                var bad = good[..length];
                if (at < length)
                {
                    bad[at] = value;
                }

                var reader = new PcapngReader(new MemoryStream(bad));
                try
                {
                    while (await reader.ReadAsync(CancellationToken.None))
                    {
                        _ = reader.TryGetPacket(out _);
                    }
                }
                catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
                {
                }
            },
            iter: 3000);
    }

    [Fact]
    public void Comment_OfADrop_SaysWhyInWords()
    {
        Assert.Equal(
            "out, network home, dropped: outNoRoute (no peer owns the destination)",
            PcapngWriter.CommentOf(s_packet with { Peer = null, Reason = DropReason.OutNoRoute }));
        Assert.Equal(
            "in from peer b, network home, dropped: inSourceNotOwned (the peer does not own the source address)",
            PcapngWriter.CommentOf(s_packet with { IsOut = false, Reason = DropReason.InSourceNotOwned }));
        Assert.Equal(
            "out to peer b, network home, dropped: outQueueFull (the peer's queue is full), 40 packets in one",
            PcapngWriter.CommentOf(s_packet with { Reason = DropReason.OutQueueFull, Packets = 40 }));
        Assert.All(Enum.GetValues<DropReason>(), reason => Assert.DoesNotContain("without words", DropReasons.WordsOf(reason), StringComparison.Ordinal));
    }

    [Fact]
    public void Text_OfAnyBytes_IsALine()
    {
        Assert.Equal("10.0.0.1:0 > 10.0.0.2:0 UDP", PacketText.Of(Sim.TestPacket.Udp("10.0.0.1", "10.0.0.2")));
        Assert.Equal("[fd42::1]:0 > [fd42::2]:0 UDP", PacketText.Of(Sim.TestPacket.Udp("fd42::1", "fd42::2")));
        Assert.Equal("no IP packet", PacketText.Of([]));
        Assert.Equal("no IP packet", PacketText.Of([0x41, .. Sim.TestPacket.Udp("10.0.0.1", "10.0.0.2")[1..]]));
        Gen.Byte.Array[0, 80].Sample(bytes =>
        {
            if (bytes.Length > 0)
            {
                bytes[0] = (byte)((bytes[0] & 15) | (bytes[0] % 2 == 0 ? 0x40 : 0x60));
            }

            return !PacketText.Of(bytes).Contains('\n', StringComparison.Ordinal);
        });
    }

    private static string Hex(string text) => Convert.ToHexString(Encoding.UTF8.GetBytes(text));
}
