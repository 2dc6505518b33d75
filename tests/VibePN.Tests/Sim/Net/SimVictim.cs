using System.Net;
using VibePN.Quic;

namespace VibePN.Tests.Sim;

/// <summary>A host that has nothing to do with any of this: it answers nothing, and counts what arrives at its address, on whatever port.</summary>
internal sealed class SimVictim : ISimMachine
{
    public SimVictim(SimNetwork network, int number)
    {
        EndPoint = SimNetwork.Outer(number);
        network.Add(this);
    }

    public string Name => "victim";

    public IPEndPoint EndPoint { get; }

    public bool IsRunning => true;

    public ulong NextDeadline => ulong.MaxValue;

    /// <summary>First packets of QUIC connections (RFC 9000 §17.2.2) since it was last set to 0.</summary>
    public int Initials { get; set; }

    public long Bytes { get; set; }

    public bool IsAt(IPEndPoint at) => EndPoint.Address.Equals(at.Address);

    public void Receive(in QuicPath path, byte ecn, byte[] datagram)
    {
        Bytes += datagram.Length;
        Initials += (datagram[0] & 0xb0) == 0x80 ? 1 : 0;
    }

    public void OnDeadline()
    {
    }

    public void Flush()
    {
    }

    public void Check()
    {
    }

    public void Dispose()
    {
    }
}
