namespace VibePN.Quic;

public static class QuicLibrary
{
    public static string NgTcp2Version => "";

    public static string GnuTlsVersion => "";

    public static void EnsureLoaded() => throw new NotImplementedException();
}
