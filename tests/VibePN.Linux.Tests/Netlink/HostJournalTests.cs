using System.Net;

namespace VibePN.Linux.Tests;

/// <summary>What a killed process leaves on links that outlive it, against the kernel.</summary>
public sealed class HostJournalTests : IDisposable
{
    private const string Name = "vpn-test";

    private readonly string _folder = Directory.CreateTempSubdirectory($"vpn-t{Environment.ProcessId}-journal-").FullName;

    private string JournalPath => Path.Combine(_folder, "state", "journal.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Recover_OfAnInterfaceThatWentAwayWithTheProcess_FindsNothingToDo() => NetNs.Run(() =>
    {
        using (var tun = TunDevice.Open(Name, new TunOptions()))
        {
            Crash(tun.InterfaceIndex);
            Assert.True(File.Exists(JournalPath));
        }

        using var network = new HostNetwork(JournalPath);

        Assert.Null(network.Recover());

        Assert.False(File.Exists(JournalPath));
    });

    [Fact]
    public void Apply_JournalCannotBeWrittenForAnInterfaceThatGoesAwayWithUs_IsAWarningOnly() => NetNs.Run(() =>
    {
        File.WriteAllText(Path.Combine(_folder, "state"), "a file in place of the directory");
        using var tun = TunDevice.Open(Name, new TunOptions());
        using var network = new HostNetwork(JournalPath);

        network.Apply(State(tun.InterfaceIndex));

        Assert.Contains(JournalPath, network.JournalProblem, StringComparison.Ordinal);
        Assert.Equal(2, Addresses(tun.InterfaceIndex).Count);
    });

    [Fact]
    public void Apply_Addresses_AreInTheJournal() => NetNs.Run(() =>
    {
        using var tun = TunDevice.Open(Name, new TunOptions());
        using var network = new HostNetwork(JournalPath);

        network.Apply(State(tun.InterfaceIndex));

        var links = new HostJournal(JournalPath).Load(out var problem);
        Assert.Null(problem);
        Assert.Equal(["10.7.0.1/24", "fd07::1/64"], Assert.Single(links).Addresses);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(JournalPath));
    });

    [Fact]
    public void Apply_EmptyOnAPersistentInterface_LeavesItAsFound() => NetNs.Run(() =>
    {
        var index = MakePersistent();
        var before = Describe(index);
        using var network = new HostNetwork(JournalPath);

        network.Apply(State(index));
        Assert.True(File.Exists(JournalPath));
        Assert.NotEqual(before, Describe(index));
        network.Apply(HostState.Empty);

        Assert.False(File.Exists(JournalPath));
        Assert.Equal(before, Describe(index));
        Assert.Null(network.Recover());
    });

    [Fact]
    public void Recover_AfterACrash_LeavesTheInterfaceAsFound() => NetNs.Run(() =>
    {
        var index = MakePersistent();
        var before = Describe(index);
        Crash(index);
        Assert.NotEqual(before, Describe(index));

        using var network = new HostNetwork(JournalPath);
        Assert.Null(network.Recover());

        Assert.Equal(before, Describe(index));
        Assert.False(File.Exists(JournalPath));
    });

    [Fact]
    public void Recover_WhatOthersGaveTheInterface_Stays() => NetNs.Run(() =>
    {
        var index = MakePersistent();
        using (var them = new HostNetwork())
        {
            them.Apply(new HostState([new LinkState(index, Name, 1300, Up: true, [new(IPAddress.Parse("10.99.0.1"), 24)], [])]));
        }

        var before = Describe(index);
        Crash(index);
        using var network = new HostNetwork(JournalPath);

        Assert.Null(network.Recover());

        Assert.Equal(before, Describe(index));
        Assert.Contains("10.99.0.1/24", before, StringComparison.Ordinal);
    });

    [Fact]
    public void Recover_NameAndIndexOfAnotherLink_IsNotTouched() => NetNs.Run(() =>
    {
        var index = MakePersistent();
        Crash(index);
        Remove();
        var other = MakePersistent();
        File.WriteAllText(JournalPath, File.ReadAllText(JournalPath).Replace($"\"index\": {index}", $"\"index\": {other}", StringComparison.Ordinal));
        using (var them = new HostNetwork())
        {
            them.Apply(State(other));
        }

        var before = Describe(other);
        using var network = new HostNetwork(JournalPath);

        Assert.Null(network.Recover());

        Assert.Equal(before, Describe(other));
        Assert.False(File.Exists(JournalPath));
    });

    [Fact]
    public void Recover_InterfaceGone_ForgetsIt() => NetNs.Run(() =>
    {
        Crash(MakePersistent());
        Remove();
        using var network = new HostNetwork(JournalPath);

        Assert.Null(network.Recover());

        Assert.False(File.Exists(JournalPath));
    });

    /// <summary>Crashes between the journal and each change: the journal is there before, so every prefix of the changes is undone.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Recover_AfterACrashInTheMiddle_LeavesTheInterfaceAsFound(int changesDone) => NetNs.Run(() =>
    {
        var index = MakePersistent();
        var before = Describe(index);
        Crash(index);
        // Steps are taken back from the last on, which leaves what a crash after fewer of them would have left.
        if (changesDone < 3)
        {
            Ip("route", "flush", "dev", Name, "proto", "201");
        }

        if (changesDone < 2)
        {
            Ip("address", "flush", "dev", Name);
        }

        if (changesDone < 1)
        {
            Ip("link", "set", Name, "down", "mtu", "1500");
        }

        using var network = new HostNetwork(JournalPath);

        Assert.Null(network.Recover());

        Assert.Equal(before, Describe(index));
        Assert.False(File.Exists(JournalPath));
    });

    [Fact]
    public void Apply_JournalCannotBeWritten_ChangesNothingAndSaysWhy() => NetNs.Run(() =>
    {
        var index = MakePersistent();
        var before = Describe(index);
        File.WriteAllText(Path.Combine(_folder, "state"), "a file in place of the directory");
        using var network = new HostNetwork(JournalPath);

        var error = Assert.Throws<LinuxException>(() => network.Apply(State(index)));

        Assert.Contains(JournalPath, error.Message, StringComparison.Ordinal);
        Assert.Contains("state directory must be writable", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Describe(index));
    });

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"version\":2,\"links\":[]}")]
    [InlineData("{\"version\":1}")]
    [InlineData("{\"version\":1,\"links\":[null]}")]
    [InlineData("{\"version\":1,\"links\":[{\"index\":1,\"name\":\"lo\"}]}")]
    [InlineData("{\"version\":1,\"links\":[{\"index\":1,\"name\":\"lo\",\"marker\":\"m\",\"alias\":\"\",\"mtu\":1500,\"addresses\":[\"x/300\"]}]}")]
    public void Recover_UnreadableJournal_IsPutAsideAndExplained(string text) => NetNs.Run(() =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(JournalPath)!);
        File.WriteAllText(JournalPath, text);
        using var network = new HostNetwork(JournalPath);

        Assert.Contains(JournalPath, network.Recover(), StringComparison.Ordinal);

        Assert.False(File.Exists(JournalPath));
        Assert.Equal(text, File.ReadAllText(JournalPath + ".unreadable"));
    });

    private static HostState State(int index) => new(
        [
            new LinkState(
                index,
                Name,
                1400,
                Up: true,
                [new(IPAddress.Parse("10.7.0.1"), 24), new(IPAddress.Parse("fd07::1"), 64)],
                [new(IPNetwork.Parse("10.8.0.0/16")), new(IPNetwork.Parse("fd08::/32"))]),
        ]);

    /// <summary>Changes the interface and ends without a word.</summary>
    private void Crash(int index)
    {
        using var network = new HostNetwork(JournalPath);
        network.Apply(State(index));
    }

    /// <summary>A TUN that nobody holds open: it stays until it is deleted.</summary>
    private static int MakePersistent()
    {
        Ip("tuntap", "add", Name, "mode", "tun");
        return HostNetwork.InterfaceIndex(Name);
    }

    private static void Remove() => Ip("link", "delete", Name);

    private static void Ip(params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start("ip", arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static List<string> Addresses(int index)
    {
        using var netlink = new NetlinkSocket();
        return [.. HostQueries.ReadAddresses(netlink, index).Select(address => address.Address.ToString())];
    }

    private static string Describe(int index)
    {
        using var netlink = new NetlinkSocket();
        var link = HostQueries.FindLink(netlink, index)!;
        var routes = HostQueries.ReadRoutes(netlink).Where(route => route.InterfaceIndex == index).Select(route => route.ToString());
        return string.Join('\n', [link.ToString(), .. Addresses(index).Order(StringComparer.Ordinal), .. routes.Order(StringComparer.Ordinal)]);
    }
}
