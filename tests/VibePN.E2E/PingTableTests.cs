using System.Globalization;
using System.Text;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>What becomes of echo requests of every interesting size: compared with <c>ping-table.tsv</c>.</summary>
public sealed class PingTableTests
{
    /// <summary>Bytes of ICMP payload (<c>ping -s</c>), with the neighbours of every limit: the paths' sizes, the interfaces' MTUs, ours.</summary>
    private static readonly int[] Sizes =
    [
        0, 1, 8, 56, 500, 1000, 1150, 1191, 1192, 1232, 1233, 1291, 1292, 1311, 1312, 1391, 1392, 1411, 1412, 1440, 1472, 1473, 2000, 4000,
        8000, 8891, 8892, 8911, 8912,
    ];

    /// <summary>Bytes of the path outside, and of the interface's MTU when it has followed.</summary>
    public static TheoryData<int, int> Paths => new() { { 1280, 1280 }, { 1400, 1339 }, { 1500, 1439 }, { 9000, 8939 } };

    [Theory, MemberData(nameof(Paths))]
    public void Ping_OfAnySize_EndsAsTheTableSays(int pathBytes, int interfaceBytes)
    {
        using TestBed bed = new() { MtuBytes = pathBytes };
        TestNode one = bed.AddNode("one"), two = bed.AddNode("two");
        one.Trust(two).Start();
        two.Trust(one, dial: false).Start();
        one.WaitForTrafficTo(two, TimeSpan.FromSeconds(10));
        WaitForMtu(one, interfaceBytes);
        WaitForMtu(two, interfaceBytes);

        StringBuilder actual = new();
        foreach ((string family, string address) in (ReadOnlySpan<(string, string)>)[("IPv4", two.Inner), ("IPv6", two.Inner6)])
        {
            foreach (string mode in (ReadOnlySpan<string>)["do", "dont"])
            {
                foreach (int size in Sizes)
                {
                    actual.Append(CultureInfo.InvariantCulture, $"{pathBytes}\t{family}\t{mode}\t{size}\t{Ping(one, address, mode, size)}\n");
                }
            }
        }

        if (Environment.GetEnvironmentVariable("PING_TABLE_OUT") is { Length: > 0 } output)
        {
            // For whoever has changed a size, to compare and to commit.
            File.AppendAllText(output, actual.ToString());
        }

        string expected = string.Concat(Table().Where(line => line.StartsWith($"{pathBytes}\t", StringComparison.Ordinal)).Select(line => line + "\n"));
        string differences = string.Join('\n', actual.ToString().Split('\n').Except(expected.Split('\n')));
        Assert.True(expected == actual.ToString(), $"not in the table:\n{differences}");
    }

    private static string[] Table()
    {
        using System.IO.Stream table = typeof(PingTableTests).Assembly.GetManifestResourceStream("ping-table.tsv")!;
        using StreamReader reader = new(table);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Discovery has found the path's size, the time of grace in which everything is cut into pieces is over, and the kernel knows.</summary>
    private static void WaitForMtu(TestNode node, int bytes) =>
        Wait.Until(TimeSpan.FromSeconds(40), $"the interface of {node.Name} has MTU {bytes}", () =>
            node.Host.Ip("link", "show", TestNode.Interface).Contains($" mtu {bytes} ", StringComparison.Ordinal));

    /// <summary>
    /// Of three requests the last counts: the first may be the one that teaches this host the path's size, and the second the one
    /// whose answer teaches the other host.
    /// </summary>
    private static string Ping(TestNode from, string address, string mode, int size)
    {
        // Silence is believed when it lasts (the machine may be busy), and an ICMP answer when it is still the last word.
        string outcome = PingOnce(from, address, mode, size, "0.5");
        if (outcome is not ("nothing" or "too big"))
        {
            return outcome;
        }

        string again = PingOnce(from, address, mode, size, "2");
        if (again != outcome)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{address} {mode} {size}: {outcome}, and {again} when asked again"));
        }

        return again;
    }

    private static string PingOnce(TestNode from, string address, string mode, int size, string patience)
    {
        from.Host.Ip("route", "flush", "cache");
        from.Host.Ip("-6", "route", "flush", "cache");
        Outcome ping = from.Host.Run("ping", "-n", "-c", "3", "-i", "0.1", "-W", patience, "-M", mode, "-s", size.ToString(CultureInfo.InvariantCulture), address);
        return ping.Output.Contains("icmp_seq=3 ttl", StringComparison.Ordinal) ? "reply"
            : ping.Everything.Contains("Message too long", StringComparison.OrdinalIgnoreCase) ? "message too long"
            : ping.Everything.Contains("too big", StringComparison.OrdinalIgnoreCase) || ping.Everything.Contains("Frag needed", StringComparison.Ordinal) ? "too big"
            : "nothing";
    }
}
