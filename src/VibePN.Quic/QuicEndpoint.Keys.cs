using VibePN.Quic.Crypto;

namespace VibePN.Quic;

/// <content>Packet protection, the same for all its connections.</content>
public sealed unsafe partial class QuicEndpoint
{
    /// <summary>What protects 1-RTT packets of AES connections; null: GnuTLS.</summary>
    internal IpsecMb? Accelerator { get; }

    /// <summary>Keys made here and not wiped yet.</summary>
    internal int LiveKeys { get; private set; }

    /// <summary>Sees the memory of every key between its wiping and its freeing; for tests.</summary>
    internal Action<ReadOnlySpan<byte>>? KeyWiped { get; set; }

    internal void OnKeyMade() => LiveKeys++;

    internal void OnKeyWiped(ReadOnlySpan<byte> memory)
    {
        LiveKeys--;
        KeyWiped?.Invoke(memory);
    }
}
