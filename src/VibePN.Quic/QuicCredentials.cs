namespace VibePN.Quic;

public sealed class QuicCredentials : IDisposable
{
    public static QuicCredentials FromPem(ReadOnlySpan<byte> certificateChainPem, ReadOnlySpan<byte> keyPem) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
