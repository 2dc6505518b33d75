using System.Net;
using VibePN.Config;
using VibePN.Linux;

namespace VibePN;

/// <summary>
/// Where a node's effects go: sockets and interfaces in <see cref="NodeLoop"/>, a simulated network in tests. Called on the node's thread only.
/// </summary>
internal abstract class NodeOutput
{
    /// <summary>Sends the batch and empties it. False: the kernel takes no more now; the rest stays in the batch, and the node is flushed again later.</summary>
    public abstract bool Transmit(UdpSendBatch batch);

    /// <summary>Gives a checked packet to the host. The span is borrowed until the call returns.</summary>
    /// <param name="network">Index of the network.</param>
    /// <param name="packet">A whole IP packet.</param>
    /// <param name="checksumPartial">Its transport checksum holds the pseudo-header's sum only.</param>
    /// <returns>Null when it was taken, else why not.</returns>
    public abstract DropReason? Deliver(int network, ReadOnlySpan<byte> packet, bool checksumPartial);

    /// <summary>Starts resolving host names; <see cref="Node.OnResolved"/> brings the answer to all, also when there is none.</summary>
    public abstract void Resolve(string peer, IReadOnlyList<HostPort> names);

    /// <summary>The peer has accepted the invite that was shown to it: it is of no use any more.</summary>
    public virtual void Joined(PeerId inviter)
    {
    }

    /// <summary>The address that the host sends from towards <paramref name="remote"/>, in the socket's own form, or null when there is no way.</summary>
    public abstract SockAddr? LocalAddressTowards(IPEndPoint remote);

    /// <summary>The address in the form that the socket sends to, or null when it cannot (IPv6 where there is none).</summary>
    public abstract SockAddr? RemoteAddress(IPEndPoint remote);
}
