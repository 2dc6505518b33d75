using System.Text.Json;
using VibePN.Doctor.Firewall;
using Xunit;

namespace VibePN.Tests.Doctor;

/// <summary>What becomes of packets in rules as the tools list them. A drop is told only where it is sure.</summary>
public sealed class FirewallTests
{
    private static readonly FirewallPacket Packet = new()
    {
        Hooks = ["ingress", "prerouting", "input"],
        Protocol = FirewallPacket.Udp,
        DestinationPort = 51820,
        InInterface = "eth0",
    };

    [Theory]
    [InlineData("", nameof(Certainty.No))]
    [InlineData("-A INPUT -i lo -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -m conntrack --ctstate NEW -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -m conntrack ! --ctstate INVALID -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp -m udp --dport 51820 -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp -m udp --dport 51820 -m comment --comment \"let in -j DROP\" -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp -m udp --dport 51821 -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -p tcp -m tcp --dport 51820 -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -p udp -m multiport --dports 53,50000:60000 -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p 17 -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -i eth+ -p udp -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT ! -i eth0 -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -s 203.0.113.0/24 -p udp --dport 51820 -j ACCEPT", nameof(Certainty.Maybe))]
    [InlineData("-A INPUT -p udp --dport 51820 -m limit --limit 10/sec -j ACCEPT", nameof(Certainty.Maybe))]
    [InlineData("-A INPUT -p udp --dport 51820 -j REJECT --reject-with icmp-port-unreachable\n-A INPUT -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -s 198.51.100.0/24 -j DROP\n-A INPUT -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp -j VPN\n-A VPN -p udp --dport 51820 -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp -j VPN\n-A VPN -p udp --dport 53 -j ACCEPT\n-A VPN -j RETURN\n-A INPUT -p udp -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -g VPN\n-A VPN -p tcp -j ACCEPT\n-A INPUT -j ACCEPT", nameof(Certainty.No))]
    [InlineData("-A INPUT -s 203.0.113.0/24 -j VPN\n-A VPN -j DROP\n-A INPUT -j ACCEPT", nameof(Certainty.Yes))]
    [InlineData("-A INPUT -p udp --dport 51820 -j NFQUEUE --queue-num 0", nameof(Certainty.Maybe))]
    [InlineData("-A INPUT -j LOG --log-prefix \"x -j ACCEPT\"", nameof(Certainty.No))]
    [InlineData("-A INPUT -j VPN\n-A VPN -j INPUT", nameof(Certainty.No))]
    public void Iptables_WithPolicyDrop_LetsInWhatRulesAccept(string rules, string passes)
    {
        string text = $"# Generated\n*filter\n:INPUT DROP [0:0]\n:VPN - [0:0]\n{rules}\nCOMMIT\n";

        Assert.Equal(passes, FirewallWalk.Judge(IptablesRuleset.Parse(text, isV6: false), Packet).Passes.ToString());
        Assert.Equal(Certainty.Yes, FirewallWalk.Judge(IptablesRuleset.Parse(text, isV6: false), Packet with { IsV6 = true }).Passes);
    }

    /// <summary>Chains of one hook are all passed: what one accepts another may drop.</summary>
    [Theory]
    [InlineData("raw", "PREROUTING", nameof(Certainty.No))]
    [InlineData("mangle", "INPUT", nameof(Certainty.No))]
    [InlineData("nat", "PREROUTING", nameof(Certainty.Yes))]
    [InlineData("mangle", "OUTPUT", nameof(Certainty.Yes))]
    public void Iptables_DropInAnotherTable_CountsWhereThePacketsPass(string table, string chain, string passes)
    {
        string text = $"*{table}\n:{chain} ACCEPT [0:0]\n-A {chain} -p udp --dport 51820 -j DROP\n*filter\n:INPUT ACCEPT [0:0]\n";

        Assert.Equal(passes, FirewallWalk.Judge(IptablesRuleset.Parse(text, isV6: false), Packet).Passes.ToString());
    }

    [Theory]
    [InlineData("", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":51820}},{"counter":{"packets":0,"bytes":0}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"th","field":"dport"}},"right":{"set":[53,{"range":[51000,52000]}]}}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":"@ports"}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":"@unknown"}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":51820}},{"accept":null}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":">=","left":{"payload":{"protocol":"udp","field":"dport"}},"right":1024}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"!=","left":{"payload":{"protocol":"udp","field":"dport"}},"right":51820}},{"accept":null}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}},{"accept":null}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":"new"}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["established",{"accept":null}],["new",{"jump":{"target":"own"}}]]}}}""", nameof(Certainty.Yes))]
    [InlineData("""{"vmap":{"key":{"payload":{"protocol":"udp","field":"dport"}},"data":"@verdicts"}}""", nameof(Certainty.Yes))]
    [InlineData("""{"vmap":{"key":{"meta":{"key":"iifname"}},"data":{"set":[["eth1",{"accept":null}],["lo",{"accept":null}]]}}}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth*"}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"iif"}},"right":"lo"}},{"accept":null}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":{"set":["tcp",17]}}},{"accept":null}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip6","field":"nexthdr"}},"right":"udp"}},{"accept":null}""", nameof(Certainty.No))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":{"prefix":{"addr":"10.0.0.0","len":8}}}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":51820}},{"limit":{"rate":10,"per":"second"}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"jump":{"target":"own"}}""", nameof(Certainty.Yes))]
    [InlineData("""{"goto":{"target":"own"}}""", nameof(Certainty.Yes))]
    [InlineData("""{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":1}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"xt":{"type":"match","name":"recent"}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"something":{"new":true}},{"accept":null}""", nameof(Certainty.Maybe))]
    [InlineData("""{"log":{"prefix":"x"}},{"reject":{"type":"icmpx"}}""", nameof(Certainty.No))]
    public void Nft_WithPolicyDrop_LetsInWhatRulesAccept(string expressions, string passes)
    {
        string json = """
            {"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet","name":"filter","handle":1}},
            {"set":{"family":"inet","table":"filter","name":"ports","type":"inet_service","elem":[22,{"range":[51800,51900]}]}},
            {"map":{"family":"inet","table":"filter","name":"verdicts","type":"inet_service","map":"verdict","elem":[[22,{"drop":null}],[{"elem":{"val":51820}},{"accept":null}]]}},
            {"chain":{"family":"inet","table":"filter","name":"input","handle":2,"type":"filter","hook":"input","prio":0,"policy":"drop"}},
            {"chain":{"family":"inet","table":"filter","name":"own","handle":3}},
            {"rule":{"family":"inet","table":"filter","chain":"own","handle":4,"expr":[{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":51820}},{"accept":null}]}},
            {"rule":{"family":"inet","table":"filter","chain":"input","handle":5,"expr":[EXPRESSIONS]}}]}
            """.Replace("EXPRESSIONS", expressions, StringComparison.Ordinal);

        FirewallVerdict verdict = FirewallWalk.Judge(NftRuleset.Parse(json), Packet);

        Assert.Equal(passes, verdict.Passes.ToString());
        Assert.Equal(passes == nameof(Certainty.Yes) ? null : "filter", verdict.Table?.Name);
    }

    [Fact]
    public void Nft_DropOfOurPort_IsToldInItsWordsAndWithItsHandle()
    {
        const string Json = """
            {"nftables":[{"chain":{"family":"ip","table":"mine","name":"pre","type":"filter","hook":"prerouting","prio":-300,"policy":"accept"}},
            {"rule":{"family":"ip","table":"mine","chain":"pre","handle":7,"expr":[{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":{"set":[51820,500]}}},{"drop":null}]}}]}
            """;

        FirewallVerdict verdict = FirewallWalk.Judge(NftRuleset.Parse(Json), Packet);

        Assert.Equal((Certainty.No, "rule 'udp dport { 51820, 500 } drop' of chain ip mine pre (handle 7)"), (verdict.Passes, verdict.By));
        Assert.Equal(Certainty.Yes, FirewallWalk.Judge(NftRuleset.Parse(Json), Packet with { IsV6 = true }).Passes);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"nftables":1}""")]
    public void Nft_NoRuleset_IsRefused(string json) => Assert.Throws<JsonException>(() => NftRuleset.Parse(json));

    [Theory]
    [InlineData("""{"nftables":[1,null,{"rule":null},{"rule":{"expr":1}},{"chain":{}},{"chain":{"family":"ip","table":"t","name":"c","hook":"input","prio":"x"}},{"rule":{"family":"ip","table":"t","chain":"c","expr":[1,{"match":1},{"match":{"left":1,"right":null}},{"vmap":[]},{"jump":1},{"drop":null}]}}]}""")]
    public void Nft_NonsenseInside_IsNoSureDrop(string json) =>
        Assert.NotEqual(Certainty.No, FirewallWalk.Judge(NftRuleset.Parse(json), Packet).Passes);
}
