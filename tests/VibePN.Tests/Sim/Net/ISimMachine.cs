using System.Net;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>Something with one UDP socket in a <see cref="SimNetwork"/>: a real node, or a peer that does what no node would.</summary>
internal interface ISimMachine : IDisposable
{
    string Name { get; }

    /// <summary>The socket's own address.</summary>
    IPEndPoint EndPoint { get; }

    /// <summary>Whether a socket of its is there.</summary>
    bool IsAt(IPEndPoint at) => EndPoint.Equals(at);

    bool IsRunning { get; }

    /// <summary>In nanoseconds.</summary>
    ulong NextDeadline { get; }

    /// <summary>Takes one datagram, and sends what that leads to.</summary>
    void Receive(in QuicPath path, byte ecn, byte[] datagram);

    /// <summary>Does what is due, and sends what that leads to.</summary>
    void OnDeadline();

    /// <summary>Sends what calls from outside led to.</summary>
    void Flush();

    /// <summary>What must hold at any time; each broken rule is told to <see cref="SimNetwork.Violate"/>.</summary>
    void Check();
}
