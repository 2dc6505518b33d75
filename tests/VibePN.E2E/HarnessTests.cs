using System.Globalization;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>The harness itself: what all other tests rest on.</summary>
public sealed class HarnessTests
{
    [Fact]
    public void Hosts_OnOneSegment_ReachEachOther()
    {
        using TestBed bed = new();
        TestHost one = bed.AddHost("one"), two = bed.AddHost("two"), three = bed.AddHost("three");

        Assert.True(one.CanPing(two.Address));
        Assert.True(three.CanPing(one.Address6));
    }

    [Fact]
    public void Disposal_LeavesNothing()
    {
        string id, folder;
        using (TestBed bed = new())
        {
            (id, folder) = (bed.Id, bed.Folder);
            TestHost host = bed.AddHost("one");
            host.Start("sleep", "100");
            Assert.Contains(host.Namespace, TestHost.AllNamespaces());
        }

        Assert.DoesNotContain(TestHost.AllNamespaces(), name => name.StartsWith(id, StringComparison.Ordinal));
        Assert.False(Directory.Exists(folder));
        Assert.DoesNotContain(id, Shell.Must("ip", "-o", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_OfARunThatIsGone_AreRemoved()
    {
        int pid;
        using (RunningProgram gone = RunningProgram.Start("true"))
        {
            pid = gone.Id;
            gone.WaitForExit(TimeSpan.FromSeconds(5));
        }

        string orphan = string.Create(CultureInfo.InvariantCulture, $"vpn-t{pid}-0000-one");
        string own = string.Create(CultureInfo.InvariantCulture, $"vpn-t{Environment.ProcessId}-0000-one");
        string folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), orphan)).FullName;
        Shell.Must("ip", "netns", "add", orphan);
        Shell.Must("ip", "netns", "add", own);
        try
        {
            _ = new Leftovers();

            Assert.DoesNotContain(orphan, TestHost.AllNamespaces());
            Assert.Contains(own, TestHost.AllNamespaces());
            Assert.False(Directory.Exists(folder));
        }
        finally
        {
            TestHost.RemoveNamespace(own);
            TestHost.RemoveNamespace(orphan);
        }
    }
}
