using VibePN.Quic;

namespace VibePN.Fuzz;

internal static class CertificateFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (CertificateInfo.TryRead(input, out var info))
        {
            FuzzTargets.Require(info.NotAfterUtcSeconds >= -1, "an unreadable time is -1");
            _ = info.KeyKind;
            _ = info.Extension("2.5.29.15");
        }
    }
}
