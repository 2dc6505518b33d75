using VibePN.Quic.Tests.Sim;

namespace VibePN.Quic.Tests;

public sealed class DeadlineHeapTests
{
    [Fact]
    public void ManyConnections_AllDeadlinesMet()
    {
        // Idle timeouts of different ages: whoever is forgotten by the heap never ends.
        using var pair = new SimPair(
            settings: new QuicSettings { IdleTimeout = TimeSpan.FromSeconds(8), KeepAlive = TimeSpan.Zero },
            bob: o => o with { RetryAbovePerSecond = int.MaxValue, DropAbovePerSecond = int.MaxValue });
        for (var i = 0; i < 100; i++)
        {
            var dialer = pair.Alice.Dial(pair.Bob);
            pair.Net.Run(TimeSpan.FromMilliseconds(37));
            if (i % 3 == 0)
            {
                dialer.Close(0, "");
                pair.Alice.Flush();
            }
        }

        pair.Net.Run(TimeSpan.FromSeconds(2));
        var deadlines = pair.Alice.Endpoint.Connections.Select(c => c.Deadline).ToList();
        Assert.Equal(66, deadlines.Count);
        Assert.Equal(deadlines.Min(), pair.Alice.Endpoint.NextDeadline);
        pair.Net.Run(TimeSpan.FromSeconds(20));
        Assert.Equal(0, pair.Connections);
        Assert.Equal(100, pair.Alice.Handler.Closed.Count);
        Assert.Equal(100, pair.Bob.Handler.Closed.Count);
    }
}
