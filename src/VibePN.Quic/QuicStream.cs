namespace VibePN.Quic;

/// <summary>The sending half of one bidirectional stream.</summary>
internal sealed class QuicStream(long id) : IDisposable
{
    public long Id { get; } = id;

    public SendBuffer Buffer { get; } = new();

    /// <summary>The user wrote its last byte.</summary>
    public bool FinWanted { get; set; }

    public bool FinSent { get; set; }

    /// <summary>Nothing can be sent any more: reset by either side.</summary>
    public bool WriteClosed { get; set; }

    /// <summary>Flow control stopped it in this write round.</summary>
    public bool Blocked { get; set; }

    public bool HasPending => !WriteClosed && (Buffer.Sent < Buffer.End || (FinWanted && !FinSent));

    public void Dispose() => Buffer.Dispose();
}
