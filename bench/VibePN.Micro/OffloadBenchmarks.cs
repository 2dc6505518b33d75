using BenchmarkDotNet.Attributes;
using VibePN.Linux;
using VibePN.Linux.Tests;

namespace VibePN.Micro;

/// <summary>A frame of 64 KiB taken apart and put together; per packet.</summary>
public class OffloadBenchmarks : IDisposable
{
    private const int Packets_ = 44;
    private const int SegmentBytes = 1_380;
    private const int Ipv4Bytes = 20;
    private const int TcpChecksum = 16;

    private readonly VirtioNetHeader _header = new(
        VirtioNetBits.NeedsChecksum, VirtioGsoType.TcpV4, Ipv4Bytes + 20, SegmentBytes, Ipv4Bytes, TcpChecksum);

    private readonly byte[] _original = Packets.Tcp("10.0.0.1", "10.0.0.2", 1, Packets.Ack, Packets.Data(Packets_ * SegmentBytes, 1));
    private byte[] _frame = [];
    private byte[][] _packets = [];
    private Coalescer? _coalescer;

    [GlobalSetup]
    public void SetUp()
    {
        _frame = [.. _original];
        _coalescer = new Coalescer(64, tcp: true, udp: true);
        _packets =
        [
            .. Enumerable.Range(0, Packets_).Select(i => Packets.Tcp(
                "10.0.0.1", "10.0.0.2", (uint)(1 + (i * SegmentBytes)), Packets.Ack, Packets.Data(SegmentBytes, i), (ushort)i)),
        ];
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _coalescer?.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(OperationsPerInvoke = Packets_)]
    public int Segmenter()
    {
        // The segmenter patches headers in place.
        _original.AsSpan(0, Ipv4Bytes + 20).CopyTo(_frame);
        var bytes = 0;
        if (Linux.Segmenter.Start(_header, _frame, out var segmenter))
        {
            while (segmenter.TryNext(_frame, out var header, out var payload))
            {
                bytes += header.Length + payload.Length;
            }
        }

        return bytes == Packets_ * (SegmentBytes + 40) ? bytes : throw new InvalidOperationException($"{bytes} bytes");
    }

    [Benchmark(OperationsPerInvoke = Packets_)]
    public int Coalescer()
    {
        foreach (var packet in _packets)
        {
            _coalescer!.Add(packet, checksumPartial: true);
        }

        var frames = _coalescer!.Count;
        _coalescer.Clear();
        return frames == 1 ? frames : throw new InvalidOperationException($"{frames} frames");
    }
}
