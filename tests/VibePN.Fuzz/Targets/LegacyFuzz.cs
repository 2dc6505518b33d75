using System.Buffers;
using System.Text;
using VibePN.Control;
using VibePN.Legacy;
using VibePN.Tests.Sim;

namespace VibePN.Fuzz;

/// <summary>The protocol of before: its messages, its data streams, and a node that dialed somebody who speaks it and says anything.</summary>
internal sealed class LegacyFuzz : IDisposable
{
    private static readonly LegacyFuzz ForNode = new();

    private readonly SimNetwork _sim = new(1);
    private readonly SimHost _node;
    private readonly SimLegacy _peer;
    private int _runs;

    private LegacyFuzz()
    {
        _node = _sim.AddHost("a", 1, new SimPeer("old", 66));
        _peer = new SimLegacy(_sim, "old", 66);
        _peer.Exports.Add(("corp", "10.42.0.0/24", 0));
        Await();
    }

    /// <summary>A control stream: what is read and can be written comes back the same.</summary>
    public static void Messages(ReadOnlySpan<byte> input)
    {
        try
        {
            while (LegacyCodec.TryRead(input, out var message) is var read and > 0)
            {
                FuzzTargets.Require(read <= input.Length, "no more is consumed than is there");
                input = input[read..];
                if (message is LegacyAnnounce { Network.Length: > 0, Routes.Count: > 0 } announce)
                {
                    var writer = new ArrayBufferWriter<byte>();
                    LegacyCodec.WriteAnnounce(writer, announce.Network, [.. announce.Routes.Select(route => route.Prefix)], 0);
                    FuzzTargets.Require(
                        LegacyCodec.TryRead(writer.WrittenSpan, out var again) > 0 && again is LegacyAnnounce { Unreadable: 0 } same && same.Network == announce.Network,
                        "what was written can be read");
                }
            }

            FuzzTargets.Require(input.Length < LegacyCodec.MaxMessageBytes + 2, "what is kept is less than one message");
        }
        catch (ControlException)
        {
            // Documented.
        }
    }

    /// <summary>The first byte says in how large pieces the rest arrives: the packets must not depend on it.</summary>
    public static void Streams(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        var whole = Read(input[1..], input.Length);
        var pieces = Read(input[1..], 1 + (input[0] & 0x3f));
        FuzzTargets.Require(whole == pieces, $"the same packets in one piece and in many: {whole}, {pieces}");
    }

    /// <summary>Bytes on the control stream, or, after an even first byte, on a stream of their own, whole or in two parts.</summary>
    public static void Node(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        ForNode.Await();
        var (kind, bytes) = (input[0], input[1..Math.Min(input.Length, 1000)].ToArray());
        if ((kind & 1) != 0)
        {
            ForNode._peer.SayBytes(bytes);
        }
        else
        {
            ForNode._peer.SendStream(bytes, fin: (kind & 2) == 0);
        }

        ForNode.Settle();
    }

    public void Dispose() => _sim.Dispose();

    private static string Read(ReadOnlySpan<byte> stream, int pieceBytes)
    {
        var packets = new StringBuilder();
        var receiver = new LegacyReceiver((name, packet) => packets.Append(Encoding.ASCII.GetString(name)).Append(packet.Length).Append(' '));
        while (!stream.IsEmpty)
        {
            var bytes = Math.Min(pieceBytes, stream.Length);
            receiver.Receive(1, stream[..bytes], fin: bytes == stream.Length);
            stream = stream[bytes..];
            FuzzTargets.Require(receiver.HeldBytes <= LegacyReceiver.MaxHeldBytes, "no more is held than the limit");
        }

        FuzzTargets.Require(receiver is { HeldBytes: 0, Streams: 0 }, "nothing is kept of a stream that has ended");
        return packets.Append(receiver.Malformed).Append(receiver.Messages).ToString();
    }

    /// <summary>The node may end a connection, and dials again; half streams use up what it allows.</summary>
    private void Await()
    {
        if (_peer.Closed is not null || _peer.Waiting > 0)
        {
            _peer.Connection?.Close(0, "again");
            _peer.Flush();
        }
        else if (_peer.Connection is { IsClosed: false } && _peer.Messages.Count > 0)
        {
            return;
        }

        FuzzTargets.Require(
            _sim.RunUntil(() => _peer is { Closed: null, Connection.IsClosed: false, Messages.Count: > 0 }, TimeSpan.FromMinutes(2)) is not null,
            "the node dials again");
    }

    private void Settle()
    {
        if (++_runs % 16 == 0)
        {
            _sim.Run(TimeSpan.FromMilliseconds(20));
            _node.Delivered.Clear();
            _node.Logger.Lines.Clear();
            _peer.Packets.Clear();
            FuzzTargets.Require(_peer.Errors.Count == 0, "the node says nothing malformed");
        }
    }
}
