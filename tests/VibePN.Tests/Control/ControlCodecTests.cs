using System.Buffers;
using System.Net;
using CsCheck;
using VibePN.Control;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Control;

public sealed class ControlCodecTests
{
    private static readonly Prefix V4 = Prefix.FromIPNetwork(IPNetwork.Parse("10.42.0.0/24"));
    private static readonly Prefix V6 = Prefix.FromIPNetwork(IPNetwork.Parse("fd42::/64"));

    private static readonly Hello SampleHello = new(
        Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), "node1", [7], IPEndPoint.Parse("203.0.113.42:51820"), 9000, true);

    private static readonly NetworkList SampleNetworks = new(
        [new NetworkOffer("corp", [V4, V6], [IpKey.FromIPAddress(IPAddress.Parse("10.42.0.5")), IpKey.FromIPAddress(IPAddress.Parse("fd42::5"))], 1)]);

    private static readonly Members SampleMembers = new(
        [new MemberOffer(PeerId.Parse("f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678"), "bob", ["corp"], [IPEndPoint.Parse("203.0.113.2:51820")])], [], IsComplete: true, Asks: true);

    /// <summary>The worked examples of docs/protocol.md.</summary>
    public static TheoryData<string, string> Examples => new()
    {
        { nameof(Hello), "01" + "2a" + "0110" + "00112233445566778899aabbccddeeff" + "0205" + "6e6f646531" + "030107" + "0406" + "ca6c" + "cb00712a" + "0502" + "6328" + "0600" },
        { nameof(NetworkList), "02" + "3d" + "013b" + "0104" + "636f7270" + "0205" + "180a2a0000" + "0211" + "40fd420000000000000000000000000000" + "0304" + "0a2a0005" + "0310" + "fd420000000000000000000000000005" + "040101" },
        { nameof(Keepalive), "05" + "03" + "010105" },
        { nameof(Members), "08" + "3c" + "0135" + "0120" + "f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678" + "0203" + "626f62" + "0304" + "636f7270" + "0406" + "ca6c" + "cb007102" + "0300" + "0401" + "01" },
        { nameof(ParityReport), "0a" + "0c" + "0104" + "80004000" + "02013f" + "030105" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Write_Sample_MatchesTheProtocolText(string message, string hex)
    {
        ControlMessage sample = message switch
        {
            nameof(Hello) => SampleHello,
            nameof(NetworkList) => SampleNetworks,
            nameof(Members) => SampleMembers,
            nameof(ParityReport) => new ParityReport(16_384, 63, 5),
            _ => new Keepalive(5, null),
        };

        Assert.Equal(hex, Convert.ToHexStringLower(Encode(sample)));
    }

    [Fact]
    public void TryRead_EveryMessage_ComesBackEqual()
    {
        ControlMessage[] messages =
        [
            SampleHello,
            SampleNetworks,
            new Announce("corp", [new RouteOffer(V4, 10, 3600), new RouteOffer(V6, 0, 0)]),
            new Withdraw("corp", [V6]),
            new Keepalive(1, IPEndPoint.Parse("[2001:db8::1]:1")),
            new KeepaliveReply(ulong.MaxValue >> 2, null),
            new AddressInUse("corp", IpKey.FromIPAddress(IPAddress.Parse("fd42::5"))),
            new PeerError(CloseReason.Malformed, "what is wrong"),
            SampleMembers,
            new Members([], [.. SampleMembers.Present.Select(member => member.Id)], IsComplete: false, Asks: false),
            new ParityReport(16_384, 63, 5),
        ];
        foreach (var message in messages)
        {
            var bytes = Encode(message);

            Assert.Equal(bytes.Length, ControlCodec.TryRead(bytes, out var read));
            Assert.Equal(message.GetType(), read?.GetType());
            Assert.Equal(bytes, Encode(read!));
        }
    }

    [Fact]
    public void TryRead_EveryTruncation_AsksForMore()
    {
        var bytes = Encode(SampleNetworks);
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(0, ControlCodec.TryRead(bytes.AsSpan(0, length), out _));
        }
    }

    [Fact]
    public void TryRead_UnknownTypeAndField_AreSkipped()
    {
        byte[] unknownType = [0x3f, 0x02, 0xaa, 0xbb];
        Assert.Equal(4, ControlCodec.TryRead(unknownType, out var nothing));
        Assert.Null(nothing);

        byte[] unknownField = [0x05, 0x06, 0x3e, 0x01, 0xff, 0x01, 0x01, 0x09];
        Assert.Equal(8, ControlCodec.TryRead(unknownField, out var keepalive));
        Assert.Equal(new Keepalive(9, null), keepalive);
    }

    [Theory]
    [InlineData("0a")]
    [InlineData("0b")]
    public void TryRead_MessageLength_AtLimitWaitsBeyondIsRefused(string lastDigit)
    {
        var length = Limits.ControlMessageBytes + (lastDigit == "0a" ? 0 : 1);
        var bytes = new byte[9];
        bytes[0] = 1;
        VarInt.Write(bytes.AsSpan(1), (ulong)length);

        if (lastDigit == "0a")
        {
            Assert.Equal(0, ControlCodec.TryRead(bytes, out _));
        }
        else
        {
            Assert.Equal(CloseReason.LimitExceeded, Assert.Throws<ControlException>(() => ControlCodec.TryRead(bytes, out _)).Reason);
        }
    }

    [Theory]
    [InlineData("01030101aa", "a Hello with a short boot id")]
    [InlineData("0100", "a Hello without one")]
    [InlineData("02080106" + "0104636f7270", "a network without a tag")]
    [InlineData("020b0109" + "0104636f7270" + "040100", "tag 0")]
    [InlineData("020b0109" + "0104434f5250" + "040101", "an upper-case name")]
    [InlineData("0402" + "0105", "a field beyond the message")]
    [InlineData("0408" + "0206" + "180a2a000000", "a prefix of 6 bytes")]
    [InlineData("0407" + "0205" + "210a2a0000", "a prefix length of 33")]
    [InlineData("0407" + "0205" + "180a2a0001", "host bits")]
    [InlineData("0504" + "01020500", "a number with a rest")]
    [InlineData("0300", "an announcement without a network")]
    [InlineData("0400", "a withdrawal without a network")]
    [InlineData("0804" + "01020201", "a member without a fingerprint")]
    [InlineData("0803" + "0201aa", "a fingerprint of one byte")]
    [InlineData("0802" + "0400", "an empty number")]
    [InlineData("0906" + "02040a2a0005", "an address in use without a network")]
    public void TryRead_Malformed_Throws(string hex, string what)
    {
        var bytes = Convert.FromHexString(hex);
        var refused = false;
        try
        {
            _ = ControlCodec.TryRead(bytes, out _);
        }
        catch (ControlException)
        {
            refused = true;
        }

        Assert.True(refused, what);
    }

    [Fact]
    public void TryRead_AnyBytes_MessageOrControlException() => Gen.Byte.Array[0, 200].Sample(
        bytes =>
        {
            try
            {
                Assert.InRange(ControlCodec.TryRead(bytes, out _), 0, bytes.Length);
            }
            catch (ControlException)
            {
            }
        },
        iter: 20_000);

    [Fact]
    public void TryRead_MutatedMessages_MessageOrControlException()
    {
        var originals = new[] { Encode(SampleHello), Encode(SampleNetworks), Encode(new Announce("corp", [new RouteOffer(V6, 1, 2)])) };
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 1000], Gen.Byte).Sample(
            (which, position, value) =>
            {
                var bytes = (byte[])originals[which].Clone();
                bytes[position % bytes.Length] = value;
                try
                {
                    Assert.InRange(ControlCodec.TryRead(bytes, out _), 0, bytes.Length);
                }
                catch (ControlException)
                {
                }
            },
            iter: 20_000);
    }

    [Theory]
    [InlineData(0UL, 1)]
    [InlineData(63UL, 1)]
    [InlineData(64UL, 2)]
    [InlineData(16383UL, 2)]
    [InlineData(16384UL, 4)]
    [InlineData(1073741823UL, 4)]
    [InlineData(1073741824UL, 8)]
    [InlineData(VarInt.MaxValue, 8)]
    public void VarInt_Boundaries_RoundTrip(ulong value, int length)
    {
        var bytes = new byte[8];

        Assert.Equal(length, VarInt.Write(bytes, value));
        Assert.Equal(length, VarInt.TryRead(bytes, out var read));
        Assert.Equal(value, read);
        Assert.Equal(0, VarInt.TryRead(bytes.AsSpan(0, length - 1), out _));
    }

    private static byte[] Encode(ControlMessage message)
    {
        var writer = new ArrayBufferWriter<byte>();
        ControlCodec.Write(writer, message);
        return writer.WrittenSpan.ToArray();
    }
}
