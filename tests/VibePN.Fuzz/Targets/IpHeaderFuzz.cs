using VibePN.Linux;

namespace VibePN.Fuzz;

internal static class IpHeaderFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (!IpHeader.TryParse(input, out var ip))
        {
            return;
        }

        FuzzTargets.Require(ip.Version is 4 or 6 && ip.TotalLength == input.Length, "a whole packet of a known version");
        FuzzTargets.Require(ip.PayloadOffset >= (ip.Version == 4 ? 20 : 40) && ip.PayloadOffset <= input.Length, "the upper layer starts inside");
        FuzzTargets.Require(ip.Source.Length == ip.Destination.Length && ip.Source.Length == (ip.Version == 4 ? 4 : 16), "addresses of the family");
        FuzzTargets.Require(!ip.IsFirstFragment || ip.IsFragment, "a first fragment is a fragment");
        Span<byte> answer = stackalloc byte[IcmpError.MaxBytes];
        var own = input.Slice(ip.Version == 4 ? 16 : 24, ip.Source.Length);
        FuzzTargets.Require(IcmpError.PacketTooBig(input, own, 1280, answer) is var tooBig && tooBig <= answer.Length, "an answer that fits");
        FuzzTargets.Require(tooBig == 0 || IpHeader.TryParse(answer[..tooBig], out _), "the answer is a packet");
        FuzzTargets.Require(IcmpError.Unreachable(input, own, IcmpUnreachable.Host, answer) is var gone && gone <= answer.Length, "an answer that fits");
    }
}
