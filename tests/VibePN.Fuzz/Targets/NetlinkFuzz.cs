using VibePN.Linux;

namespace VibePN.Fuzz;

internal static class NetlinkFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        var left = input;
        for (var messages = 0; NetlinkMessage.TryRead(ref left, out var message); messages++)
        {
            FuzzTargets.Require(messages < 1024, "every message takes bytes away");
            _ = HostQueries.ReadLink(message);
            _ = HostQueries.ReadAddress(message);
            _ = HostQueries.ReadRoute(message);
            FuzzTargets.Require(message.ReadError().Errno >= 0, "an errno is not negative");
        }
    }
}
