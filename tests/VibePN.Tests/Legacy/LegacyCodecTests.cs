using System.Buffers;
using System.Net;
using VibePN.Control;
using VibePN.Legacy;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Legacy;

public sealed class LegacyCodecTests
{
    private static readonly Prefix V4 = Prefix.FromIPNetwork(IPNetwork.Parse("10.42.0.0/24"));

    /// <summary>The worked examples of docs/protocol.md.</summary>
    public static TheoryData<string, string> Examples => new()
    {
        { nameof(LegacyHello), "0009" + "48" + "0102030405060708" },
        { nameof(LegacyAnnounce), "0015" + "41" + "04636f7270" + "0c" + "31302e34322e302e302f3234" + "0000" },
        { nameof(LegacyWithdraw), "0013" + "57" + "04636f7270" + "0c" + "31302e34322e302e302f3234" },
        { nameof(LegacyKeepalive), "0009" + "4b" + "0000000069559b80" },
        { nameof(LegacyGoodbye), "0001" + "47" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Write_Sample_MatchesTheProtocolText(string message, string hex)
    {
        var writer = new ArrayBufferWriter<byte>();
        switch (message)
        {
            case nameof(LegacyHello):
                LegacyCodec.WriteHello(writer, 0x0102030405060708);
                break;
            case nameof(LegacyAnnounce):
                LegacyCodec.WriteAnnounce(writer, "corp", [V4], 0);
                break;
            case nameof(LegacyWithdraw):
                LegacyCodec.WriteWithdraw(writer, "corp", V4);
                break;
            case nameof(LegacyKeepalive):
                LegacyCodec.WriteKeepalive(writer, 1_767_218_048);
                break;
            default:
                LegacyCodec.WriteGoodbye(writer);
                break;
        }

        Assert.Equal(hex, Convert.ToHexStringLower(writer.WrittenSpan));
        Assert.Equal(writer.WrittenCount, LegacyCodec.TryRead(writer.WrittenSpan, out var read));
        Assert.Equal(message, read!.GetType().Name);
        Assert.True(LegacyCodec.IsMessage(writer.WrittenSpan));
    }

    [Fact]
    public void TryRead_AnnouncementAndWithdrawal_SayWhatTheBytesDo()
    {
        Assert.Equal(22 + 1, LegacyCodec.TryRead(Convert.FromHexString("001541" + "04636f7270" + "0c31302e34322e302e302f3234" + "0107"), out var announce));
        var read = Assert.IsType<LegacyAnnounce>(announce);
        Assert.Equal(("corp", 0), (read.Network, read.Unreadable));
        Assert.Equal([(V4, (ushort)0x107)], read.Routes);

        LegacyCodec.TryRead(Convert.FromHexString("001357" + "04636f7270" + "0c31302e34322e302e302f3234"), out var withdraw);
        Assert.Equal(new LegacyWithdraw("corp", V4), withdraw);
    }

    [Fact]
    public void TryRead_EveryBeginningOfAMessage_WaitsForMore()
    {
        foreach (var example in Examples)
        {
            var bytes = Convert.FromHexString(example.Data.Item2);
            for (var i = 0; i < bytes.Length; i++)
            {
                Assert.Equal(0, LegacyCodec.TryRead(bytes.AsSpan(0, i), out var message));
                Assert.Null(message);
            }
        }
    }

    [Theory]
    [InlineData("0000")]
    [InlineData("1001")]
    [InlineData("ffff")]
    [InlineData("00084800000000000000")]
    [InlineData("000141")]
    [InlineData("00024105")]
    [InlineData("00044101630c")]
    [InlineData("000641016301310000")]
    [InlineData("000157")]
    [InlineData("00035701" + "63")]
    [InlineData("000a4b000000000000000000")]
    public void TryRead_MessageWhoseLengthsContradictEachOther_IsMalformed(string hex) =>
        Assert.Equal(CloseReason.Malformed, Assert.Throws<ControlException>(() => LegacyCodec.TryRead(Convert.FromHexString(hex), out _)).Reason);

    [Theory]
    [InlineData("10.42.0.0/24", "10.42.0.0/24")]
    [InlineData("10.42.0.7/24", "10.42.0.0/24")]
    [InlineData("fd42::1/64", "fd42::/64")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("10.42.0.0", null)]
    [InlineData("10.42.0.0/33", null)]
    [InlineData("10.42.0.0/-1", null)]
    [InlineData("10.42.0/24", null)]
    [InlineData("10.42.0.0/24/24", null)]
    [InlineData("010.042.0.0/24", null)]
    [InlineData("::ffff:10.42.0.0/120", null)]
    [InlineData("fe80::1%eth0/64", null)]
    [InlineData("", null)]
    [InlineData("/", null)]
    public void ReadPrefix_Text_IsThePrefixOrNothing(string text, string? expected) =>
        Assert.Equal(expected, LegacyCodec.ReadPrefix(System.Text.Encoding.UTF8.GetBytes(text))?.ToString());

    [Fact]
    public void WriteAnnounce_ManyRoutes_GoInMessagesThatAreNotTooLong()
    {
        Prefix[] routes = [.. Enumerable.Range(0, 4096).Select(i => new Prefix(new IpKey(0x0a00_0000u + ((uint)i << 8), false), 24))];
        var writer = new ArrayBufferWriter<byte>();
        LegacyCodec.WriteAnnounce(writer, new string('n', 32), routes, 0);

        var rest = writer.WrittenSpan;
        var read = new List<Prefix>();
        while (!rest.IsEmpty)
        {
            var bytes = LegacyCodec.TryRead(rest, out var message);
            Assert.InRange(bytes, 3, LegacyCodec.MaxMessageBytes + 2);
            read.AddRange(Assert.IsType<LegacyAnnounce>(message).Routes.Select(route => route.Prefix));
            rest = rest[bytes..];
        }

        Assert.Equal(routes, read);
        writer.ResetWrittenCount();
        LegacyCodec.WriteAnnounce(writer, "corp", [], 0);
        Assert.Equal(0, writer.WrittenCount);
        Assert.Throws<ArgumentException>(() => LegacyCodec.WriteAnnounce(writer, "", routes, 0));
    }

    /// <summary>The worked example of docs/protocol.md.</summary>
    [Fact]
    public void Address_OfTheWorkedExample_IsWhatTheTextSays()
    {
        Assert.Equal("10.42.0.216", LegacyAddress.Of("corp", "node1", V4)?.ToString());
        Assert.Null(LegacyAddress.Of("corp", "node1", Prefix.FromIPNetwork(IPNetwork.Parse("10.42.0.0/31"))));
        Assert.Null(LegacyAddress.Of("corp", "node1", Prefix.FromIPNetwork(IPNetwork.Parse("fd42::/64"))));
    }

    [Fact]
    public void Address_OfAnyNode_IsEvenAndInThePrefix()
    {
        for (var i = 0; i < 500; i++)
        {
            var prefix = new Prefix(IpKey.FromIPAddress(IPAddress.Parse("10.42.0.0")), i % 31);
            var address = LegacyAddress.Of("corp", $"node{i}", prefix)!.Value;
            Assert.True(prefix.Contains(address) && (address.Bits & 1) == 0, $"{address} in {prefix}");
        }
    }
}
