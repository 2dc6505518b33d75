// Over 400 lines: one state machine, whose black holes, probes and raises all act on the same few fields.
using System.Numerics;

namespace VibePN.Quic;

/// <summary>
/// Finds out that a path no longer carries packets of the size that discovery found, and when it does again (RFC 8899; ngtcp2 does
/// neither). Pure logic: it is told of each datagram that was acknowledged or lost, and asks for probes. Thread: the connection's.
/// </summary>
/// <remarks>
/// <para>Black hole (RFC 8899 §4.3): <see cref="SuspectLosses"/> large packets in a row are lost, with none as large sent later that
/// arrived. That happens by chance and after an outage, so nothing is lowered yet: a burst of probes of all sizes goes out. If none of the
/// large size arrives, <see cref="ProofLosses"/> are reported lost and a smaller one sent at the same time arrived, it was the size: the
/// largest that arrived becomes the cap at once, one round trip after the suspicion.</para>
/// <para>Capped, the sizes above are tried from below, <see cref="MaxTries"/> times each; where it fails, again after 5, 10, 20, 30 s and
/// so on. A path that fails again soon after it was raised (it lets probes pass, but not load) is asked ever more rarely.</para>
/// <para>By chance alone, with a share p of all packets lost whatever their size, a false cap needs 8 losses in a row of the largest
/// packets and probes: below p^8 per packet sent (10 %: 10^-8).</para>
/// </remarks>
internal sealed class PathMtu
{
    /// <summary>Losses in a row that raise the suspicion.</summary>
    public const int SuspectLosses = 4;

    /// <summary>Further ones, sent after the suspicion, that prove it.</summary>
    public const int ProofLosses = 4;

    /// <summary>MAX_PROBES of RFC 8899 §5.1.2.</summary>
    public const int MaxTries = 3;

    /// <summary>Bursts that may bring no answer at all (an outage) before the suspicion is given up.</summary>
    private const int MaxBursts = 4;

    private const ulong FirstRaiseNanos = 5_000_000_000;
    private const ulong LastRaiseNanos = 30_000_000_000;

    /// <summary>A cap so soon after a raise means that the path only seemed to carry the size.</summary>
    private const ulong FlapNanos = 60_000_000_000;

    private const int MaxFlaps = 5;

    /// <summary>Class 0: up to the base; the others divide what lies between the base and the top.</summary>
    private const int Classes = 18;

    private readonly int[] _sizes;
    private readonly int[] _burst;
    private readonly SizeClass[] _classes = new SizeClass[Classes];
    private int _shift;

    /// <summary>Losses in all classes that no later arrival explains.</summary>
    private int _lost;

    private int _burstCount;
    private int _burstNext;
    private int _bursts;
    private ulong _suspectNanos;

    /// <summary>The largest packet sent since the suspicion that arrived.</summary>
    private int _arrivedBytes;

    private int _probeBytes;
    private int _tries;
    private ulong _probeSentNanos;

    /// <summary>What was sent before says nothing about sizes above the cap.</summary>
    private ulong _cappedNanos;
    private ulong _raisedNanos;
    private ulong _backoffNanos = FirstRaiseNanos;
    private int _flaps;

    /// <param name="baseBytes">BASE_PLPMTU: what every path carries (QUIC: 1,200).</param>
    /// <param name="sizes">UDP payload sizes worth trying; those up to the base are ignored.</param>
    public PathMtu(int baseBytes, ReadOnlySpan<ushort> sizes)
    {
        BaseBytes = baseBytes;
        var all = new SortedSet<int>();
        foreach (var size in sizes)
        {
            if (size > baseBytes)
            {
                all.Add(size);
            }
        }

        _sizes = [.. all];
        _burst = new int[_sizes.Length + ProofLosses + 2];
        Reset(baseBytes);
    }

    public int BaseBytes { get; }

    /// <summary>The largest packet to send now, probes aside.</summary>
    public int Bytes { get; private set; }

    /// <summary>What discovery found on this path: the end of every search.</summary>
    public int TopBytes { get; private set; }

    public bool IsCapped => Bytes < TopBytes;

    public PathMtuState State { get; private set; }

    /// <summary>When <see cref="NextProbe"/> is to be asked; <see cref="ulong.MaxValue"/>: not before something happens.</summary>
    public ulong Deadline { get; private set; }

    /// <summary>Black holes found since the beginning.</summary>
    public int BlackHoles { get; private set; }

    /// <summary>Another path, of which only this is known.</summary>
    public void Reset(int bytes)
    {
        Bytes = TopBytes = Math.Max(bytes, BaseBytes);
        SetTop(Bytes);
        State = PathMtuState.Open;
        _flaps = 0;
        _raisedNanos = 0;
        _backoffNanos = FirstRaiseNanos;
        Deadline = ulong.MaxValue;
    }

    /// <summary>ngtcp2's own discovery got an answer for this size.</summary>
    public void OnDiscovered(int bytes)
    {
        if (bytes <= TopBytes)
        {
            return;
        }

        Bytes = IsCapped ? Bytes : bytes;
        SetTop(bytes);
    }

    /// <summary>A datagram arrived, be it one that was taken for lost before.</summary>
    /// <param name="packetBytes">The UDP payload that carried it.</param>
    /// <returns><see cref="Bytes"/> has changed.</returns>
    public bool OnAcked(int packetBytes, ulong sentNanos, ulong nowNanos)
    {
        var index = ClassOf(packetBytes);
        ref var size = ref _classes[index];
        if (sentNanos > size.AckedNanos || (sentNanos == size.AckedNanos && packetBytes > size.AckedBytes))
        {
            size.AckedNanos = sentNanos;
            size.AckedBytes = packetBytes;
        }

        if (_lost > 0)
        {
            Explain(index, packetBytes, sentNanos);
        }

        if (packetBytes > Bytes)
        {
            return IsRaise(sentNanos) && Raise(packetBytes, nowNanos);
        }

        if (State != PathMtuState.Suspect)
        {
            return false;
        }

        if (_lost == 0)
        {
            EndSuspicion(nowNanos);
            return false;
        }

        if (IsSince(sentNanos, _suspectNanos))
        {
            _arrivedBytes = Math.Max(_arrivedBytes, packetBytes);
        }

        return Conclude(nowNanos);
    }

    /// <summary>A datagram was taken for lost.</summary>
    /// <returns><see cref="Bytes"/> has changed.</returns>
    public bool OnLost(int packetBytes, ulong sentNanos, ulong nowNanos)
    {
        if (packetBytes > Bytes)
        {
            OnProbeLost(packetBytes, sentNanos, nowNanos);
            return false;
        }

        var index = ClassOf(packetBytes);
        if (index == 0 || Bytes <= BaseBytes || !IsSince(sentNanos, _cappedNanos) || ArrivedLater(index, packetBytes, sentNanos))
        {
            return false;
        }

        ref var size = ref _classes[index];
        size.LostBytes = size.Lost == 0 ? packetBytes : Math.Min(size.LostBytes, packetBytes);
        size.LostNanos = size.Lost == 0 ? sentNanos : Math.Min(size.LostNanos, sentNanos);
        size.Lost++;
        _lost++;
        if (State == PathMtuState.Suspect)
        {
            size.Proof += IsSince(sentNanos, _suspectNanos) ? 1 : 0;
            return Conclude(nowNanos);
        }

        if (_lost >= SuspectLosses)
        {
            Suspect(nowNanos);
        }

        return false;
    }

    /// <summary>
    /// The size of the probe to send now: a packet of just that many bytes that is acknowledged and reported like any datagram; 0: none. It
    /// stays the next until <see cref="OnProbeSent"/>, so a closed window only delays it.
    /// </summary>
    public int NextProbe(ulong nowNanos)
    {
        if (nowNanos < Deadline)
        {
            return 0;
        }

        switch (State)
        {
            case PathMtuState.Suspect when _burstNext < _burstCount:
                return _burst[_burstNext];
            case PathMtuState.Suspect when _bursts < MaxBursts:
                // Nothing came back, not even the small ones: that is an outage.
                BeginBurst(nowNanos);
                return _burst[0];
            case PathMtuState.Suspect:
                ClearLosses();
                EndSuspicion(nowNanos);
                return 0;
            case PathMtuState.Search when _probeSentNanos != 0:
                // Neither acknowledged nor reported lost in time.
                OnProbeLost(_probeBytes, _probeSentNanos, nowNanos);
                return State == PathMtuState.Search ? _probeBytes : 0;
            case PathMtuState.Search:
                return _probeBytes;
            case PathMtuState.Complete when IsCapped:
                BeginSearch(nowNanos);
                return _probeBytes;
            default:
                Deadline = ulong.MaxValue;
                return 0;
        }
    }

    /// <summary>The probe that <see cref="NextProbe"/> asked for is on its way.</summary>
    /// <param name="timeoutNanos">By then an answer has come if there is one: the probe timeout of the connection.</param>
    public void OnProbeSent(ulong nowNanos, ulong timeoutNanos)
    {
        if (State == PathMtuState.Suspect)
        {
            _burstNext++;
            Deadline = _burstNext < _burstCount ? nowNanos : nowNanos + ((2 * timeoutNanos) << _bursts);
        }
        else if (State == PathMtuState.Search)
        {
            _probeSentNanos = Math.Max(nowNanos, 1);
            Deadline = nowNanos + (2 * timeoutNanos);
        }
    }

    private void Suspect(ulong nowNanos)
    {
        State = PathMtuState.Suspect;
        _suspectNanos = nowNanos;
        _arrivedBytes = 0;
        _bursts = 0;
        BeginBurst(nowNanos);
    }

    /// <summary>The largest first and last, since losses are only noticed behind arrivals; the base between and at the end.</summary>
    private void BeginBurst(ulong nowNanos)
    {
        _bursts++;
        _burstCount = _burstNext = 0;
        _burst[_burstCount++] = Bytes;
        _burst[_burstCount++] = BaseBytes;
        _burst[_burstCount++] = Bytes;
        for (var i = _sizes.Length - 1; i >= 0; i--)
        {
            if (_sizes[i] < Bytes)
            {
                _burst[_burstCount++] = _sizes[i];
            }
        }

        for (var i = 2; i < ProofLosses; i++)
        {
            _burst[_burstCount++] = Bytes;
        }

        _burst[_burstCount++] = BaseBytes;
        Deadline = nowNanos;
    }

    private bool Conclude(ulong nowNanos)
    {
        if (_arrivedBytes == 0)
        {
            return false;
        }

        var proof = 0;
        for (var i = ClassOf(_arrivedBytes); i < Classes; i++)
        {
            proof += _classes[i].Proof;
        }

        if (proof < ProofLosses)
        {
            return false;
        }

        BlackHoles++;
        _flaps = _raisedNanos != 0 && nowNanos - _raisedNanos < FlapNanos ? Math.Min(_flaps + 1, MaxFlaps) : 0;
        _backoffNanos = FirstRaiseNanos << _flaps;
        _cappedNanos = _suspectNanos;
        Bytes = Math.Max(_arrivedBytes, BaseBytes);
        ClearLosses();
        if (_flaps > 0)
        {
            Rest(nowNanos);
        }
        else
        {
            BeginSearch(nowNanos);
        }

        return true;
    }

    private void EndSuspicion(ulong nowNanos)
    {
        if (IsCapped)
        {
            Rest(nowNanos);
            return;
        }

        State = PathMtuState.Open;
        Deadline = ulong.MaxValue;
    }

    private void BeginSearch(ulong nowNanos)
    {
        State = PathMtuState.Search;
        _tries = 0;
        _probeSentNanos = 0;
        _probeBytes = TopBytes;
        foreach (var size in _sizes)
        {
            if (size > Bytes)
            {
                _probeBytes = Math.Min(size, TopBytes);
                break;
            }
        }

        Deadline = nowNanos;
    }

    /// <summary>Until the next search.</summary>
    private void Rest(ulong nowNanos)
    {
        State = PathMtuState.Complete;
        Deadline = nowNanos + _backoffNanos;
        _backoffNanos = Math.Min(2 * _backoffNanos, LastRaiseNanos << _flaps);
    }

    /// <summary>On a path that only seemed to carry more before, a stray packet proves nothing; a probe does.</summary>
    private bool IsRaise(ulong sentNanos) => IsCapped
        && (_flaps == 0 ? IsSince(sentNanos, _cappedNanos)
            : State == PathMtuState.Search && _probeSentNanos != 0 && IsSince(sentNanos, _probeSentNanos));

    private bool Raise(int bytes, ulong nowNanos)
    {
        Bytes = Math.Min(bytes, TopBytes);
        _raisedNanos = Math.Max(nowNanos, 1);
        ClearLosses();
        if (IsCapped)
        {
            BeginSearch(nowNanos);
        }
        else
        {
            EndSuspicion(nowNanos);
        }

        return true;
    }

    private void OnProbeLost(int bytes, ulong sentNanos, ulong nowNanos)
    {
        if (State != PathMtuState.Search || bytes != _probeBytes || _probeSentNanos == 0 || !IsSince(sentNanos, _probeSentNanos))
        {
            return;
        }

        _probeSentNanos = 0;
        Deadline = nowNanos;
        if (++_tries >= MaxTries)
        {
            Rest(nowNanos);
        }
    }

    /// <summary>A packet that arrived explains the losses of those sent no later that were no larger: it was not the size.</summary>
    private void Explain(int index, int packetBytes, ulong sentNanos)
    {
        for (var i = 1; i <= index; i++)
        {
            ref var size = ref _classes[i];
            if (size.Lost > 0 && size.LostNanos <= sentNanos && (i < index || size.LostBytes <= packetBytes))
            {
                _lost -= size.Lost;
                size.Lost = size.Proof = 0;
            }
        }
    }

    private bool ArrivedLater(int index, int packetBytes, ulong sentNanos)
    {
        for (var i = index; i < Classes; i++)
        {
            if (_classes[i].AckedNanos >= sentNanos && _classes[i].AckedBytes > 0 && (i > index || _classes[i].AckedBytes >= packetBytes))
            {
                return true;
            }
        }

        return false;
    }

    private void SetTop(int bytes)
    {
        TopBytes = bytes;
        var span = (uint)Math.Max(bytes - BaseBytes, 1);
        _shift = Math.Max(BitOperations.Log2(span) + 1 - 4, 0);
        Array.Clear(_classes);
        ClearLosses();
    }

    private void ClearLosses()
    {
        _lost = 0;
        foreach (ref var size in _classes.AsSpan())
        {
            size.Lost = size.Proof = 0;
        }
    }

    /// <summary>Times of sending may have been rounded down.</summary>
    private static bool IsSince(ulong sentNanos, ulong markNanos) => sentNanos + DatagramId.TimeUnitNanos > markNanos;

    private int ClassOf(int packetBytes) =>
        packetBytes <= BaseBytes ? 0 : Math.Min(1 + ((packetBytes - BaseBytes - 1) >> _shift), Classes - 1);

    /// <summary>What is known of packets of about one size.</summary>
    private struct SizeClass
    {
        /// <summary>Losses that no later arrival of such a size explains; the smallest and the earliest of them.</summary>
        public int Lost;
        public int LostBytes;
        public ulong LostNanos;

        /// <summary>Those of them that were sent after the suspicion.</summary>
        public int Proof;

        /// <summary>The latest sent that arrived, and of several the largest; 0 bytes: none yet.</summary>
        public ulong AckedNanos;
        public int AckedBytes;
    }
}
