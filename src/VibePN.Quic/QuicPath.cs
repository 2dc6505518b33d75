namespace VibePN.Quic;

/// <summary>The two ends between which a UDP datagram travels.</summary>
public readonly record struct QuicPath(QuicAddress Local, QuicAddress Remote);
