using VibePN.Config;
using VibePN.Tests.Sim;

namespace VibePN.Fuzz;

/// <summary>A whole node and a trusted peer that says anything: as datagrams, on the control stream, or as a stranger on the socket.</summary>
internal sealed class NodeFuzz : IDisposable
{
    // One each, so that what one target breaks is never another's finding.
    private static readonly NodeFuzz ForDatagrams = new();
    private static readonly NodeFuzz ForControl = new();
    private static readonly NodeFuzz ForSocket = new();
    private static readonly NodeFuzz ForIntroductions = new(introduces: true);

    private readonly SimNetwork _sim = new(1);
    private readonly SimHost _node;
    private readonly RawPeer _peer;
    private int _runs;

    private NodeFuzz(bool introduces = false)
    {
        _node = _sim.AddHost("a", 1, new SimPeer("evil"));
        if (introduces)
        {
            _node.Apply(config => config with { Peers = [config.Peers[0] with { Introduces = true }] });
        }

        _peer = new RawPeer(_sim, "evil", 66);
        Join();
    }

    /// <summary>One datagram on a connection that is up. A first byte 0 stands for the tag that the node chose.</summary>
    public static void Datagram(ReadOnlySpan<byte> input)
    {
        var datagram = input[..Math.Min(input.Length, 1000)].ToArray();
        if (datagram.Length > 0 && datagram[0] == 0)
        {
            datagram[0] = (byte)ForDatagrams._peer.TagOf("corp");
        }

        ForDatagrams._peer.SendDatagram(datagram);
        ForDatagrams.Settle();
        FuzzTargets.Require(ForDatagrams._peer.Closed is null, "no datagram ends a connection");
    }

    /// <summary>Bytes behind the Hello and the list on the control stream; the node may end the connection, and takes the next.</summary>
    public static void ControlStream(ReadOnlySpan<byte> input) => ForControl.Say(input);

    /// <summary>The same, said by one that may introduce others: they come and go, and are never more than may be.</summary>
    public static void Introductions(ReadOnlySpan<byte> input)
    {
        ForIntroductions.Say(input);
        var peers = ForIntroductions._node.Snapshot.Peers;
        FuzzTargets.Require(peers.Count <= 1 + Limits.IntroducedPerNetwork && peers[0].Name == "evil", "no more than may be introduced, and nobody in another's place");
        FuzzTargets.Require(peers.All(peer => Names.IsValid(peer.Name) && peer.Id != ForIntroductions._node.Id), "names can be shown, and nobody is this node");
    }

    /// <summary>A datagram from a stranger.</summary>
    public static void Socket(ReadOnlySpan<byte> input)
    {
        ForSocket._sim.Carry(ForSocket._peer, ForSocket._node.EndPoint, 0, input[..Math.Min(input.Length, 1472)]);
        ForSocket.Settle();
    }

    public void Dispose() => _sim.Dispose();

    private void Join()
    {
        _peer.Join(_node, "corp", "10.42.0.0/24", 9, "10.42.0.66");
        FuzzTargets.Require(_peer.Closed is null && _node.Snapshot.Peers[0].Condition == PeerCondition.Up, "the node takes the peer");
    }

    private void Say(ReadOnlySpan<byte> input)
    {
        if (_peer.Closed is not null || _peer.Connection!.IsClosed)
        {
            Join();
        }

        _peer.SayBytes(input[..Math.Min(input.Length, 1000)].ToArray());
        Settle();
    }

    private void Settle()
    {
        if (++_runs % 16 == 0)
        {
            _sim.Run(TimeSpan.FromMilliseconds(20));
            _node.Delivered.Clear();
            _node.Logger.Lines.Clear();
            _peer.Datagrams.Clear();
        }
    }
}
