namespace VibePN.Quic;

/// <content>What became of datagrams: for an owner who sends lost ones again, and for one who wants to know how much the path loses.</content>
public sealed unsafe partial class QuicConnection
{
    /// <summary>Lost datagrams that are remembered, so that a late acknowledgement can take the loss back.</summary>
    private const int RememberedLosses = 64;

    /// <summary>Datagrams acknowledged after a loss within which it can turn out to have been late.</summary>
    private const ulong LateDatagrams = 4096;

    /// <summary>First byte and length of a second frame in the packet, and a packet number of full length.</summary>
    private const int DatagramSlackBytes = 8;

    private uint[] _recentLosses = [];

    /// <summary>The count of acknowledged datagrams up to which a late one is looked for.</summary>
    private ulong _lateUntil;
    private ulong _pathLosses;

    /// <summary>Tells <see cref="QuicHandler.OnDatagramAcked"/> and <see cref="QuicHandler.OnDatagramLost"/>.</summary>
    public bool TellsDatagrams { get; set; }

    /// <summary>The number of the datagram that was accepted last; its low <see cref="DatagramNumberBits"/> bits come back with its fate.</summary>
    public ulong LastDatagram => _datagramId - 1;

    /// <summary>See <see cref="LastDatagram"/>.</summary>
    public const int DatagramNumberBits = DatagramId.SequenceBits;

    /// <summary>
    /// Datagrams that the path lost although it should carry them: neither those found to have been late only, nor what was larger than the
    /// path's size (probes, and what was under way when that shrank).
    /// </summary>
    public ulong PathLosses => _pathLosses;

    private void OnDatagramSettled(DatagramId datagram, bool isLost)
    {
        if (isLost)
        {
            if (datagram.PacketBytes <= MaxDatagramBytes + FixedOverheadBytes + _peerIdBytes + DatagramSlackBytes)
            {
                _pathLosses++;
                Remember(datagram.Sequence);
            }

            if (TellsDatagrams && _state == State.Active)
            {
                _handler.OnDatagramLost(this, datagram.Sequence);
            }

            return;
        }

        if (DatagramsAcked < _lateUntil && _recentLosses.AsSpan().IndexOf(datagram.Sequence) is >= 0 and var late)
        {
            _recentLosses[late] = uint.MaxValue;
            _pathLosses--;
        }

        if (TellsDatagrams && _state == State.Active)
        {
            _handler.OnDatagramAcked(this, datagram.Sequence);
        }
    }

    private void Remember(uint sequence)
    {
        if (_recentLosses.Length == 0)
        {
            _recentLosses = new uint[RememberedLosses];
            _recentLosses.AsSpan().Fill(uint.MaxValue);
        }

        _recentLosses[(int)(_pathLosses % RememberedLosses)] = sequence;
        _lateUntil = DatagramsAcked + LateDatagrams;
    }
}
