using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary><c>gnutls_datum_t</c> (gnutls/gnutls.h).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GnuTlsDatum
{
    public byte* data;
    public uint size;
}
