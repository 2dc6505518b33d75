namespace VibePN.Quic;

public sealed class QuicConnection
{
    public object? Tag { get; set; }
}
