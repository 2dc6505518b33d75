namespace VibePN.Linux;

/// <summary>What a <see cref="TunDevice"/> has done so far.</summary>
public struct TunCounters
{
    public ulong ReadFrames { get; internal set; }

    public ulong ReadBytes { get; internal set; }

    /// <summary>Frames without room for their headers, or longer than any packet.</summary>
    public ulong ReadInvalid { get; internal set; }

    public ulong WrittenFrames { get; internal set; }

    public ulong WrittenBytes { get; internal set; }

    /// <summary>Frames that the kernel did not take, by <see cref="TunWriteResult"/>.</summary>
    public ulong WriteWouldBlock { get; internal set; }

    public ulong WriteTooBig { get; internal set; }

    public ulong WriteDown { get; internal set; }

    public ulong WriteInvalid { get; internal set; }

    public ulong WriteFailed { get; internal set; }
}
