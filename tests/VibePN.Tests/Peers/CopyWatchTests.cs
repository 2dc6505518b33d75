using System.Net;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class CopyWatchTests
{
    private const ulong Second = 1_000_000_000;

    private static readonly Guid First = new("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Other = new("00000000-0000-0000-0000-000000000002");
    private static readonly IPEndPoint Here = new(IPAddress.Parse("192.0.2.2"), 51820);
    private static readonly IPEndPoint There = new(IPAddress.Parse("192.0.2.1"), 51820);

    [Fact]
    public void Meet_RestartsOnly_IsOneHost()
    {
        CopyWatch watch = default;
        for (ulong i = 1; i < 100; i++)
        {
            Assert.False(watch.Meet(new Guid((int)i, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]), Here, i * Second));
            Assert.Null(watch.At(i * Second));
        }
    }

    [Fact]
    public void Meet_BackToASnapshotNowAndThen_IsOneHost()
    {
        CopyWatch watch = default;
        for (ulong i = 1; i < 20; i++)
        {
            Assert.False(watch.Meet(i % 2 == 0 ? First : Other, Here, i * 600 * Second));
        }
    }

    [Fact]
    public void Meet_TwoInTurn_AreTwoHostsUntilOneIsGone()
    {
        CopyWatch watch = default;
        Assert.False(watch.Meet(First, Here, 1 * Second));
        Assert.False(watch.Meet(Other, There, 2 * Second));
        Assert.False(watch.Meet(First, Here, 3 * Second));
        Assert.True(watch.Meet(Other, There, 4 * Second));
        Assert.Equal("192.0.2.1:51820 and 192.0.2.2:51820", watch.At(5 * Second));
        Assert.False(watch.Meet(First, Here, 6 * Second));

        Assert.NotNull(watch.At(6 * Second));
        Assert.Null(watch.At((6 * Second) + CopyWatch.MemoryNanos));
    }
}
