using VibePN.Api;
using VibePN.Identity;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>
/// What a scrape and the page are told. However often it is asked for: the node is interrupted for one snapshot a second at most, and
/// everybody who asks in that time is told the same.
/// </summary>
internal sealed class MetricsSource : IDisposable
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(1);

    private readonly NodeHost _host;
    private readonly TimeProvider _clock;
    private NodeIdentity? _identity;
    private long? _certificateNotAfter;
    private readonly LibrariesDto _libraries = LibrariesDto.OfThisProcess();
    private readonly SemaphoreSlim _turn = new(1);
    private readonly NodeMeter _meter;
    private readonly Exposition _exposition;
    private readonly DateTimeOffset _started;
    private OtlpDocument? _otlp;
    private NodeSample? _sample;
    private byte[]? _text;
    private byte[]? _nodeEvent;
    private byte[] _routesEvent = [];
    private long _takenAt;

    public MetricsSource(NodeHost host, TimeProvider clock)
    {
        _host = host;
        _clock = clock;
        _meter = new NodeMeter(() => _sample ?? throw new InvalidOperationException("no sample was taken yet"));
        _exposition = new Exposition(_meter.Meter);
        _started = clock.GetUtcNow();
    }

    public TimeProvider Clock => _clock;

    public string NodeName => _host.Config.Node.Name;

    /// <returns>In Prometheus' text format; not to be changed.</returns>
    public async Task<ReadOnlyMemory<byte>> TextAsync()
    {
        await _turn.WaitAsync();
        try
        {
            _ = await SampleAsync();
            return _text ??= _exposition.Write();
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    /// <returns>For an OpenTelemetry collector.</returns>
    public async Task<ReadOnlyMemory<byte>> OtlpAsync()
    {
        await _turn.WaitAsync();
        try
        {
            _ = await SampleAsync();
            _otlp ??= new OtlpDocument(_meter.Meter);
            return _otlp.Write(NodeName, ProductVersion.Text, _started, _clock.GetUtcNow());
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    /// <summary>For the page.</summary>
    public async Task<PageFrame> FrameAsync()
    {
        await _turn.WaitAsync();
        try
        {
            NodeSample sample = await SampleAsync();
            if (_nodeEvent is null)
            {
                _nodeEvent = PageEvents.Node(sample, _clock.GetUtcNow());
                byte[] routes = PageEvents.Routes(sample);
                _routesEvent = routes.AsSpan().SequenceEqual(_routesEvent) ? _routesEvent : routes;
            }

            return new PageFrame(_nodeEvent, _routesEvent, MaxAge - _clock.GetElapsedTime(_takenAt));
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    public void Dispose()
    {
        _exposition.Dispose();
        _otlp?.Dispose();
        _meter.Dispose();
        _turn.Dispose();
    }

    /// <summary>To be called in turn.</summary>
    private async Task<NodeSample> SampleAsync()
    {
        if (_sample is null || _clock.GetElapsedTime(_takenAt) >= MaxAge)
        {
            NodeSnapshot snapshot = await _host.SnapshotAsync();
            (long allocated, long turns) = _host.LoopLoad;
            if (_identity != _host.Identity)
            {
                _identity = _host.Identity;
                _certificateNotAfter = NodeSample.NotAfterOf(_identity);
            }

            _sample = new NodeSample
            {
                Node = snapshot,
                Version = ProductVersion.Text,
                Ngtcp2 = _libraries.Ngtcp2,
                GnuTls = _libraries.GnuTls,
                ResidentBytes = StatusSource.ResidentBytes(),
                LoopAllocatedBytes = allocated,
                LoopTurns = turns,
                CertificateNotAfterUtcSeconds = _certificateNotAfter,
            };
            _text = null;
            _nodeEvent = null;
            _takenAt = _clock.GetTimestamp();
        }

        return _sample;
    }
}
