using VibePN.Api;
using VibePN.Identity;
using VibePN.Metrics;

namespace VibePN.Cli.Daemon;

/// <summary>
/// What a scrape answers. However often it is asked for: the node is interrupted for one snapshot a second at most, and everybody who asks
/// in that time has the same text.
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
    private NodeSample? _sample;
    private byte[] _text = [];
    private long _takenAt;

    public MetricsSource(NodeHost host, TimeProvider clock)
    {
        _host = host;
        _clock = clock;
        _meter = new NodeMeter(() => _sample ?? throw new InvalidOperationException("no sample was taken yet"));
        _exposition = new Exposition(_meter.Meter);
    }

    public string NodeName => _host.Config.Node.Name;

    /// <returns>In Prometheus' text format; not to be changed.</returns>
    public async Task<ReadOnlyMemory<byte>> TextAsync()
    {
        await _turn.WaitAsync();
        try
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
                _text = _exposition.Write();
                _takenAt = _clock.GetTimestamp();
            }

            return _text;
        }
        finally
        {
            _ = _turn.Release();
        }
    }

    public void Dispose()
    {
        _exposition.Dispose();
        _meter.Dispose();
        _turn.Dispose();
    }
}
