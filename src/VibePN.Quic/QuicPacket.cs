namespace VibePN.Quic;

/// <summary>
/// A packet ready to be sent: the first <paramref name="Bytes"/> of the buffer handed in; 0 means none.
/// </summary>
/// <param name="Bytes">Length of the UDP payload.</param>
/// <param name="Ecn">The two ECN bits to send it with.</param>
/// <param name="Path">Where it goes: usually the connection's path, for a path probe another one.</param>
public readonly record struct QuicPacket(int Bytes, byte Ecn, QuicPath Path);
