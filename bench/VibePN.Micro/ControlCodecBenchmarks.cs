using System.Buffers;
using System.Net;
using BenchmarkDotNet.Attributes;
using VibePN.Control;
using VibePN.Routing;

namespace VibePN.Micro;

/// <summary>The control messages that go to and fro most often, and a large one.</summary>
public class ControlCodecBenchmarks
{
    private const int Routes = 100;

    private readonly ArrayBufferWriter<byte> _writer = new(65_536);
    private readonly Keepalive _keepalive = new(7, IPEndPoint.Parse("203.0.113.42:51820"));

    private readonly Announce _announce = new(
        "corp",
        [.. Enumerable.Range(0, Routes).Select(i => new RouteOffer(Prefix.FromIPNetwork(IPNetwork.Parse($"10.{i}.0.0/16")), 10, 300))]);

    private byte[] _keepaliveBytes = [];
    private byte[] _announceBytes = [];

    [GlobalSetup]
    public void SetUp()
    {
        _keepaliveBytes = Encode(_keepalive);
        _announceBytes = Encode(_announce);
    }

    [Benchmark]
    public int WriteKeepalive() => Write(_keepalive);

    [Benchmark]
    public int ReadKeepalive() => Read(_keepaliveBytes);

    [Benchmark]
    public int WriteHundredRoutes() => Write(_announce);

    [Benchmark]
    public int ReadHundredRoutes() => Read(_announceBytes);

    private int Write(ControlMessage message)
    {
        _writer.ResetWrittenCount();
        ControlCodec.Write(_writer, message);
        return _writer.WrittenCount;
    }

    private static int Read(byte[] bytes) => ControlCodec.TryRead(bytes, out var message) is var read && message is not null
        ? read
        : throw new InvalidOperationException("not read");

    private byte[] Encode(ControlMessage message)
    {
        Write(message);
        return _writer.WrittenSpan.ToArray();
    }
}
