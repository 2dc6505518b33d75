using VibePN.Tests.Sim;

namespace VibePN.Fuzz;

/// <summary>A whole node and a trusted peer that says anything: as datagrams, on the control stream, or as a stranger on the socket.</summary>
internal sealed class NodeFuzz : IDisposable
{
    // One each, so that what one target breaks is never another's finding.
    private static readonly NodeFuzz ForDatagrams = new();
    private static readonly NodeFuzz ForControl = new();
    private static readonly NodeFuzz ForSocket = new();

    private readonly SimNetwork _sim = new(1);
    private readonly SimHost _node;
    private readonly RawPeer _peer;
    private int _runs;

    private NodeFuzz()
    {
        _node = _sim.AddHost("a", 1, new SimPeer("evil"));
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
    public static void ControlStream(ReadOnlySpan<byte> input)
    {
        if (ForControl._peer.Closed is not null || ForControl._peer.Connection!.IsClosed)
        {
            ForControl.Join();
        }

        ForControl._peer.SayBytes(input[..Math.Min(input.Length, 1000)].ToArray());
        ForControl.Settle();
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
