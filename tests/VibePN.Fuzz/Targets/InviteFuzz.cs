using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using VibePN.Identity;

namespace VibePN.Fuzz;

internal static class InviteFuzz
{
    /// <summary>The input as text, and as the fields of an invite whose length and checksum are right.</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        Read(Encoding.Latin1.GetString(input));
        if (input.Length <= ushort.MaxValue)
        {
            var whole = new byte[2 + input.Length + 4];
            BinaryPrimitives.WriteUInt16BigEndian(whole, (ushort)input.Length);
            input.CopyTo(whole.AsSpan(2));
            SHA256.HashData(whole.AsSpan(0, 2 + input.Length)).AsSpan(0, 4).CopyTo(whole.AsSpan(2 + input.Length));
            Read(InviteCodec.Prefix + Base64Url.EncodeToString(whole));
        }
    }

    private static void Read(string text)
    {
        var fault = InviteCodec.TryRead(text, out var invite);
        FuzzTargets.Require(fault == InviteFault.None == invite is not null, "an invite or a fault");
        if (invite is not null)
        {
            var first = InviteCodec.Write(invite);
            FuzzTargets.Require(InviteCodec.TryRead(first, out var again) == InviteFault.None && InviteCodec.Write(again!) == first, "what was written can be read, and is the same");
        }
    }
}
