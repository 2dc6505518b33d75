using System.Runtime.InteropServices;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>The attributes of a netlink message, one after another; ends at the first that does not fit.</summary>
internal readonly unsafe ref struct NetlinkAttributes(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public Enumerator GetEnumerator() => new(_bytes);

    public ref struct Enumerator(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _left = bytes;

        public NetlinkAttribute Current { get; private set; }

        public bool MoveNext()
        {
            if (_left.Length < sizeof(Rtattr))
            {
                return false;
            }

            var header = MemoryMarshal.Read<Rtattr>(_left);
            if (header.rta_len < sizeof(Rtattr) || header.rta_len > _left.Length)
            {
                return false;
            }

            var type = (ushort)(header.rta_type & NetlinkConstants.NLA_TYPE_MASK);
            Current = new NetlinkAttribute(type, _left[sizeof(Rtattr)..header.rta_len]);
            _left = _left[Math.Min((header.rta_len + 3) & ~3, _left.Length)..];
            return true;
        }
    }
}

/// <summary>One attribute, without its header.</summary>
internal readonly ref struct NetlinkAttribute(ushort type, ReadOnlySpan<byte> value)
{
    public ushort Type { get; } = type;

    public ReadOnlySpan<byte> Value { get; } = value;

    public NetlinkAttributes Nested => new(Value);

    /// <summary>0 when the value has another size.</summary>
    public uint UInt32 => Value.Length == sizeof(uint) ? MemoryMarshal.Read<uint>(Value) : 0;
}
