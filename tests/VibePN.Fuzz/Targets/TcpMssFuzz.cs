using VibePN.Linux;

namespace VibePN.Fuzz;

internal static class TcpMssFuzz
{
    /// <summary>The option and the checksum have two bytes each; nothing else may change, and nothing grows.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        var packet = input.ToArray();
        var mtu = input.IsEmpty ? 0 : input[^1] * 8;
        var changed = TcpMss.Clamp(packet, mtu, checksumPartial: input.Length % 2 == 0);
        var different = 0;
        for (var i = 0; i < packet.Length; i++)
        {
            different += packet[i] != input[i] ? 1 : 0;
        }

        FuzzTargets.Require(changed ? different is > 0 and <= 4 : different == 0, "only the option and the checksum change");
        FuzzTargets.Require(!TcpMss.Clamp(packet, mtu, checksumPartial: true), "a second time changes nothing");
    }
}
