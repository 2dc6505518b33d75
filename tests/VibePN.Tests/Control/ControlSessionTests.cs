using System.Buffers;
using VibePN.Control;
using Xunit;

namespace VibePN.Tests.Control;

public sealed class ControlSessionTests
{
    private readonly ControlSession _session = new();
    private readonly List<ControlMessage> _messages = [];

    [Fact]
    public void Receive_ByteByByte_SameMessages()
    {
        foreach (var value in Encode(SomeHello(), new Keepalive(1, null), Networks(("corp", 1))))
        {
            _session.Receive([value], _messages, 0);
        }

        Assert.Equal([typeof(Hello), typeof(Keepalive), typeof(NetworkList)], _messages.Select(message => message.GetType()));
        Assert.NotNull(_session.PeerNetworks);
    }

    [Fact]
    public void Receive_AnythingBeforeHello_Refused() =>
        Assert.Throws<ControlException>(() => _session.Receive(Encode(new Keepalive(1, null)), _messages, 0));

    [Fact]
    public void Receive_SecondHello_Refused() =>
        Assert.Throws<ControlException>(() => _session.Receive(Encode(SomeHello(), SomeHello()), _messages, 0));

    [Fact]
    public void Receive_TagUsedTwice_Refused() =>
        Assert.Throws<ControlException>(() => _session.Receive(Encode(SomeHello(), Networks(("a", 1), ("b", 1))), _messages, 0));

    [Fact]
    public void Receive_TagOfADroppedNetworkUsedAgain_Refused()
    {
        _session.Receive(Encode(SomeHello(), Networks(("a", 1), ("b", 2)), Networks(("b", 2))), _messages, 0);

        Assert.Throws<ControlException>(() => _session.Receive(Encode(Networks(("b", 2), ("c", 1))), _messages, 0));
    }

    [Fact]
    public void Receive_SameListAgain_Accepted() =>
        _session.Receive(Encode(SomeHello(), Networks(("a", 1)), Networks(("a", 1)), Networks(("a", 1), ("b", 2))), _messages, 0);

    [Fact]
    public void Receive_ReplyToKeepalive_MeasuresRoundTrip()
    {
        _session.Receive(Encode(SomeHello()), _messages, 0);
        var keepalive = _session.NextKeepalive(null, 1_000_000);

        _session.Receive(Encode(new KeepaliveReply(keepalive.Id, null)), _messages, 6_000_000);

        Assert.Equal(TimeSpan.FromMilliseconds(5), _session.EchoRtt);
    }

    [Fact]
    public void Keepalive_Unanswered_DeadlineIsThatOfTheOldest()
    {
        _session.Receive(Encode(SomeHello()), _messages, 0);
        Assert.Equal(ulong.MaxValue, _session.EchoDeadlineNanos);

        _session.NextKeepalive(null, 1_000);
        _session.NextKeepalive(null, 2_000);

        Assert.Equal(1_000 + ControlSession.EchoTimeoutNanos, _session.EchoDeadlineNanos);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public void Receive_Reply_OnlyOneThatWasAskedForMovesTheDeadline(ulong id, bool isAnswer)
    {
        _session.Receive(Encode(SomeHello()), _messages, 0);
        _session.NextKeepalive(null, 1_000);
        _session.NextKeepalive(null, 2_000);

        _session.Receive(Encode(new KeepaliveReply(id, null)), _messages, 5_000);

        Assert.Equal(
            !isAnswer ? 1_000 + ControlSession.EchoTimeoutNanos : id == 1 ? 5_000 + ControlSession.EchoTimeoutNanos : ulong.MaxValue,
            _session.EchoDeadlineNanos);
    }

    [Fact]
    public void Receive_SameReplyAgain_IsNoSignOfLife()
    {
        _session.Receive(Encode(SomeHello()), _messages, 0);
        _session.NextKeepalive(null, 1_000);
        _session.NextKeepalive(null, 2_000);
        _session.Receive(Encode(new KeepaliveReply(1, null)), _messages, 3_000);

        _session.Receive(Encode(new KeepaliveReply(1, null)), _messages, 9_000);

        Assert.Equal(3_000 + ControlSession.EchoTimeoutNanos, _session.EchoDeadlineNanos);
    }

    private static Hello SomeHello() => new(Guid.NewGuid(), "peer", [], null, 0, false);

    private static NetworkList Networks(params (string Name, ulong Tag)[] networks) =>
        new([.. networks.Select(network => new NetworkOffer(network.Name, [], [], network.Tag))]);

    private static byte[] Encode(params ControlMessage[] messages)
    {
        var writer = new ArrayBufferWriter<byte>();
        foreach (var message in messages)
        {
            ControlCodec.Write(writer, message);
        }

        return writer.WrittenSpan.ToArray();
    }
}
