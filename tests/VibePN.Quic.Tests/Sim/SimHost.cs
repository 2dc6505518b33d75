namespace VibePN.Quic.Tests.Sim;

/// <summary>An endpoint at an address of a <see cref="SimNet"/>, and the loop that a node would run around it.</summary>
internal sealed class SimHost : IDisposable
{
    private readonly SimNet _net;
    private readonly byte[] _packet = GC.AllocateArray<byte>(65_536, pinned: true);

    public SimHost(SimNet net, QuicAddress address, QuicEndpoint endpoint, RecordingHandler handler)
    {
        _net = net;
        Address = address;
        InsideAddress = address;
        Endpoint = endpoint;
        Handler = handler;
    }

    /// <summary>Where the others see it. May be changed, as a NAT does without telling.</summary>
    public QuicAddress Address { get; set; }

    /// <summary>What it takes for its own address.</summary>
    public QuicAddress InsideAddress { get; private set; }

    public QuicEndpoint Endpoint { get; }

    public RecordingHandler Handler { get; }

    /// <summary>UDP payloads sent so far.</summary>
    public int Sent { get; private set; }

    /// <summary>The host has another address; nothing leads to the old one.</summary>
    public void Move(QuicAddress address)
    {
        Address = address;
        InsideAddress = address;
    }

    public QuicConnection Dial(SimHost other, QuicCredentials? credentials = null, params string[] alpn)
    {
        var connection = Endpoint.Connect(new QuicPath(InsideAddress, other.Address), alpn.Length == 0 ? ["test/1"] : alpn, _net.Now, null, credentials);
        Flush();
        return connection;
    }

    /// <summary>Sends one datagram if the connection lets it.</summary>
    public DatagramWrite SendDatagram(QuicConnection connection, ReadOnlySpan<byte> payload)
    {
        DatagramWrite result;
        do
        {
            result = connection.WriteDatagram(default, payload, _packet, more: false, out var written, _net.Now);
            if (written.Bytes > 0)
            {
                Send(_packet.AsSpan(0, written.Bytes), written.Path);
                WriteParity(connection);
            }
        }
        while (result == DatagramWrite.PacketOnly);
        connection.EndBurst(_net.Now);
        return result;
    }

    public void Receive(byte[] packet, QuicAddress from)
    {
        Endpoint.Receive(new QuicPath(InsideAddress, from), 0, packet, _net.Now);
        Flush();
    }

    public void Flush()
    {
        while (Endpoint.TakeDirty() is { } connection)
        {
            while (connection.WritePending(_packet, _net.Now) is { Bytes: > 0 } written)
            {
                Send(_packet.AsSpan(0, written.Bytes), written.Path);
            }

            WriteParity(connection);
            connection.EndBurst(_net.Now);
        }

        while (Endpoint.TakeStateless(_packet, out var path) is > 0 and var length)
        {
            Send(_packet.AsSpan(0, length), path);
        }
    }

    public void HandleDeadlines()
    {
        Endpoint.HandleDeadlines(_net.Now);
        Flush();
    }

    public void Dispose() => Endpoint.Dispose();

    private void WriteParity(QuicConnection connection)
    {
        if (connection.IsParityDue(_net.Now) && connection.WriteParity(_packet, _net.Now) is { Bytes: > 0 } parity)
        {
            Send(_packet.AsSpan(0, parity.Bytes), parity.Path);
        }
    }

    private void Send(ReadOnlySpan<byte> packet, QuicPath path)
    {
        Sent++;
        _net.Send(packet.ToArray(), from: Address, to: path.Remote);
    }
}
