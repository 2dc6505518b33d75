namespace VibePN.Quic.Tests.Sim;

/// <summary>Writes down what it is told; what it answers can be replaced.</summary>
internal sealed class RecordingHandler : QuicHandler
{
    public Func<QuicConnection, IReadOnlyList<byte[]>, TlsAlert> Judge { get; set; } = (_, _) => TlsAlert.Accept;

    /// <summary>Runs inside OnDatagram.</summary>
    public Action<QuicConnection, byte[]>? DatagramHook { get; set; }

    public Action<QuicConnection>? CompletedHook { get; set; }

    public Action<QuicConnection, long, byte[], bool>? StreamHook { get; set; }

    public bool Quiet { get; set; }

    public List<QuicConnection> Accepted { get; } = [];

    public List<QuicConnection> Completed { get; } = [];

    public List<List<byte[]>> Chains { get; } = [];

    public List<byte[]> Datagrams { get; } = [];

    public Dictionary<(QuicConnection Connection, long Stream), MemoryStream> Streams { get; } = [];

    public HashSet<(QuicConnection Connection, long Stream)> Finished { get; } = [];

    public List<(long Stream, ulong Code)> Resets { get; } = [];

    public List<(QuicConnection Connection, QuicClose Close)> Closed { get; } = [];

    public List<int> MaxDatagrams { get; } = [];

    public List<QuicPath> Paths { get; } = [];

    public int DatagramCount { get; private set; }

    public override void OnAccepted(QuicConnection connection) => Accepted.Add(connection);

    public override TlsAlert OnPeerCertificates(QuicConnection connection, CertificateChain chain, Instant now)
    {
        var copies = new List<byte[]>();
        for (var i = 0; i < chain.Count; i++)
        {
            copies.Add(chain[i].ToArray());
        }

        Chains.Add(copies);
        return Judge(connection, copies);
    }

    public override void OnHandshakeCompleted(QuicConnection connection)
    {
        Completed.Add(connection);
        CompletedHook?.Invoke(connection);
    }

    public override void OnDatagram(QuicConnection connection, ReadOnlySpan<byte> datagram, Instant now)
    {
        DatagramCount++;
        if (!Quiet)
        {
            Datagrams.Add(datagram.ToArray());
            DatagramHook?.Invoke(connection, Datagrams[^1]);
        }
    }

    public override void OnStreamData(QuicConnection connection, long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (!Streams.TryGetValue((connection, streamId), out var stream))
        {
            Streams.Add((connection, streamId), stream = new MemoryStream());
        }

        stream.Write(data);
        if (fin)
        {
            Finished.Add((connection, streamId));
        }

        StreamHook?.Invoke(connection, streamId, data.ToArray(), fin);
    }

    public override void OnStreamReset(QuicConnection connection, long streamId, ulong errorCode) => Resets.Add((streamId, errorCode));

    public override void OnMaxDatagramChanged(QuicConnection connection) => MaxDatagrams.Add(connection.MaxDatagramBytes);

    public override void OnPathChanged(QuicConnection connection) => Paths.Add(connection.Path);

    public override void OnClosed(QuicConnection connection, QuicClose close) => Closed.Add((connection, close));
}
