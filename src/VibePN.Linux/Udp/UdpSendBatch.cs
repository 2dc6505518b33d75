namespace VibePN.Linux;

/// <summary>
/// Datagrams on their way out, written one after another into one native buffer. Neighbours of equal size with the same addresses and
/// ECN become one run. One thread.
/// </summary>
public sealed class UdpSendBatch : IDisposable
{
    /// <param name="datagrams">At most so many datagrams.</param>
    /// <param name="bytes">At most so many bytes.</param>
    public UdpSendBatch(int datagrams = 512, int bytes = 512 * 1024)
    {
    }

    /// <summary>Datagrams that wait to be sent.</summary>
    public int Count => throw new NotImplementedException();

    /// <summary>No room for a further datagram of the largest size (65,507 bytes) or for its entry.</summary>
    public bool IsFull => throw new NotImplementedException();

    /// <summary>Room for the next datagram; empty when there is none. Borrowed until <see cref="Commit"/> or <see cref="Clear"/>.</summary>
    public Span<byte> Reserve(int maxBytes) => throw new NotImplementedException();

    /// <summary>Makes the first bytes of what was reserved a datagram.</summary>
    /// <param name="local">Its address is the source; none or unspecified: the kernel chooses. Its port is ignored.</param>
    /// <param name="ecn">The two ECN bits.</param>
    public void Commit(int bytes, in SockAddr remote, in SockAddr local, byte ecn) => throw new NotImplementedException();

    /// <summary>Forgets everything that was not sent.</summary>
    public void Clear() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
