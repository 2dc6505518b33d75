using System.Text;
using VibePN.Legacy;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.Tests.Legacy;

public sealed class LegacyReceiverTests
{
    private readonly List<(string Network, byte[] Packet)> _packets = [];
    private readonly LegacyReceiver _receiver;

    public LegacyReceiverTests() => _receiver = new LegacyReceiver((name, packet) => _packets.Add((Encoding.ASCII.GetString(name), packet.ToArray())));

    /// <summary>The worked example of docs/protocol.md.</summary>
    [Fact]
    public void Frame_OfTheWorkedExample_IsWrittenAndRead()
    {
        var frame = new byte[LegacyFrame.MaxBytes];
        var header = LegacyFrame.WriteHeader(frame, "corp", 0x0114);
        Assert.Equal("04636f72700114", Convert.ToHexStringLower(frame.AsSpan(0, header)));
        Assert.Equal(header + 0x114, LegacyFrame.BytesNeeded(frame));

        LegacyFrame.Split(frame.AsSpan(0, header + 0x114), out var name, out var packet);
        Assert.Equal("corp"u8, name);
        Assert.Equal(0x114, packet.Length);
    }

    [Fact]
    public void Frames_InPiecesOfAnySize_AreThePacketsThatWereSent()
    {
        byte[][] sent = [[], [1], [.. Enumerable.Range(0, 300).Select(i => (byte)i)], new byte[65_535], [7, 8, 9]];
        byte[] stream = [.. sent.SelectMany((packet, i) => LegacyDaemon.Frame("net" + i, packet))];
        foreach (var piece in (int[])[1, 2, 3, 7, 100, 1200, 70_000])
        {
            _packets.Clear();
            foreach (var data in stream.Chunk(piece))
            {
                _receiver.Receive(piece, data, fin: false);
            }

            _receiver.Receive(piece, [], fin: true);
            Assert.Equal(sent, _packets.Select(packet => packet.Packet));
            Assert.Equal(Enumerable.Range(0, sent.Length).Select(i => "net" + i), _packets.Select(packet => packet.Network));
        }

        Assert.Equal((0, 0, 0L), (_receiver.HeldBytes, _receiver.Streams, _receiver.Malformed));
    }

    [Fact]
    public void Streams_BesideEachOther_DoNotMix()
    {
        var one = LegacyDaemon.Frame("one", [1, 1, 1]);
        var two = LegacyDaemon.Frame("two", [2, 2, 2]);
        for (var i = 0; i < one.Length; i++)
        {
            _receiver.Receive(1, one.AsSpan(i, 1), fin: i == one.Length - 1);
            _receiver.Receive(5, two.AsSpan(i, 1), fin: i == one.Length - 1);
        }

        Assert.Equal(["one", "two"], _packets.Select(packet => packet.Network));
        Assert.Equal(0, _receiver.Streams);
    }

    [Theory]
    [InlineData("000147", 1, 0)]
    [InlineData("000f41", 1, 0)]
    [InlineData("000058", 0, 1)]
    [InlineData("21616161", 0, 1)]
    [InlineData("04434f525000010a", 0, 1)]
    [InlineData("03632d", 0, 1)]
    [InlineData("022d610000", 0, 1)]
    public void Stream_ThatIsNoData_IsIgnoredToItsEnd(string hex, int messages, int malformed)
    {
        var bytes = Convert.FromHexString(hex);
        _receiver.Receive(1, bytes, fin: false);
        _receiver.Receive(1, LegacyDaemon.Frame("corp", [1]), fin: true);
        foreach (var one in bytes)
        {
            _receiver.Receive(5, [one], fin: false);
        }

        _receiver.Receive(5, LegacyDaemon.Frame("corp", [1]), fin: true);

        Assert.Equal((2 * messages, 2 * malformed, 0), ((int)_receiver.Messages, (int)_receiver.Malformed, _receiver.Streams));
        Assert.Empty(_packets);
    }

    [Fact]
    public void Reset_OfAStream_ForgetsWhatWasHalf()
    {
        _receiver.Receive(1, LegacyDaemon.Frame("corp", new byte[100]).AsSpan(0, 50), fin: false);
        Assert.True(_receiver.HeldBytes > 0);
        _receiver.OnReset(1);
        _receiver.OnReset(99);

        Assert.Equal((0, 0, 0L), (_receiver.HeldBytes, _receiver.Streams, _receiver.Malformed));
    }

    [Fact]
    public void Halves_OfLargeFramesOnManyStreams_AreHeldUpToTheLimit()
    {
        var half = LegacyDaemon.Frame("corp", new byte[65_000]).AsSpan(0, 40_000);
        for (var i = 0; i < 1000; i++)
        {
            for (var at = 0; at < half.Length; at += 1000)
            {
                _receiver.Receive((4 * i) + 1, half.Slice(at, 1000), fin: false);
            }

            Assert.InRange(_receiver.HeldBytes, 1, LegacyReceiver.MaxHeldBytes);
        }

        Assert.InRange(_receiver.Malformed, 900, 999);
        _receiver.Clear();
        Assert.Equal((0, 0), (_receiver.HeldBytes, _receiver.Streams));
    }
}
