using VibePN.Config;
using VibePN.Identity;
using VibePN.Quic;
using Xunit;

namespace VibePN.Tests.Identity;

public sealed class AdmissionTests
{
    private const long NotBefore = 1_000;
    private const long NotAfter = 2_000;

    private static readonly PeerId Self = PeerId.OfCertificate("self"u8);
    private static readonly PeerId Known = PeerId.OfCertificate("known"u8);
    private static readonly PeerId Other = PeerId.OfCertificate("other"u8);
    private static readonly PeerId Unknown = PeerId.OfCertificate("unknown"u8);

    /// <summary>Everything that can be presented, in both roles and both modes.</summary>
    [Theory]
    [InlineData("known", null, false, AdmissionReason.Accepted, TlsAlert.Accept)]
    [InlineData("known", "pinned", false, AdmissionReason.Accepted, TlsAlert.Accept)]
    [InlineData("other", "pinned", false, AdmissionReason.WrongPin, TlsAlert.BadCertificate)]
    [InlineData("unknown", "pinned", false, AdmissionReason.WrongPin, TlsAlert.BadCertificate)]
    [InlineData("unknown", "pinned", true, AdmissionReason.WrongPin, TlsAlert.BadCertificate)]
    [InlineData("unknown", null, false, AdmissionReason.Stranger, TlsAlert.AccessDenied)]
    [InlineData("unknown", null, true, AdmissionReason.Stranger, TlsAlert.AccessDenied)]
    [InlineData("unknown", "open", false, AdmissionReason.NoPin, TlsAlert.AccessDenied)]
    [InlineData("unknown", "open", true, AdmissionReason.AcceptedFirstUse, TlsAlert.Accept)]
    [InlineData("known", "open", true, AdmissionReason.WrongPin, TlsAlert.BadCertificate)]
    [InlineData("unknown", "gone", true, AdmissionReason.NoPin, TlsAlert.AccessDenied)]
    [InlineData("self", null, true, AdmissionReason.Itself, TlsAlert.AccessDenied)]
    [InlineData("self", "open", true, AdmissionReason.Itself, TlsAlert.AccessDenied)]
    public void Decide_EveryCase_HasOneAnswer(string presented, string? dialed, bool firstUse, AdmissionReason reason, TlsAlert alert)
    {
        AdmissionResult result = Admission.Decide(Trust(firstUse), Request(PeerId.OfCertificate(System.Text.Encoding.ASCII.GetBytes(presented)), dialed, 1_500));

        Assert.Equal(reason, result.Reason);
        Assert.Equal(alert, result.Alert);
        Assert.Equal(alert == TlsAlert.Accept, result.IsAccepted);
        Assert.NotEmpty(result.Text);
        if (result.IsAccepted)
        {
            Assert.Equal(dialed ?? "pinned", result.Peer!.Name);
        }
    }

    [Theory]
    [InlineData(999, AdmissionReason.NotYetValid)]
    [InlineData(1_000, AdmissionReason.Accepted)]
    [InlineData(2_000, AdmissionReason.Accepted)]
    [InlineData(2_001, AdmissionReason.Expired)]
    public void Decide_ValidityOfAPinnedPeer_CountsBothEnds(long now, AdmissionReason reason)
    {
        foreach (string? dialed in new[] { null, "pinned" })
        {
            AdmissionResult result = Admission.Decide(Trust(false), Request(Known, dialed, now));

            Assert.Equal(reason, result.Reason);
            Assert.Equal(reason == AdmissionReason.Accepted ? TlsAlert.Accept : TlsAlert.CertificateExpired, result.Alert);
            Assert.Equal("pinned", result.Claimed!.Name);
        }
    }

    [Fact]
    public void Decide_ExpiredStranger_IsToldOnlyThatItIsOne() =>
        Assert.Equal(AdmissionReason.Stranger, Admission.Decide(Trust(false), Request(Unknown, null, 5_000)).Reason);

    [Fact]
    public void Decide_ExpiredOnFirstUse_IsNotPinned() =>
        Assert.Equal(AdmissionReason.Expired, Admission.Decide(Trust(true), Request(Unknown, "open", 5_000)).Reason);

    [Fact]
    public void Malformed_NamesTheDialedEntry()
    {
        AdmissionResult result = Admission.Malformed(Trust(false), "pinned");

        Assert.Equal((AdmissionReason.Malformed, TlsAlert.BadCertificate, false), (result.Reason, result.Alert, result.IsAccepted));
        Assert.Equal("pinned", result.Claimed!.Name);
    }

    private static AdmissionRequest Request(PeerId presented, string? dialed, long now) => new(presented, NotBefore, NotAfter, now, dialed);

    private static TrustList Trust(bool firstUse)
    {
        NodeConfig config = ConfigFile.Parse(
            Config.ConfigTexts.Least + $"""
                [node]
                trust = "{(firstUse ? "tofu" : "pinned")}"
                [[peers]]
                name = "pinned"
                fingerprint = "{Known}"
                [[peers]]
                name = "second"
                fingerprint = "{Other}"
                [[peers]]
                name = "open"
                address = "h:1"
                """,
            "f");
        return TrustList.Create(config, Self);
    }
}
