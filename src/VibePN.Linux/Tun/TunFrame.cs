namespace VibePN.Linux;

/// <summary>One frame of a <see cref="TunBatch"/>: borrowed until the batch is filled again.</summary>
public readonly ref struct TunFrame
{
    public TunFrame(VirtioNetHeader header, Span<byte> packet)
    {
        Header = header;
        Packet = packet;
    }

    public VirtioNetHeader Header { get; }

    /// <summary>From the IP header on. The owner of the batch may change it.</summary>
    public Span<byte> Packet { get; }
}
