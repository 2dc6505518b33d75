namespace VibePN.Linux;

/// <summary>A TUN interface whose frames carry virtio-net headers; it goes away when closed. One thread.</summary>
public sealed class TunDevice : IDisposable
{
    public string Name => throw new NotImplementedException();

    public int InterfaceIndex => throw new NotImplementedException();

    public int Fd => throw new NotImplementedException();

    /// <summary>Checksum and TCP segmentation offloads are in use: frames may be super-packets with partial checksums.</summary>
    public bool HasOffloads => throw new NotImplementedException();

    /// <summary>UDP segmentation offload too (Linux 6.2).</summary>
    public bool HasUdpOffload => throw new NotImplementedException();

    /// <summary>Why offloads are off though asked for; null otherwise.</summary>
    public string? OffloadsInactiveReason => throw new NotImplementedException();

    /// <param name="name">1…15 characters, no slash, no space; <c>%d</c> is not expanded.</param>
    /// <exception cref="ArgumentException">A name that no interface can have.</exception>
    /// <exception cref="LinuxException">No permission, no TUN driver, name in use; the message says the cure.</exception>
    public static TunDevice Open(string name, TunOptions options) => throw new NotImplementedException();

    /// <summary>Replaces the contents of the batch by the frames that wait, as many as it holds.</summary>
    /// <returns>False: nothing was there, or the interface is down.</returns>
    public bool Read(TunBatch batch) => throw new NotImplementedException();

    /// <summary>Gives one frame to the host. Never throws.</summary>
    public TunWriteResult Write(in VirtioNetHeader header, ReadOnlySpan<byte> packet) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
