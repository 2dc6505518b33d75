using System.Net;
using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

public sealed class NetlinkMessageTests
{
    [Fact]
    public void Request_AddressWithFlags_Golden()
    {
        var request = NetlinkRequest
            .Create(NetlinkConstants.RTM_NEWADDR, NetlinkConstants.NLM_F_ACK, new Ifaddrmsg { ifa_family = 2, ifa_prefixlen = 24, ifa_index = 5 })
            .Add(NetlinkConstants.IFA_LOCAL, IPAddress.Parse("10.7.0.1"))
            .Add(NetlinkConstants.IFA_FLAGS, 2u);

        Assert.Equal(
            "28000000" + "1400" + "0500" + "09000000" + "00000000" + "02180000" + "05000000" + "0800" + "0200" + "0a070001" + "0800" + "0800" + "02000000",
            Convert.ToHexStringLower(request.Finish(9)));
    }

    [Fact]
    public void Request_NestedOddValue_IsPadded()
    {
        var request = NetlinkRequest.Create(NetlinkConstants.RTM_NEWLINK, 0, default(Ifinfomsg))
            .Nest(26, spec => spec.Nest(10, v6 => v6.Add(8, (byte)1)))
            .Add(4, 1400u);

        Assert.Equal(
            "38000000" + "1000" + "0100" + "01000000" + "00000000" + new string('0', 32)
            + "1000" + "1a80" + "0c00" + "0a80" + "0500" + "0800" + "01000000" + "0800" + "0400" + "78050000",
            Convert.ToHexStringLower(request.Finish(1)));
    }

    [Fact]
    public void Read_Route_IsParsed()
    {
        var request = NetlinkRequest
            .Create(NetlinkConstants.RTM_NEWROUTE, 0, new Rtmsg { rtm_family = 2, rtm_dst_len = 16, rtm_table = 254, rtm_protocol = 201, rtm_type = 1 })
            .Add(NetlinkConstants.RTA_DST, IPAddress.Parse("10.8.0.0"))
            .Add(NetlinkConstants.RTA_OIF, 3u)
            .Nest(NetlinkConstants.RTA_METRICS, metrics => metrics.Add(NetlinkConstants.RTAX_MTU, 1300u));
        var bytes = request.Finish(1);

        Assert.True(NetlinkMessage.TryRead(ref bytes, out var message));
        Assert.True(bytes.IsEmpty);
        Assert.Equal(new HostRoute(3, IPNetwork.Parse("10.8.0.0/16"), null, 0, 1300, 201), HostQueries.ReadRoute(message));
        Assert.Null(HostQueries.ReadAddress(message));
        Assert.Null(HostQueries.ReadLink(message));
    }

    [Fact]
    public void Read_HostBitsOrLengthBeyondTheFamily_IsNoRoute()
    {
        foreach (var (address, length) in new[] { ("10.8.0.1", 16), ("10.8.0.0", 33), ("10.8.0.0", 255) })
        {
            var bytes = NetlinkRequest
                .Create(NetlinkConstants.RTM_NEWROUTE, 0, new Rtmsg { rtm_family = 2, rtm_dst_len = (byte)length, rtm_table = 254, rtm_type = 1 })
                .Add(NetlinkConstants.RTA_DST, IPAddress.Parse(address))
                .Finish(1);
            Assert.True(NetlinkMessage.TryRead(ref bytes, out var message));
            Assert.Null(HostQueries.ReadRoute(message));
        }
    }

    [Fact]
    public void Read_MutatedMessages_NeverLeavesTheBuffer()
    {
        var original = NetlinkRequest
            .Create(NetlinkConstants.RTM_NEWROUTE, 0, new Rtmsg { rtm_family = 10, rtm_dst_len = 32, rtm_table = 254, rtm_type = 1 })
            .Add(NetlinkConstants.RTA_DST, IPAddress.Parse("fd08::"))
            .Add(NetlinkConstants.RTA_GATEWAY, IPAddress.Parse("fd08::1"))
            .Nest(NetlinkConstants.RTA_METRICS, metrics => metrics.Add(NetlinkConstants.RTAX_MTU, 1300u))
            .Nest(NetlinkConstants.IFLA_AF_SPEC, spec => spec.Nest(10, v6 => v6.Add(8, (byte)1)))
            .Finish(1)
            .ToArray();
        var messages = 0;
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var bytes = original[..random.Next(original.Length + 1)];
            for (var i = random.Next(6); i > 0 && bytes.Length > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            ReadOnlySpan<byte> left = bytes;
            while (NetlinkMessage.TryRead(ref left, out var message))
            {
                messages++;
                _ = HostQueries.ReadLink(message);
                _ = HostQueries.ReadAddress(message);
                _ = HostQueries.ReadRoute(message);
                _ = message.ReadError();
            }
        }

        Assert.InRange(messages, 100, 200_000);
    }
}
