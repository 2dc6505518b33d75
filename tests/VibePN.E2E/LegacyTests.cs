using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using VibePN.Tests.Sim;
using Xunit;

namespace VibePN.E2E;

/// <summary>A daemon with a real kernel behind it dials one of before (vibepn/0.1): pings, its end and return, and what no honest one sends.</summary>
public sealed class LegacyTests : IDisposable
{
    private const string Old = "old";
    private const string Inner = "10.42.0.77";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly TestBed _bed = new();
    private readonly TestNode _node;
    private readonly LegacyHost _old;

    public LegacyTests()
    {
        TestIdentity identity = TestIdentity.Create(Old);
        TestHost host = _bed.AddHost(Old);
        _node = _bed.AddNode("node");
        _node.Trust(Old, identity.Fingerprint, $"{host.Address}:{TestNode.Port}");
        _old = new LegacyHost(host, identity, Inner);
    }

    public void Dispose()
    {
        _old.Dispose();
        _bed.Dispose();
    }

    [Fact]
    public void Pings_PassBothWaysAndAgainAfterTheOldDaemonWasKilled()
    {
        _node.Start();
        Wait.Until(s_patience, "a ping to the old daemon", () => _node.Host.Ping(Inner));
        Wait.Until(s_patience, "an answer to a ping of the old daemon", PingBack);
        Wait.Until(s_patience, "large pings", () =>
            _node.Host.Run("ping", "-n", "-c", "10", "-i", "0.05", "-s", "1392", "-M", "do", "-W", "5", Inner).ExitCode == 0);

        Wait.Until(s_patience, "peers shows the protocol", () => Peer()["protocol"]?.GetValue<string>() == "vibepn/0.1");
        Assert.Equal("connected", Peer()["state"]!.GetValue<string>());
        Assert.Contains("no loss repair", Peer()["lacks"]!.AsArray().Select(lack => lack!.GetValue<string>()));
        Assert.Contains("old speaks vibepn/0.1: no dialing of this node", _node.Control("peers").Output, StringComparison.Ordinal);
        Wait.Until(s_patience, "one route to the node", () => _old.Do(old => old.RoutesOf(TestNode.Network)) is [var route] && route == $"{_node.Inner}/32");

        _old.Kill();
        Wait.For(TimeSpan.FromSeconds(1));
        _old.Boot();
        Wait.Until(s_patience, "a ping after the restart", () => _node.Host.Ping(Inner));
        Wait.Until(s_patience, "an answer after the restart", PingBack);

        Assert.Equal(0, _node.Control("goodbye").ExitCode);
        Wait.Until(s_patience, "the old daemon knows", () => _old.Do(old => old.Closed is not null));
        Assert.Null(_old.Failure);
        Assert.Empty(_old.Errors);
    }

    [Fact]
    public void Input_ThatNoHonestDaemonSends_LeavesThePingsAlone()
    {
        const int Seed = 20_261_123;
        const int Rounds = 2000;
        _node.Start();
        Wait.Until(s_patience, "a ping to the old daemon", () => _node.Host.Ping(Inner));
        Random random = new(Seed);
        byte[][] corpus =
        [
            LegacyDaemon.Frame(TestNode.Network, TestPacket.Udp(Inner, _node.Inner, 100)),
            LegacyDaemon.Frame(TestNode.Network, TestPacket.Udp("10.42.0.255", _node.Inner, 100)),
            LegacyDaemon.Frame("elsewhere", TestPacket.Udp(Inner, _node.Inner, 1000)),
            [0, 1, (byte)'G'],
            [0, 24, (byte)'A', .. LegacyDaemon.Field("corp"), .. LegacyDaemon.Field("10.42.0.0/24"), 0, 0],
            [.. LegacyDaemon.Frame(TestNode.Network, new byte[60_000])[..5000]],
        ];
        for (int round = 0; round < Rounds; round++)
        {
            byte[] bytes = [.. corpus[random.Next(corpus.Length)]];
            for (int i = random.Next(4); i > 0; i--)
            {
                bytes[random.Next(Math.Min(bytes.Length, 40))] = (byte)random.Next(256);
            }

            // Few are left open: they use up what the node allows.
            bool fin = round % 10 != 0;
            _old.Do(old => old.SendStream(bytes, fin));
            if (round % 50 == 0)
            {
                Wait.For(TimeSpan.FromMilliseconds(5));
            }
        }

        Wait.Until(s_patience, "every stream was taken", () => _old.Do(old => old.Waiting == 0));
        Wait.Until(s_patience, $"a ping beside hostile streams, seed {Seed}", () => _node.Host.Ping(Inner));
        Assert.Equal(0, _node.CountLog("broke the protocol"));
        Assert.True(_node.Drops("inMalformed") > 0, "hostile streams were counted");

        // On the control stream it costs the connection, and the next one is taken.
        int before = _old.Do(old => old.Accepted);
        _old.Do(old => old.SayBytes(0, 3, (byte)'A', 200, 1));
        Wait.Until(s_patience, "another connection", () => _old.Do(old => old.Accepted > before));
        Wait.Until(s_patience, "the reason in the log", () => _node.CountLog("broke the protocol") > 0);
        Wait.Until(s_patience, "a ping on another connection", () => _node.Host.Ping(Inner));
        Assert.Null(_old.Failure);
    }

    private JsonNode Peer() => _node.Json("peers")["peers"]!.AsArray().Single()!;

    private bool PingBack()
    {
        int before = _old.Do(old => old.Replies);
        _old.Do(old => old.Ping(_node.Inner));
        Wait.For(TimeSpan.FromMilliseconds(200));
        return _old.Do(old => old.Replies) > before;
    }
}
