using System.Globalization;
using System.Text;

namespace VibePN.Linux.Tests;

public sealed class FilePagesTests
{
    [Theory]
    [InlineData("5628c7e00000-5628c8600000 r-xp 0001d000 fe:00 1234                       /usr/bin/vibepn", 0x5628c7e00000UL, 0x800000UL)]
    [InlineData("1000-3000 r--p 00000000 00:00 0    /usr/bin/with space", 0x1000UL, 0x2000UL)]
    [InlineData("1000-3000 r--p 00000000 00:00 0    /usr/bin/vibepn (deleted)", 0x1000UL, 0x2000UL)]
    public void Mapping_OfFileNobodyWroteTo_IsTaken(string line, ulong start, ulong bytes)
    {
        FilePages.CleanMapping mapping = default;
        Assert.True(Read(ref mapping, line, "Size: 8192 kB", "Rss:                  12 kB", "Anonymous:             0 kB"));
        Assert.Equal(((nuint)start, (nuint)bytes, 12288), (mapping.Start, mapping.Bytes, mapping.ResidentBytes));
    }

    [Theory]
    [InlineData("1000-3000 rwxp 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("1000-3000 rw-p 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("1000-3000 r-xs 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("1000-3000 ---p 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("1000-3000 r-xp 00000000 fe:00 1 /usr/bin/vibepn", 4)]
    [InlineData("1000-3000 r--p 00000000 fe:00 1 /dev/net/tun", 0)]
    [InlineData("1000-3000 r-xp 00000000 00:00 0", 0)]
    [InlineData("1000-3000 r-xp 00000000 00:00 0 [vdso]", 0)]
    [InlineData("3000-1000 r-xp 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("zz-1000 r-xp 00000000 fe:00 1 /usr/bin/vibepn", 0)]
    [InlineData("1000-", 0)]
    [InlineData("1000", 0)]
    public void Mapping_OfAnythingElse_IsLeftAlone(string line, int anonymous)
    {
        FilePages.CleanMapping mapping = default;
        Assert.True(Read(ref mapping, "1000-3000 r-xp 00000000 fe:00 1 /usr/bin/vibepn", "Rss: 8 kB", "Anonymous: 0 kB"));
        Assert.False(Read(ref mapping, line, "Rss: 8 kB", string.Create(CultureInfo.InvariantCulture, $"Anonymous: {anonymous} kB")));
    }

    [Theory]
    [InlineData("Rss: 0 kB", "Anonymous: 0 kB")]
    [InlineData("Rss: 8 kB", "Anonymous: x kB")]
    [InlineData("Rss: 8 kB", "Anonymous:")]
    [InlineData("Anonymous: 0 kB", "Rss: 8 kB")]
    public void Mapping_NothingToGiveOrUnknown_IsLeftAlone(params string[] fields)
    {
        FilePages.CleanMapping mapping = default;
        Assert.False(Read(ref mapping, ["1000-3000 r-xp 00000000 fe:00 1 /usr/bin/vibepn", .. fields]));
    }

    [Fact]
    public void Release_OfTheRunningProgram_GivesBackAndGoesOn()
    {
        Assert.True(FilePages.Release() > 0);
        Assert.True(FilePages.Release() > 0);
    }

    private static bool Read(ref FilePages.CleanMapping mapping, params string[] lines)
    {
        bool ended = false;
        foreach (string line in lines)
        {
            ended = mapping.IsEndedBy(Encoding.UTF8.GetBytes(line));
        }

        return ended;
    }
}
