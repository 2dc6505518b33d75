using BenchmarkDotNet.Attributes;
using VibePN.Linux;
using VibePN.Linux.Tests;

namespace VibePN.Micro;

/// <summary>The internet checksum of a header, a packet, a frame.</summary>
public class ChecksumBenchmarks
{
    private byte[] _bytes = [];

    [Params(20, 1_400, 65_535)]
    public int Bytes { get; set; }

    [GlobalSetup]
    public void SetUp() => _bytes = Packets.Data(Bytes, seed: 1);

    [Benchmark]
    public ushort Compute() => Checksum.Compute(_bytes);
}
