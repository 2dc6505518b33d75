namespace VibePN.Quic;

/// <summary>What an endpoint is made of; the secrets are copied.</summary>
public sealed record QuicEndpointOptions
{
    /// <summary>Shown to dialers, and to acceptors unless a dial brings its own; must outlive the endpoint.</summary>
    public required QuicCredentials Credentials { get; init; }

    public QuicSettings Settings { get; init; } = new();

    /// <summary>Protocols accepted from dialers, in order of preference; empty: nobody is accepted.</summary>
    public IReadOnlyList<string> AcceptAlpn { get; init; } = [];

    /// <summary>First byte of every connection id issued here: tells sockets on one port apart.</summary>
    public byte LoopNumber { get; init; }

    /// <summary>32 bytes; the same after a restart, so that stateless resets are believed (RFC 9000 §10.3.2).</summary>
    public required ReadOnlyMemory<byte> ResetSecret { get; init; }

    /// <summary>32 bytes; protects Retry tokens.</summary>
    public required ReadOnlyMemory<byte> TokenSecret { get; init; }

    /// <summary>Unvalidated Initials per second above which every dialer must first prove its address (Retry, RFC 9000 §8.1.2).</summary>
    public int RetryAbovePerSecond { get; init; } = 200;

    /// <summary>Unvalidated Initials per second that are answered, evenly spread; others are dropped.</summary>
    public int DropAbovePerSecond { get; init; } = 20_000;

    /// <summary>Accepted connections whose handshake is not complete; strangers' Initials beyond are dropped.</summary>
    public int MaxHandshakes { get; init; } = 1_024;
}
