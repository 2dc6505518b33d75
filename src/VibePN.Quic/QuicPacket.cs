namespace VibePN.Quic;

/// <summary>
/// A packet ready to be sent: the first <see cref="Bytes"/> of the buffer handed in; 0 means none. Its path is to be asked for before
/// the connection writes the next one.
/// </summary>
public readonly struct QuicPacket
{
    private readonly QuicConnection _connection;

    internal QuicPacket(QuicConnection connection, int bytes, byte ecn, bool isOnActivePath)
    {
        _connection = connection;
        Bytes = bytes;
        Ecn = ecn;
        IsOnActivePath = isOnActivePath;
    }

    /// <summary>Length of the UDP payload.</summary>
    public int Bytes { get; }

    /// <summary>The two ECN bits to send it with.</summary>
    public byte Ecn { get; }

    /// <summary>It goes along <see cref="QuicConnection.Path"/>, as all do but path probes.</summary>
    public bool IsOnActivePath { get; }

    /// <summary>Where it goes.</summary>
    public QuicPath Path => IsOnActivePath ? _connection.Path : _connection.WrittenPath;
}
