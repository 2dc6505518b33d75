using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.Metrics;
using Xunit;

namespace VibePN.Tests.Metrics;

public sealed partial class PageTests
{
    private const string Hostile = "</script><img src=x onerror=alert(1)>\u2028\n\ndata: {}\"'&<!--\u0000é\ud83d\ude00";
    private static readonly DateTimeOffset s_now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    [Fact]
    public void Event_WithHostileNames_IsOneLineOfPlainAscii()
    {
        PeerSnapshot peer = Samples.Peer(1) with { Name = Hostile, Reason = Hostile, Condition = PeerCondition.RefusedByPeer, Networks = [Hostile] };
        byte[] bytes = PageEvents.Node(Samples.Of(peer), s_now);
        string text = Encoding.ASCII.GetString(bytes);

        Assert.All(bytes, b => Assert.True(b is (byte)'\n' or (>= 0x20 and < 0x7f), $"byte {b}"));
        Assert.All(new[] { "<", ">", "'", "&" }, mark => Assert.DoesNotContain(mark, text, StringComparison.Ordinal));
        JsonElement read = Document(bytes, "node").GetProperty("peers")[0];
        Assert.Equal(Hostile, read.GetProperty("name").GetString());
        Assert.Equal(Hostile, read.GetProperty("reason").GetString());
        Assert.Equal(Hostile, read.GetProperty("networks")[0].GetString());
        Assert.Equal("refused by peer", read.GetProperty("state").GetString());
    }

    [Fact]
    public void Event_OfAFullNode_HasItsValues()
    {
        JsonElement node = Document(PageEvents.Node(Samples.Full(2), s_now), "node");
        Assert.Equal("node1", node.GetProperty("name").GetString());
        Assert.Equal(2.5, node.GetProperty("up").GetDouble());
        Assert.Equal(7.5, node.GetProperty("at").GetDouble());
        Assert.Equal(9, node.GetProperty("drops").GetProperty("outNoRoute").GetInt64());
        JsonElement peer = node.GetProperty("peers")[1];
        Assert.Equal("connected", peer.GetProperty("state").GetString());
        Assert.Equal(10.5, peer.GetProperty("rtt").GetDouble());
        Assert.Equal(2_000_000_000_000, peer.GetProperty("out").GetInt64());
        Assert.Equal(5000, peer.GetProperty("queue").GetInt32());

        string[] states = [.. Document(PageEvents.Routes(Samples.Full(2)), "routes").GetProperty("routes").EnumerateArray().Select(route => route.GetProperty("state").GetString()!)];
        Assert.Equal(["used", "used", "refused", "former"], states);
    }

    [Fact]
    public void Event_OfPeersOfWhichNothingIsKnown_LeavesItOut()
    {
        PeerSnapshot away = new() { Name = "away", Id = null, Condition = PeerCondition.Waiting, Reason = "", Address = null };
        JsonElement peer = Document(PageEvents.Node(Samples.Of(away), s_now), "node").GetProperty("peers")[0];
        Assert.All(new[] { "rtt", "loss", "mtu", "reason", "address", "id" }, name => Assert.False(peer.TryGetProperty(name, out _), name));
        Assert.Equal("waiting", peer.GetProperty("state").GetString());
    }

    [Fact]
    public void Event_Of200Peers_IsSmall()
    {
        int bytes = PageEvents.Node(Samples.Full(200), s_now).Length;
        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} bytes");
        Assert.InRange(bytes, 10_000, 100_000);
    }

    [Fact]
    public void Policy_OfThePage_AllowsItsOwnScriptAndStyleAndNothingElse()
    {
        string html = Html(), policy = PageFile.ReadPolicy();
        Match style = Assert.Single(Style().Matches(html)), script = Assert.Single(Script().Matches(html));
        Assert.StartsWith("default-src 'none'; ", policy, StringComparison.Ordinal);
        Assert.Contains($"script-src {Hash(script.Groups[1].Value)};", policy, StringComparison.Ordinal);
        Assert.Contains($"style-src {Hash(style.Groups[1].Value)};", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', policy);

        string markup = html.Replace(style.Groups[1].Value, "", StringComparison.Ordinal).Replace(script.Groups[1].Value, "", StringComparison.Ordinal);
        Assert.DoesNotMatch(@"(?i)\son\w+\s*=|\sstyle\s*=|javascript:", markup);
        Assert.DoesNotMatch(@"(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script.Groups[1].Value);
        Assert.DoesNotMatch(@"(?i)(src|href|url)\s*[=(]\s*[""']?(https?:)?//", html);
        Assert.True(PageFile.ReadPacked().Length < 40_000, "what the page adds to the executable");
    }

    [Fact]
    public void Viewers_BeyondTheBound_AreTurnedAwayUntilOneLeaves()
    {
        PageViewers viewers = new(2);
        IDisposable first = Assert.IsAssignableFrom<IDisposable>(viewers.TryEnter());
        Assert.NotNull(viewers.TryEnter());
        Assert.Null(viewers.TryEnter());
        Assert.Equal(2, viewers.Count);
        first.Dispose();
        first.Dispose();
        Assert.Equal(1, viewers.Count);
        Assert.NotNull(viewers.TryEnter());
        Assert.Null(viewers.TryEnter());
    }

    /// <returns>The document of the one event that this is.</returns>
    private static JsonElement Document(byte[] bytes, string name)
    {
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        Assert.Equal(["event: " + name, "", ""], [lines[0], .. lines[2..]]);
        Assert.StartsWith("data: {", lines[1], StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(lines[1]["data: ".Length..]);
        return document.RootElement.Clone();
    }

    private static string Html()
    {
        using GZipStream unpacked = new(new MemoryStream(PageFile.ReadPacked()), CompressionMode.Decompress);
        using StreamReader reader = new(unpacked, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();
}
