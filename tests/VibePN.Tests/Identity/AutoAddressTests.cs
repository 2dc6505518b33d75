using System.Net;
using System.Net.Sockets;
using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

public sealed class AutoAddressTests
{
    private static readonly PeerId Counting = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    /// <summary>Worked out with another program from the definition alone; they must never change.</summary>
    [Theory]
    [InlineData("corp", "10.42.0.0/24", 0u, "10.42.0.154")]
    [InlineData("corp", "10.42.0.0/24", 1u, "10.42.0.160")]
    [InlineData("lab", "10.42.0.0/24", 0u, "10.42.0.175")]
    [InlineData("corp", "10.32.0.0/11", 0u, "10.34.6.239")]
    [InlineData("corp", "fd42::/64", 0u, "fd42::8925:8c19:a22b:25b4")]
    [InlineData("corp", "2000::/3", 7u, "2813:3afe:bc68:cc7f:cbb2:1b9c:accb:7777")]
    public void Candidate_KnownInputs_GivesTheDefinedAddress(string network, string prefix, uint counter, string expected) =>
        Assert.Equal(IPAddress.Parse(expected), AutoAddress.Candidate(network, IPNetwork.Parse(prefix), Counting, counter));

    [Fact]
    public void Next_RandomInputs_IsAHostOfThePrefixAndRepeatable()
    {
        const int Seed = 99;
        Random random = new(Seed);
        byte[] bytes = new byte[16];
        byte[] id = new byte[PeerId.SizeBytes];
        for (int round = 0; round < 2000; round++)
        {
            random.NextBytes(bytes);
            random.NextBytes(id);
            bool v4 = random.Next(2) == 0;
            int length = random.Next(1, v4 ? 31 : 127);
            IPAddress start = new(v4 ? bytes[..4] : bytes);
            if (start.IsIPv4MappedToIPv6)
            {
                continue;
            }

            IPNetwork prefix = new(IpText.Mask(start, length), length);
            uint counter = (uint)random.Next();
            uint again = counter;
            uint first = counter;

            IPAddress address = AutoAddress.Next("net", prefix, new PeerId(id), ref counter);

            Assert.True(IpText.IsHost(prefix, address), $"seed {Seed}, round {round}: {address} in {prefix}");
            Assert.Equal(address, AutoAddress.Next("net", prefix, new PeerId(id), ref again));
            Assert.Equal(counter, again);
            Assert.True(counter >= first);
        }
    }

    [Fact]
    public void Next_TwoHostBits_SkipsTheNetworkAndTheBroadcast()
    {
        IPNetwork prefix = IPNetwork.Parse("10.0.0.4/30");
        HashSet<string> seen = [];
        int skipped = 0;
        for (uint counter = 0; counter < 200; counter++)
        {
            skipped += AutoAddress.Candidate("n", prefix, Counting, counter) is null ? 1 : 0;
            uint at = counter;
            seen.Add(AutoAddress.Next("n", prefix, Counting, ref at).ToString());
        }

        Assert.Equal(["10.0.0.5", "10.0.0.6"], seen.Order(StringComparer.Ordinal));
        Assert.InRange(skipped, 50, 150);
    }

    [Fact]
    public void Next_NoRoom_Throws()
    {
        uint counter = 0;
        Assert.Throws<ArgumentException>(() => AutoAddress.Next("n", IPNetwork.Parse("10.0.0.4/31"), Counting, ref counter));
    }

    [Fact]
    public void Candidate_ManyIds_AreSpreadOverThePrefix()
    {
        byte[] id = new byte[PeerId.SizeBytes];
        IPNetwork prefix = IPNetwork.Parse("10.42.0.0/16");
        HashSet<IPAddress> seen = [];
        for (int i = 0; i < 1000; i++)
        {
            BitConverter.TryWriteBytes(id, i);
            IPAddress? address = AutoAddress.Candidate("corp", prefix, new PeerId(id), 0);
            Assert.Equal(AddressFamily.InterNetwork, address!.AddressFamily);
            _ = seen.Add(address);
        }

        // 1,000 of 65,534: some eight meet by chance.
        Assert.InRange(seen.Count, 970, 1000);
    }
}
