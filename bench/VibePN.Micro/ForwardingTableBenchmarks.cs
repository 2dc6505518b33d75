using BenchmarkDotNet.Attributes;
using VibePN.Routing;

namespace VibePN.Micro;

/// <summary>Lookups in random order; each of another address, as packets of many flows need it.</summary>
public class ForwardingTableBenchmarks
{
    private const int Lookups = 65_536;
    private const int Seed = 1;

    private readonly IpKey[] _addresses = new IpKey[Lookups];
    private ForwardingTable<string> _table = ForwardingTable<string>.Empty;

    [Params(10, 100_000)]
    public int Prefixes { get; set; }

    [Params(false, true)]
    public bool V6 { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        Random random = new(Seed);
        HashSet<Prefix> prefixes = [];
        while (prefixes.Count < Prefixes)
        {
            prefixes.Add(new Prefix(Address(random), V6 ? random.Next(32, 65) : random.Next(12, 29)));
        }

        Prefix[] list = [.. prefixes];
        _table = new ForwardingTable<string>([.. list.Select((prefix, i) => KeyValuePair.Create(prefix, $"peer{i % 300}"))]);
        for (var i = 0; i < Lookups; i++)
        {
            // Nine of ten are inside a prefix.
            var prefix = list[random.Next(list.Length)];
            _addresses[i] = random.Next(10) == 0 ? Address(random) : prefix.First with { Bits = prefix.First.Bits | (UInt128)(uint)random.Next(8) };
        }
    }

    [Benchmark(OperationsPerInvoke = Lookups)]
    public int Lookup()
    {
        var found = 0;
        foreach (var address in _addresses)
        {
            found += _table.Lookup(address) is null ? 0 : 1;
        }

        return found >= Lookups * 8 / 10 ? found : throw new InvalidOperationException($"only {found} found");
    }

    private IpKey Address(Random random)
    {
        var bytes = new byte[V6 ? 16 : 4];
        random.NextBytes(bytes);
        return IpKey.FromBytes(bytes);
    }
}
