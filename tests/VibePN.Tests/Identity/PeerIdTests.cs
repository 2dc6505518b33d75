using Xunit;

namespace VibePN.Tests.Identity;

public sealed class PeerIdTests
{
    [Fact]
    public void OfCertificate_IsTheSha256()
    {
        // FIPS 180-2, appendix B.1.
        Assert.Equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", PeerId.OfCertificate("abc"u8).ToString());
    }

    [Fact]
    public void Parse_UpperCase_FormatsAsLowerCase() =>
        Assert.Equal(Config.ConfigTexts.Pin, PeerId.Parse(Config.ConfigTexts.Pin.ToUpperInvariant()).ToString());

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("f00d")]
    [InlineData("f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef1234567 ")]
    [InlineData("f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef1234567g")]
    [InlineData("f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef1234567800")]
    public void TryParse_NotSixtyFourHexDigits_Fails(string? text) => Assert.False(PeerId.TryParse(text, out _));

    [Fact]
    public void CompareTo_RandomIds_OrdersAsTheBytesDo()
    {
        const int Seed = 7;
        Random random = new(Seed);
        Span<byte> a = stackalloc byte[PeerId.SizeBytes];
        Span<byte> b = stackalloc byte[PeerId.SizeBytes];
        Span<byte> copy = stackalloc byte[PeerId.SizeBytes];
        for (int round = 0; round < 1000; round++)
        {
            random.NextBytes(a);
            a.CopyTo(b);
            // Equal up to a random byte, so that every word decides sometimes.
            random.NextBytes(b[random.Next(PeerId.SizeBytes + 1)..]);
            PeerId left = new(a);
            PeerId right = new(b);

            Assert.True(Math.Sign(left.CompareTo(right)) == Math.Sign(a.SequenceCompareTo(b)), $"seed {Seed}, round {round}");
            Assert.Equal(a.SequenceEqual(b), left == right);
            Assert.Equal(left, PeerId.Parse(left.ToString()));
            left.CopyTo(copy);
            Assert.True(copy.SequenceEqual(a));
        }
    }

    [Fact]
    public void Constructor_WrongLength_Throws() => Assert.Throws<ArgumentException>(() => new PeerId(new byte[31]));
}
