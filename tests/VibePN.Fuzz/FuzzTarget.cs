namespace VibePN.Fuzz;

/// <summary>One parser. It returns, or throws: then the input is a finding, since the errors a parser documents are caught inside.</summary>
internal delegate void FuzzTarget(ReadOnlySpan<byte> input);

internal static class FuzzTargets
{
    /// <summary>By the name that the corpus file and `make fuzz TARGET=` have.</summary>
    public static IReadOnlyDictionary<string, FuzzTarget> All { get; } = new SortedDictionary<string, FuzzTarget>
    {
        ["bench"] = BenchFuzz.Target,
        ["certificate"] = CertificateFuzz.Target,
        ["coalescer"] = CoalescerFuzz.Target,
        ["config"] = ConfigFuzz.Target,
        ["control-codec"] = ControlCodecFuzz.Target,
        ["control-session"] = ControlSessionFuzz.Target,
        ["invite"] = InviteFuzz.Target,
        ["ip-header"] = IpHeaderFuzz.Target,
        ["legacy-messages"] = LegacyFuzz.Messages,
        ["legacy-node"] = LegacyFuzz.Node,
        ["legacy-streams"] = LegacyFuzz.Streams,
        ["lineage"] = LineageFuzz.Target,
        ["netlink"] = NetlinkFuzz.Target,
        ["node-control"] = NodeFuzz.ControlStream,
        ["node-datagram"] = NodeFuzz.Datagram,
        ["node-introductions"] = NodeFuzz.Introductions,
        ["node-socket"] = NodeFuzz.Socket,
        ["parity"] = ParityFuzz.Target,
        ["reassembler"] = ReassemblerFuzz.Target,
        ["segmenter"] = SegmenterFuzz.Target,
        ["tcp-mss"] = TcpMssFuzz.Target,
        ["varint"] = VarIntFuzz.Target,
    };

    /// <summary>What a target says about an input that breaks a promise.</summary>
    public static void Require(bool holds, string promise)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"broken: {promise}");
        }
    }
}
