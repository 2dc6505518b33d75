using VibePN.Control;

namespace VibePN.Fuzz;

internal static class ControlSessionFuzz
{
    /// <summary>The first byte says in how large pieces the rest arrives: the result must not depend on it.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }

        var whole = Read(input[1..], input.Length);
        var pieces = Read(input[1..], 1 + (input[0] & 0x3f));
        FuzzTargets.Require(whole == pieces, $"the same messages in one piece and in many: {whole}, {pieces}");
    }

    private static (int Messages, CloseReason? Reason) Read(ReadOnlySpan<byte> stream, int pieceBytes)
    {
        var session = new ControlSession();
        var messages = new List<ControlMessage>();
        try
        {
            while (!stream.IsEmpty)
            {
                var bytes = Math.Min(pieceBytes, stream.Length);
                session.Receive(stream[..bytes], messages, 1);
                stream = stream[bytes..];
            }
        }
        catch (ControlException broken)
        {
            return (messages.Count, broken.Reason);
        }

        return (messages.Count, null);
    }
}
