using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>One netlink message of a received datagram; every length is checked. Borrowed from the receive buffer.</summary>
internal readonly unsafe ref struct NetlinkMessage
{
    public Nlmsghdr Header { get; private init; }

    /// <summary>Everything after the header.</summary>
    public ReadOnlySpan<byte> Payload { get; private init; }

    /// <summary>Takes the next message off <paramref name="bytes"/>. False: the end, or something that is no message.</summary>
    public static bool TryRead(ref ReadOnlySpan<byte> bytes, out NetlinkMessage message)
    {
        message = default;
        if (bytes.Length < sizeof(Nlmsghdr))
        {
            return false;
        }

        var header = MemoryMarshal.Read<Nlmsghdr>(bytes);
        if (header.nlmsg_len < (uint)sizeof(Nlmsghdr) || header.nlmsg_len > (uint)bytes.Length)
        {
            return false;
        }

        var length = (int)header.nlmsg_len;
        message = new NetlinkMessage { Header = header, Payload = bytes[sizeof(Nlmsghdr)..length] };
        bytes = bytes[Math.Min((length + 3) & ~3, bytes.Length)..];
        return true;
    }

    /// <summary>The family header and the attributes after it.</summary>
    public bool TryReadBody<T>(out T familyHeader, out NetlinkAttributes attributes)
        where T : unmanaged
    {
        familyHeader = default;
        attributes = default;
        if (Payload.Length < sizeof(T))
        {
            return false;
        }

        familyHeader = MemoryMarshal.Read<T>(Payload);
        attributes = new NetlinkAttributes(Payload[Math.Min((sizeof(T) + 3) & ~3, Payload.Length)..]);
        return true;
    }

    /// <summary>The errno (positive; 0: acknowledged) of an NLMSG_ERROR, and the kernel's explanation if it gives one.</summary>
    public (int Errno, string? Text) ReadError()
    {
        if (Payload.Length < sizeof(int))
        {
            return (Native.Errno.EINVAL, "truncated answer");
        }

        var error = MemoryMarshal.Read<int>(Payload);
        return (error == int.MinValue ? int.MaxValue : Math.Abs(error), ReadErrorText());
    }

    private string? ReadErrorText()
    {
        if ((Header.nlmsg_flags & NetlinkConstants.NLM_F_ACK_TLVS) == 0 || Payload.Length < sizeof(int) + sizeof(Nlmsghdr))
        {
            return null;
        }

        // The request's header follows, and the rest of the request unless the answer is capped; then the attributes.
        var request = MemoryMarshal.Read<Nlmsghdr>(Payload[sizeof(int)..]);
        var isCapped = (Header.nlmsg_flags & NetlinkConstants.NLM_F_CAPPED) != 0;
        var skip = sizeof(int) + (isCapped ? (uint)sizeof(Nlmsghdr) : ((long)request.nlmsg_len + 3) & ~3L);
        if (skip > Payload.Length)
        {
            return null;
        }

        foreach (var attribute in new NetlinkAttributes(Payload[(int)skip..]))
        {
            if (attribute.Type == NetlinkConstants.NLMSGERR_ATTR_MSG)
            {
                return System.Text.Encoding.UTF8.GetString(attribute.Value.TrimEnd((byte)0));
            }
        }

        return null;
    }
}
