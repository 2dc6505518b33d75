namespace VibePN.Linux;

/// <summary>Native buffers for one <c>recvmmsg</c>, allocated once. One thread.</summary>
public sealed class UdpReceiveBatch : IDisposable
{
    /// <param name="messages">Kernel messages per call, 1…1024.</param>
    public UdpReceiveBatch(int messages = 64) => Capacity = messages;

    public int Capacity { get; }

    /// <summary>Messages of the last receive.</summary>
    public int Count => throw new NotImplementedException();

    public UdpDatagram this[int index] => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
