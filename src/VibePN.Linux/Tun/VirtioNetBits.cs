namespace VibePN.Linux;

/// <summary><c>VIRTIO_NET_HDR_F_*</c>.</summary>
[Flags]
public enum VirtioNetBits : byte
{
    None = 0,
    NeedsChecksum = 1,
    DataValid = 2,
}
