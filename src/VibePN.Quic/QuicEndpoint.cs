using VibePN.Quic.Crypto;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <summary>
/// All connections of one UDP socket, dialed and accepted. No socket and no clock inside: packets, deadlines and the time go in and out.
/// Thread: one owner. After each batch: <see cref="TakeDirty"/> until null, <see cref="QuicConnection.WritePending"/> of each until 0 bytes,
/// <see cref="QuicConnection.EndBurst"/>; <see cref="TakeStateless"/> until 0; then sleep until <see cref="NextDeadline"/>.
/// </summary>
public sealed unsafe partial class QuicEndpoint : IDisposable
{
    private readonly List<QuicConnection> _connections = [];
    private readonly Queue<QuicConnection> _dirty = new();
    private readonly byte _loopNumber;
    private readonly byte[] _resetSecret;
    private readonly byte[] _tokenSecret;
    private readonly int _maxHandshakes;

    private QuicEndpointStats _stats;
    private int _lingering;
    private int _handshakes;
    private bool _receiving;
    private bool _disposed;

    /// <exception cref="QuicException">A native library is missing or too old.</exception>
    /// <exception cref="ArgumentException">An option that QUIC cannot take.</exception>
    public QuicEndpoint(QuicEndpointOptions options, QuicHandler handler)
    {
        QuicLibrary.EnsureLoaded();
        ConnectionSettings.Check(options.Settings);
        TlsContext.CheckProtocols(options.AcceptAlpn);
        if (options.ResetSecret.Length != QuicLimits.SecretBytes || options.TokenSecret.Length != QuicLimits.SecretBytes)
        {
            throw new ArgumentException($"the secrets have {QuicLimits.SecretBytes} bytes", nameof(options));
        }

        Handler = handler;
        Settings = options.Settings;
        Credentials = options.Credentials;
        AcceptAlpn = [.. options.AcceptAlpn];
        Probes = ConnectionSettings.Probes(options.Settings);
        Accelerator = PacketProtections.Choose(options.Settings.PacketProtection, options.Settings.HasAes);
        Callbacks = CallbackTable.Create(accelerated: Accelerator != null);
        Tls = new TlsContext(options.Settings.HasAes, accelerated: Accelerator != null);
        _loopNumber = options.LoopNumber;
        _resetSecret = options.ResetSecret.ToArray();
        _tokenSecret = options.TokenSecret.ToArray();
        _unvalidated = new LeakyMeter(options.RetryAbovePerSecond, options.RetryAbovePerSecond);
        _answered = new LeakyMeter(options.DropAbovePerSecond, Math.Max(options.DropAbovePerSecond / 32, Math.Min(options.DropAbovePerSecond, 64)));
        _maxHandshakes = options.MaxHandshakes;
    }

    /// <summary>The earliest deadline of all connections in nanoseconds; <see cref="ulong.MaxValue"/> when none.</summary>
    public ulong NextDeadline => Deadlines.Earliest;

    /// <summary>Connections known, those just over included (they are remembered for three probe timeouts).</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>In no order; changes with every call that can open or end a connection.</summary>
    public IReadOnlyList<QuicConnection> Connections => _connections;

    public QuicEndpointStats Stats => _stats;

    internal QuicHandler Handler { get; }

    internal QuicSettings Settings { get; }

    internal QuicCredentials Credentials { get; private set; }

    internal IReadOnlyList<string> AcceptAlpn { get; }

    internal ushort[] Probes { get; }

    internal ngtcp2_callbacks Callbacks { get; }

    internal TlsContext Tls { get; }

    internal DeadlineHeap Deadlines { get; } = new();

    /// <summary>New handshakes show another chain. What was there before must outlive the connections that use it.</summary>
    public void ChangeCredentials(QuicCredentials credentials) => Credentials = credentials;

    /// <summary>Dials; the first packet leaves with the next <see cref="QuicConnection.WritePending"/> (the connection is dirty). Allowed in callbacks.</summary>
    /// <param name="path">sockaddr_in or sockaddr_in6 on both ends.</param>
    /// <param name="alpn">Offered protocols, best first; the peer must take one.</param>
    /// <param name="credentials">Instead of the endpoint's, for a chain of its own; must outlive the connection.</param>
    /// <exception cref="ArgumentException">An unusable address or ALPN list.</exception>
    /// <param name="token">From <see cref="QuicHandler.OnNewToken"/> of an earlier connection with the same peer; empty: none.</param>
    public QuicConnection Connect(
        in QuicPath path, IReadOnlyList<string> alpn, Instant now, object? tag = null, QuicCredentials? credentials = null, ReadOnlySpan<byte> token = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TlsContext.CheckProtocols(alpn);
        if (alpn.Count == 0)
        {
            throw new ArgumentException("a dial must offer a protocol", nameof(alpn));
        }

        if (!NativePath.IsUsable(path))
        {
            throw new ArgumentException("both ends of a path are a sockaddr_in (16 bytes) or sockaddr_in6 (28 bytes)", nameof(path));
        }

        var connection = QuicConnection.Dial(this, path, alpn, credentials ?? Credentials, token, now);
        connection.Tag = tag;
        _stats = _stats with { Dialed = _stats.Dialed + 1 };
        Add(connection);
        return connection;
    }

    /// <summary>
    /// A connection touched since it was last taken, or null: call its <see cref="QuicConnection.WritePending"/> until it has nothing.
    /// One whose writing stopped before that (no room) comes again.
    /// </summary>
    public QuicConnection? TakeDirty()
    {
        while (_dirty.TryDequeue(out var connection))
        {
            connection.IsQueued = false;
            if (connection.IsDirty)
            {
                connection.IsDirty = false;
                return connection;
            }
        }

        return null;
    }

    /// <summary>Lets every connection act whose deadline has come, and marks it dirty.</summary>
    public void HandleDeadlines(Instant now)
    {
        // Each at most once a call: a deadline that stays due (pacing, a handler that does not write) must not hold the loop.
        for (var left = _connections.Count; left > 0 && Deadlines.First is { } connection && connection.Deadline <= now.Nanos; left--)
        {
            connection.HandleDeadline(now);
        }
    }

    /// <summary>Frees everything at once; sends nothing and tells the handler nothing. Not from inside a callback.</summary>
    public void Dispose()
    {
        if (_receiving || _connections.Exists(c => c.IsBusy))
        {
            throw new InvalidOperationException("an endpoint cannot be disposed from inside its callbacks");
        }

        if (_disposed)
        {
            return;
        }

        _disposed = true;
        while (_connections.Count > 0)
        {
            _connections[^1].Leave();
        }

        _dirty.Clear();
        Tls.Dispose();
    }

    internal void MarkDirty(QuicConnection connection)
    {
        connection.IsDirty = true;
        if (!connection.IsQueued)
        {
            connection.IsQueued = true;
            _dirty.Enqueue(connection);
        }
    }

    internal void CountRefused() => _stats = _stats with { CertificatesRefused = _stats.CertificatesRefused + 1 };

    internal void OnHandshakeCompleted(QuicConnection connection)
    {
        _stats = _stats with { HandshakesCompleted = _stats.HandshakesCompleted + 1 };
        OnHandshakeEnded(connection);
        ForgetFirstId(connection);
    }

    /// <summary>Complete or failed: no longer half open. May be told more than once.</summary>
    internal void OnHandshakeEnded(QuicConnection connection)
    {
        if (connection.IsHalfOpen)
        {
            connection.IsHalfOpen = false;
            _handshakes--;
        }
    }

    internal void TellClosed(QuicConnection connection, QuicClose close)
    {
        _stats = _stats with { Closed = _stats.Closed + 1 };
        Handler.OnClosed(connection, close);
    }

    /// <summary>Whether one more connection may be remembered after its end.</summary>
    internal bool TryLinger()
    {
        if (_lingering >= QuicLimits.MaxLingering)
        {
            return false;
        }

        _lingering++;
        return true;
    }

    internal void EndLinger() => _lingering--;

    internal void Remove(QuicConnection connection)
    {
        ForgetIds(connection);
        Deadlines.Remove(connection);
        if (connection.ListIndex >= 0)
        {
            var last = _connections[^1];
            _connections[connection.ListIndex] = last;
            last.ListIndex = connection.ListIndex;
            _connections.RemoveAt(_connections.Count - 1);
            connection.ListIndex = -1;
        }
    }

    private void Add(QuicConnection connection)
    {
        connection.ListIndex = _connections.Count;
        _connections.Add(connection);
        MarkDirty(connection);
    }
}
