using System.Net;
using VibePN.Routing;
using Xunit;

namespace VibePN.Tests.Routing;

public sealed class ForwardingTableTests
{
    [Theory]
    [InlineData(20, false)]
    [InlineData(3000, false)]
    [InlineData(20, true)]
    [InlineData(3000, true)]
    public void Lookup_RandomNestedPrefixes_AgreesWithLinearSearch(int count, bool v6)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var routes = Enumerable.Range(0, count)
            .Select(_ => RandomPrefix(random, v6))
            .Distinct()
            .Select(prefix => KeyValuePair.Create(prefix, $"{prefix}"))
            .ToList();
        var table = new ForwardingTable<string>(routes);

        for (var i = 0; i < 2000; i++)
        {
            var address = RandomAddress(random, v6, routes);
            var expected = routes
                .Where(route => route.Key.Contains(address))
                .OrderByDescending(route => route.Key.Length)
                .Select(route => route.Value)
                .FirstOrDefault();

            Assert.True(expected == table.Lookup(address), $"{address}: {expected} expected, {table.Lookup(address)} found (seed {seed})");
        }
    }

    [Fact]
    public void Lookup_ManyHostsOfOneSubnet_EachItsOwn()
    {
        var hosts = Enumerable.Range(1, 3_000).ToDictionary(i => Parse($"fd00::{i * 2:x}/128"), i => $"host{i}");
        var table = new ForwardingTable<string>([KeyValuePair.Create(Parse("fd00::/64"), "subnet"), .. hosts]);

        foreach (var (host, name) in hosts)
        {
            Assert.Equal(name, table.Lookup(host.First));
            Assert.Equal("subnet", table.Lookup(host.First with { Bits = host.First.Bits + 1 }));
        }

        Assert.Equal("subnet", table.Lookup(Parse("fd00::/128").First));
        Assert.Equal("subnet", table.Lookup(Parse("fd00::ffff:ffff:ffff:ffff/128").First));
        Assert.Null(table.Lookup(Parse("fd00:0:0:1::/128").First));
    }

    [Fact]
    public void Lookup_WholeRangesAndEdges_Match()
    {
        var table = new ForwardingTable<string>(
        [
            KeyValuePair.Create(Parse("0.0.0.0/0"), "all"),
            KeyValuePair.Create(Parse("255.255.255.255/32"), "last"),
            KeyValuePair.Create(Parse("::/0"), "all6"),
            KeyValuePair.Create(Parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), "last6"),
        ]);

        Assert.Equal("all", table.Lookup([0, 0, 0, 0]));
        Assert.Equal("last", table.Lookup([255, 255, 255, 255]));
        Assert.Equal("all", table.Lookup([255, 255, 255, 254]));
        Assert.Equal("all6", table.Lookup(new byte[16]));
        Assert.Equal("last6", table.Lookup(Enumerable.Repeat((byte)255, 16).ToArray()));
    }

    [Fact]
    public void Lookup_EmptyTableOrWrongLength_Null()
    {
        Assert.Null(ForwardingTable<string>.Empty.Lookup([10, 0, 0, 1]));
        Assert.Null(ForwardingTable<string>.Empty.Lookup([10, 0, 0]));
    }

    [Fact]
    public void Lookup_Repeated_AllocatesNothing()
    {
        var table = new ForwardingTable<string>([KeyValuePair.Create(Parse("10.0.0.0/8"), "ten")]);
        byte[] address = [10, 1, 2, 3];
        _ = table.Lookup(address);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            _ = table.Lookup(address);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static Prefix Parse(string text) => Prefix.FromIPNetwork(IPNetwork.Parse(text));

    private static Prefix RandomPrefix(Random random, bool v6)
    {
        var bytes = new byte[v6 ? 16 : 4];
        random.NextBytes(bytes);

        // Few leading bytes, so that prefixes nest.
        bytes[0] = (byte)random.Next(2);
        bytes[1] = (byte)random.Next(4);
        var address = IpKey.FromBytes(bytes);
        return new Prefix(address, random.Next(address.Width + 1));
    }

    private static IpKey RandomAddress(Random random, bool v6, List<KeyValuePair<Prefix, string>> routes)
    {
        if (random.Next(3) == 0)
        {
            return RandomPrefix(random, v6).First;
        }

        var prefix = routes[random.Next(routes.Count)].Key;
        return random.Next(3) switch
        {
            0 => prefix.First,
            1 => prefix.Last,
            _ => prefix.First with { Bits = (prefix.Last.Bits + 1) & (v6 ? UInt128.MaxValue : uint.MaxValue) },
        };
    }
}
