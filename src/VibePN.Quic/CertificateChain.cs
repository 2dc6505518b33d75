namespace VibePN.Quic;

/// <summary>The peer's certificates in the order sent, each as DER; borrowed until the callback that got it returns.</summary>
public readonly unsafe ref struct CertificateChain
{
    private readonly Native.GnuTlsDatum* _certificates;

    internal CertificateChain(Native.GnuTlsDatum* certificates, int count)
    {
        _certificates = certificates;
        Count = count;
    }

    public int Count { get; }

    public ReadOnlySpan<byte> this[int index] =>
        (uint)index < (uint)Count
            ? new ReadOnlySpan<byte>(_certificates[index].data, checked((int)_certificates[index].size))
            : throw new ArgumentOutOfRangeException(nameof(index));
}
