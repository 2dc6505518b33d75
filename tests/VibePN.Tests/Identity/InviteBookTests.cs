using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

/// <summary>What an invite is worth whose time or key is gone.</summary>
public sealed class InviteBookTests
{
    private const long Now = 1_800_000_000;

    private static readonly byte[] Secret = [.. Enumerable.Range(1, Invite.SecretBytes).Select(i => (byte)i)];
    private static readonly PeerId Self = PeerId.Parse(new string('a', 64));
    private static readonly PeerId Bob = PeerId.Parse(new string('b', 64));

    /// <summary>Anybody could compute a proof with no key. Only a file that somebody has edited says so.</summary>
    [Fact]
    public void Judge_OpenInviteWithoutItsKey_LetsNobodyIn()
    {
        InviteBook book = new([Make(1, Now + 60) with { Key = default }]);

        Assert.Equal(AdmissionReason.InviteExpired, book.Judge(InviteProof.Make(IdOf(1), [], Bob, Self), Bob, Self, _ => true, Now));
    }

    /// <summary>Once an invite was seen to have expired it is over, whatever becomes of the clock.</summary>
    [Fact]
    public void Judge_ClockGoesBackBehindTheEnd_StaysExpired()
    {
        InviteBook book = new([Make(1, Now)]);
        InviteProof proof = InviteProof.Make(IdOf(1), Secret, Bob, Self);
        Assert.Equal(AdmissionReason.AcceptedInvite, book.Judge(proof, Bob, Self, _ => true, Now));

        Assert.True(book.TryAdd(Make(2, Now + 3600), Now + 60));

        Assert.Equal(AdmissionReason.InviteExpired, book.Judge(proof, Bob, Self, _ => true, Now - 60));
        Assert.True(book.Find(IdOf(1))!.Key.IsEmpty);
        Assert.Equal(AdmissionReason.AcceptedInvite, book.Judge(InviteProof.Make(IdOf(2), Secret, Bob, Self), Bob, Self, _ => true, Now - 60));
    }

    private static InviteId IdOf(ulong number) => new(new UInt128(0, number));

    private static IssuedInvite Make(ulong number, long end) =>
        new() { Id = IdOf(number), Key = Secret, Network = "corp", CreatedUtcSeconds = Now - 60, ExpiresUtcSeconds = end };
}
