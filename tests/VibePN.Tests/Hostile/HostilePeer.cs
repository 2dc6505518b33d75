using VibePN.Control;
using VibePN.Quic;
using VibePN.Tests.Sim;

namespace VibePN.Tests.Hostile;

/// <summary>Dials the target, says Hello like an honest one, and then sends whatever datagrams a test makes up.</summary>
internal sealed class HostilePeer : RawDialer
{
    private readonly Target _target;
    private readonly QuicPath _path;
    private readonly QuicPath _pathBack;

    /// <param name="number">The last byte of all its addresses.</param>
    public HostilePeer(Target target, TestIdentity identity, int number, QuicPath path)
        : base(identity.Node.CertificatePem.Span, identity.Node.KeyPem.Span)
    {
        _target = target;
        Number = number;
        _path = path;
        _pathBack = new QuicPath(path.Remote, path.Local);
        Dial(path);
        SayHello("raw");
        SayNetworks(("corp", ["10.42.0.0/24", "fd42::/64"], 9, [$"10.42.0.{number}", $"fd42::{number}"]));
    }

    public int Number { get; }

    /// <summary>Datagrams of the target on their way here.</summary>
    public Queue<byte[]> Inbox { get; } = new();

    public bool IsReady => Messages.OfType<NetworkList>().Any();

    public bool IsClosed => Closed is not null;

    /// <summary>Under which the target takes packets of its network.</summary>
    public byte Tag => (byte)TagOf("corp");

    protected override Instant Now => _target.Now;

    /// <summary>Sends a packet behind the right tag.</summary>
    public void Send(byte flags, ReadOnlySpan<byte> packet) => SendRaw([Tag, flags, .. packet]);

    /// <summary>Sends one piece of a packet.</summary>
    public void SendFragment(byte flags, ushort id, int offset, int totalBytes, ReadOnlySpan<byte> piece) =>
        SendRaw(HostileData.Fragment(Tag, flags, id, offset, totalBytes, piece));

    /// <summary>Sends one datagram and lets it arrive, however long the congestion window takes.</summary>
    public void SendRaw(ReadOnlySpan<byte> datagram)
    {
        Write(datagram);
        Finish();
        _target.Exchange();
    }

    /// <summary>Writes one datagram, several to a packet; <see cref="RawDialer.Finish"/> and an exchange let the last ones arrive.</summary>
    public void Write(ReadOnlySpan<byte> datagram)
    {
        while (!TryWrite(datagram))
        {
            _target.Step();
        }
    }

    /// <summary>Reads what has arrived and writes what there is to say.</summary>
    /// <returns>Whether anything happened.</returns>
    public bool Exchange()
    {
        Finish();
        var any = false;
        while (Inbox.TryDequeue(out var bytes))
        {
            any = true;
            Endpoint.Receive(_path, 0, bytes, _target.Now);
        }

        return Flush() || any;
    }

    public void HandleDeadlines()
    {
        if (Endpoint.NextDeadline <= _target.Now.Nanos)
        {
            Endpoint.HandleDeadlines(_target.Now);
        }
    }

    protected override void Carry(in QuicPacket packet, ReadOnlySpan<byte> bytes) => _target.Node.OnUdp(_pathBack, packet.Ecn, bytes, _target.Now);
}
