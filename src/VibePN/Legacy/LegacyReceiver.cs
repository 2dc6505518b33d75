using System.Buffers;

namespace VibePN.Legacy;

/// <summary>A packet that came on a data stream; the spans are borrowed.</summary>
internal delegate void LegacyPacketHandler(ReadOnlySpan<byte> network, ReadOnlySpan<byte> packet);

/// <summary>
/// The data streams that a peer opens: mostly one for each packet, but any number of frames may come on one. What arrives whole is handed
/// on where it lies; of the rest at most <see cref="MaxHeldBytes"/> are kept. A stream that carries something else (the deployed daemons say
/// "reload" and "goodbye" on fresh ones) is not listened to any more. Thread: the node's.
/// </summary>
/// <param name="packets">Takes the packets.</param>
internal sealed class LegacyReceiver(LegacyPacketHandler packets)
{
    /// <summary>Of incomplete frames, all streams together.</summary>
    public const int MaxHeldBytes = 1 << 20;

    private const int MinBufferBytes = 2048;

    private readonly Dictionary<long, Partial> _partials = [];

    /// <summary>Bytes of the buffers that hold incomplete frames.</summary>
    public int HeldBytes { get; private set; }

    /// <summary>Streams of which something is remembered: they have ended neither here nor there.</summary>
    public int Streams => _partials.Count;

    /// <summary>Frames and streams that were no packets, nor messages either: cut off, or not of this protocol; or there was no room for them.</summary>
    public long Malformed { get; private set; }

    /// <summary>Messages of the control stream on streams of their own.</summary>
    public long Messages { get; private set; }

    /// <summary>Takes bytes of a stream in order.</summary>
    /// <param name="fin">They are its last.</param>
    public void Receive(long stream, ReadOnlySpan<byte> data, bool fin)
    {
        if (_partials.TryGetValue(stream, out var partial))
        {
            data = partial.IsIgnored ? default : Continue(partial, data);
        }

        if (partial is not { IsIgnored: true } && !data.IsEmpty)
        {
            ReadWhole(stream, partial, data);
        }

        if (fin)
        {
            End(stream, isCut: false);
        }
    }

    /// <summary>The peer gave the stream up.</summary>
    public void OnReset(long stream) => End(stream, isCut: true);

    /// <summary>Gives the buffers back; the connection is over.</summary>
    public void Clear()
    {
        foreach (var partial in _partials.Values)
        {
            Release(partial);
        }

        _partials.Clear();
    }

    /// <summary>Completes the frame that is held.</summary>
    /// <returns>What lies behind it; nothing if it is still incomplete.</returns>
    private ReadOnlySpan<byte> Continue(Partial partial, ReadOnlySpan<byte> data)
    {
        while (partial.Bytes > 0)
        {
            var needed = LegacyFrame.BytesNeeded(partial.Held);
            if (needed == LegacyFrame.Foreign)
            {
                Ignore(partial, partial.Held);
                return default;
            }

            if (needed == partial.Bytes)
            {
                LegacyFrame.Split(partial.Held, out var name, out var packet);
                packets(name, packet);
                Release(partial);
                break;
            }

            if (data.IsEmpty)
            {
                break;
            }

            var taken = Math.Min(needed - partial.Bytes, data.Length);
            if (!Hold(partial, data[..taken]))
            {
                return default;
            }

            data = data[taken..];
        }

        return data;
    }

    private void ReadWhole(long stream, Partial? partial, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var needed = LegacyFrame.BytesNeeded(data);
            if (needed == LegacyFrame.Foreign)
            {
                Ignore(partial ?? Remember(stream), data);
                return;
            }

            if (needed > data.Length)
            {
                _ = Hold(partial ?? Remember(stream), data);
                return;
            }

            LegacyFrame.Split(data[..needed], out var name, out var packet);
            packets(name, packet);
            data = data[needed..];
        }
    }

    private Partial Remember(long stream) => _partials[stream] = new Partial();

    /// <returns>False: no room; the stream is ignored from here on.</returns>
    private bool Hold(Partial partial, ReadOnlySpan<byte> data)
    {
        var bytes = partial.Bytes + data.Length;
        if (bytes > partial.Buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes, MinBufferBytes));
            if (HeldBytes - partial.Buffer.Length + larger.Length > MaxHeldBytes)
            {
                ArrayPool<byte>.Shared.Return(larger);
                Malformed++;
                Release(partial);
                partial.IsIgnored = true;
                return false;
            }

            partial.Held.CopyTo(larger);
            HeldBytes += larger.Length;
            var kept = partial.Bytes;
            Release(partial);
            partial.Buffer = larger;
            partial.Bytes = kept;
        }

        data.CopyTo(partial.Buffer.AsSpan(partial.Bytes));
        partial.Bytes = bytes;
        return true;
    }

    private void Ignore(Partial partial, ReadOnlySpan<byte> seen)
    {
        if (LegacyCodec.IsMessage(seen))
        {
            Messages++;
        }
        else
        {
            Malformed++;
        }

        Release(partial);
        partial.IsIgnored = true;
    }

    private void End(long stream, bool isCut)
    {
        if (_partials.Remove(stream, out var partial))
        {
            Malformed += partial.Bytes > 0 && !isCut ? 1 : 0;
            Release(partial);
        }
    }

    private void Release(Partial partial)
    {
        if (partial.Buffer.Length > 0)
        {
            HeldBytes -= partial.Buffer.Length;
            ArrayPool<byte>.Shared.Return(partial.Buffer);
        }

        partial.Buffer = [];
        partial.Bytes = 0;
    }

    private sealed class Partial
    {
        public byte[] Buffer { get; set; } = [];

        public int Bytes { get; set; }

        /// <summary>It carries something else.</summary>
        public bool IsIgnored { get; set; }

        public ReadOnlySpan<byte> Held => Buffer.AsSpan(0, Bytes);
    }
}
