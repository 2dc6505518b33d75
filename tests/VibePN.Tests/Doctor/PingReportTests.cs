using VibePN.Api;
using VibePN.Doctor;
using Xunit;

namespace VibePN.Tests.Doctor;

public sealed class PingReportTests
{
    private static readonly PeerDto Peer = new() { Name = "two", State = PeerState.Connected, Address = "203.0.113.2:51820", RttMillis = 20, MtuBytes = 1420 };

    [Theory]
    [InlineData(20.4, 0, "the delay is the path's")]
    [InlineData(26, 0, "the delay is the path's")]
    [InlineData(45, 0, "25 ms of the delay are made by the two hosts")]
    [InlineData(80, 60, "packets wait up to 60 ms in this node's queue")]
    [InlineData(45, 4, "25 ms of the delay are made by the two hosts")]
    public void Answer_ByWhereTheDelayIs_NamesIt(double inside, double queue, string expected)
    {
        PingReport report = Report(inside, inside, inside);
        report.See(Peer with { Queue = new QueueDto { WaitMillis = queue } });
        Assert.StartsWith(expected, report.Make().Answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Answer_LossAndSize_ComeFirst()
    {
        PingReport report = Report(20, null, 21, 22);
        report.MtuPasses = false;
        PingDto answer = report.Make();
        Assert.Equal((4, 3), (answer.Sent, answer.Received));
        Assert.Equal((20, 21, 22, 22), (answer.MinMillis, answer.MedianMillis, answer.P95Millis, answer.MaxMillis));
        Assert.Equal("25 % lost; packets of 1420 bytes do not come through whole; the delay is the path's", answer.Answer);
    }

    [Fact]
    public void Answer_NothingComesBack_SaysWhatThatMeans()
    {
        Assert.Contains("explain 10.42.0.2", Report(null, null).Make().Answer, StringComparison.Ordinal);
        PingReport silent = Report([null]);
        silent.See(Peer with { UnansweredMillis = 900 });
        Assert.Contains("go unanswered", silent.Make().Answer, StringComparison.Ordinal);
        Assert.Null(silent.Make().MedianMillis);
    }

    [Fact]
    public void Answer_NotConnectedOrWithoutAddress_SaysSo()
    {
        Assert.Contains("no answer yet", new PingReport(Peer with { State = PeerState.Dialing, Reason = "no answer yet" }, "10.42.0.2").Make().Answer, StringComparison.Ordinal);
        Assert.Contains("export = true", new PingReport(Peer, null).Make().Answer, StringComparison.Ordinal);
    }

    private static PingReport Report(params double?[] inside)
    {
        PingReport report = new(Peer, "10.42.0.2");
        report.See(Peer);
        foreach (double? millis in inside)
        {
            report.Add(millis, null);
        }

        return report;
    }
}
