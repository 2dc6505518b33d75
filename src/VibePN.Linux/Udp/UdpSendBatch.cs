using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// Datagrams on their way out, written one after another into one native buffer. Neighbours of equal size with the same addresses and
/// ECN become one run. One thread.
/// </summary>
public sealed unsafe class UdpSendBatch : IDisposable
{
    private readonly NativeBuffer _data;
    private readonly GsoDatagram[] _datagrams;
    private readonly Target[] _targets;
    private int _sent;
    private int _end;
    private int _targetCount;
    private int _used;
    private int _reserved;

    /// <param name="datagrams">At most so many datagrams.</param>
    /// <param name="bytes">At most so many bytes; at least 65,507.</param>
    public UdpSendBatch(int datagrams = 512, int bytes = 512 * 1024)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(datagrams, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, GsoPlanner.MaxRunBytes);
        _data = new NativeBuffer((nuint)bytes);
        _datagrams = new GsoDatagram[datagrams];
        _targets = new Target[datagrams];
    }

    /// <summary>Datagrams that wait to be sent.</summary>
    public int Count => _end - _sent;

    /// <summary>No room for a further datagram of the largest size (65,507 bytes) or for its entry.</summary>
    public bool IsFull => _end == _datagrams.Length || (int)_data.Bytes - _used < GsoPlanner.MaxRunBytes;

    /// <summary>Datagrams that have left before the others and are still in the buffer.</summary>
    internal int Sent
    {
        get => _sent;
        set => _sent = value;
    }

    /// <summary>Datagrams before this index travel without UDP_SEGMENT.</summary>
    internal int SingleUntil { get; set; }

    /// <summary>Why they do (errno of the run that failed) and how long its segments were.</summary>
    internal int SuspectErrno { get; set; }

    internal int SuspectBytes { get; set; }

    internal ReadOnlySpan<GsoDatagram> Datagrams => _datagrams.AsSpan(0, _end);

    internal byte* Data => _data.Start;

    /// <summary>Room for the next datagram; empty when there is none. Borrowed until <see cref="Commit"/> or <see cref="Clear"/>.</summary>
    /// <param name="maxBytes">1…65,507.</param>
    public Span<byte> Reserve(int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBytes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxBytes, GsoPlanner.MaxRunBytes);
        if (_end == _datagrams.Length || (int)_data.Bytes - _used < maxBytes)
        {
            _reserved = 0;
            return default;
        }

        _reserved = maxBytes;
        return new Span<byte>(_data.Start + _used, maxBytes);
    }

    /// <summary>Makes the first bytes of what was reserved a datagram; 0 bytes: none.</summary>
    /// <param name="local">Its address is the source; none or unspecified: the kernel chooses. Its port is ignored.</param>
    /// <param name="ecn">The two ECN bits.</param>
    public void Commit(int bytes, in SockAddr remote, in SockAddr local, byte ecn)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)_reserved, nameof(bytes));
        _reserved = 0;
        if (bytes == 0)
        {
            return;
        }

        ref readonly var last = ref _targets[Math.Max(_targetCount - 1, 0)];
        if (_targetCount == 0 || last.Ecn != ecn || !SockAddr.AreEqual(last.Remote, remote) || !SockAddr.AreEqual(last.Local, local))
        {
            _targets[_targetCount++] = new Target(remote, local, ecn);
        }

        _datagrams[_end++] = new GsoDatagram(_used, bytes, _targetCount - 1);
        _used += bytes;
    }

    /// <summary>A datagram that waits to be sent. Borrowed until <see cref="Clear"/>.</summary>
    public UdpDatagram this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            ref readonly var datagram = ref _datagrams[_sent + index];
            ref readonly var target = ref _targets[datagram.Target];
            return new UdpDatagram
            {
                Bytes = new ReadOnlySpan<byte>(_data.Start + datagram.Offset, datagram.Bytes),
                Remote = target.Remote,
                Local = target.Local,
                Ecn = target.Ecn,
                SegmentBytes = datagram.Bytes,
            };
        }
    }

    /// <summary>Forgets everything that was not sent.</summary>
    public void Clear()
    {
        _sent = 0;
        _end = 0;
        _targetCount = 0;
        _used = 0;
        _reserved = 0;
        SingleUntil = 0;
        SuspectErrno = 0;
    }

    public void Dispose()
    {
        Clear();
        _data.Dispose();
    }

    internal ref readonly Target TargetOf(int datagram) => ref _targets[_datagrams[datagram].Target];

    /// <summary>Fields, not properties: looked at for every packet, copied for none.</summary>
    internal readonly struct Target(in SockAddr remote, in SockAddr local, byte ecn)
    {
        public readonly SockAddr Remote = remote;
        public readonly SockAddr Local = local;
        public readonly byte Ecn = ecn;
    }
}
