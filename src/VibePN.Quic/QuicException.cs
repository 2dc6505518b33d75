namespace VibePN.Quic;

/// <summary>QUIC, TLS or their libraries could not be set up; the message says what is wrong and, where there is one, the cure.</summary>
public sealed class QuicException : Exception
{
    public QuicException(string message)
        : base(message)
    {
    }

    public QuicException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
