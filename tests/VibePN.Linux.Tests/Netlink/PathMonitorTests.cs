namespace VibePN.Linux.Tests;

/// <summary>Bytes of netlink messages, whole and cut: which of them concern the ways to peers.</summary>
public sealed class PathMonitorTests
{
    private const ushort NewAddress = 20;
    private const ushort NewRoute = 24;

    [Theory]
    [InlineData(7, true)]
    [InlineData(9, false)]
    public void IsOfInterest_AddressOfAnInterface_UnlessItIsIgnored(int index, bool expected) =>
        Assert.Equal(expected, PathMonitor.IsOfInterest(Message(NewAddress, 2, 24, 0, 0, (byte)index, 0, 0, 0), [8, 9]));

    [Theory]
    [InlineData(7, true)]
    [InlineData(9, false)]
    public void IsOfInterest_RouteThroughAnInterface_UnlessItIsIgnored(int index, bool expected) =>
        Assert.Equal(expected, PathMonitor.IsOfInterest(Message(NewRoute, 2, 24, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0, 8, 0, 4, 0, (byte)index, 0, 0, 0), [8, 9]));

    [Fact]
    public void IsOfInterest_OneOfTwo_True() => Assert.True(PathMonitor.IsOfInterest(
        [.. Message(NewAddress, 2, 24, 0, 0, 9, 0, 0, 0), .. Message(NewAddress, 2, 24, 0, 0, 3, 0, 0, 0)],
        [9]));

    [Fact]
    public void IsOfInterest_AnyCut_NeverThrows()
    {
        var message = Message(NewRoute, 2, 24, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0, 8, 0, 4, 0, 9, 0, 0, 0);
        for (var length = 1; length < message.Length; length++)
        {
            Assert.True(PathMonitor.IsOfInterest(message.AsSpan(0, length), [9]));
        }
    }

    private static byte[] Message(ushort type, params byte[] body) =>
        [(byte)(16 + body.Length), 0, 0, 0, (byte)type, (byte)(type >> 8), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. body];
}
