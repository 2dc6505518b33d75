using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

public sealed class InviteProofTests
{
    private static readonly PeerId Joiner = PeerId.Parse(new string('1', 64));
    private static readonly PeerId Inviter = PeerId.Parse(new string('2', 64));
    private static readonly byte[] Secret = Convert.FromHexString("0f0e0d0c0b0a09080706050403020100");

    /// <summary>The MAC as OpenSSL makes it: .NET's implementation stands for it here.</summary>
    [Fact]
    public void Make_IsHmacOfBothFingerprints()
    {
        InviteProof proof = InviteProof.Make(default, Secret, Joiner, Inviter);
        byte[] both = Convert.FromHexString(Joiner.ToString() + Inviter);

        Assert.Equal(System.Security.Cryptography.HMACSHA256.HashData(Secret, both), proof.Mac.ToArray());
    }

    [Fact]
    public void Holds_ForWhomItWasMadeAlone()
    {
        InviteProof proof = InviteProof.Make(default, Secret, Joiner, Inviter);

        Assert.True(proof.Holds(Secret, Joiner, Inviter));
        Assert.False(proof.Holds(Secret, Inviter, Joiner));
        Assert.False(proof.Holds(Secret, Joiner, Joiner));
        Assert.False(proof.Holds(new byte[16], Joiner, Inviter));
        Assert.False((proof with { Mac = proof.Mac[..31] }).Holds(Secret, Joiner, Inviter));
    }

    [Theory]
    [InlineData("00112233445566778899aabbccddeeff", true)]
    [InlineData("00112233445566778899AABBCCDDEEFF", true)]
    [InlineData("0011223344556677", false)]
    [InlineData("00112233445566778899aabbccddeef ", false)]
    [InlineData(null, false)]
    public void InviteId_Text_IsThirtyTwoDigits(string? text, bool isOne)
    {
        Assert.Equal(isOne, InviteId.TryParse(text, out InviteId id));
        Assert.Equal(isOne ? text!.ToLowerInvariant() : default(InviteId).ToString(), id.ToString());
    }
}
