using VibePN.E2E.Harness;
using VibePN.Quic;
using Xunit;

namespace VibePN.E2E;

public sealed class AdmissionTests : IDisposable
{
    private const string RefusalLine = "Refused";

    private readonly TestBed _bed = new();

    public static TheoryData<string, string> BadCertificates => new()
    {
        { "stranger", "no peer has this fingerprint" },
        { "expired", "expired" },
        { "not yet valid", "not valid yet" },
    };

    public void Dispose() => _bed.Dispose();

    [Theory, MemberData(nameof(BadCertificates))]
    public void Dialer_WithABadCertificate_IsRefusedInTheHandshakeWithOneLogLine(string kind, string reason)
    {
        TestIdentity identity = kind switch
        {
            "expired" => TestIdentity.CreateExpired("client"),
            "not yet valid" => TestIdentity.CreateNotYetValid("client"),
            _ => TestIdentity.Create("client"),
        };
        TestNode acceptor = _bed.AddNode("acceptor");
        acceptor.Trust("client", kind == "stranger" ? TestIdentity.Create("another").Fingerprint : identity.Fingerprint).Start();
        using TestClient client = new(_bed.AddHost("client"), identity, acceptor);

        QuicClose? close = client.ConnectAndClose();

        Assert.NotNull(close?.Alert);
        Wait.Until(TimeSpan.FromSeconds(10), "the log line", () => acceptor.CountLog(RefusalLine) > 0);
        string line = Assert.Single(acceptor.LogLines, line => line.Contains(RefusalLine, StringComparison.Ordinal));
        Assert.Contains(reason, line, StringComparison.Ordinal);
        Assert.Contains(identity.Fingerprint, line, StringComparison.Ordinal);
        Assert.Equal(0, acceptor.Handshakes("completed"));
    }

    [Fact]
    public void Dialer_WithAPinnedCertificate_IsAccepted()
    {
        TestIdentity identity = TestIdentity.Create("client");
        TestNode acceptor = _bed.AddNode("acceptor").Trust("client", identity.Fingerprint).Start();
        using TestClient client = new(_bed.AddHost("client"), identity, acceptor);

        Assert.Null(client.ConnectAndClose());
        Assert.Equal(0, acceptor.CountLog(RefusalLine));
    }

    [Fact]
    public void Acceptor_WithAnotherPinThanTheDialers_IsRefusedWithOneLogLineAnAttempt()
    {
        TestNode acceptor = _bed.AddNode("acceptor");
        TestNode dialer = _bed.AddNode("dialer").Trust(acceptor, fingerprint: TestIdentity.Create("another").Fingerprint);
        acceptor.Trust(dialer, dial: false).Start();
        dialer.Start();

        Wait.Until(TimeSpan.FromSeconds(15), "the dialer refuses the acceptor", () => dialer.StateOf(acceptor) == "refused by us");

        Wait.Until(TimeSpan.FromSeconds(10), "one line for each attempt", () => dialer.Handshakes("refused") == dialer.CountLog(RefusalLine));
        string line = dialer.LogLines.First(line => line.Contains(RefusalLine, StringComparison.Ordinal));
        Assert.Contains("not the one in the config", line, StringComparison.Ordinal);
        Assert.Contains(acceptor.Identity.Fingerprint, line, StringComparison.Ordinal);
        Assert.False(dialer.Host.Ping(acceptor.Inner));
        Assert.NotEqual("connected", acceptor.StateOf(dialer));
    }

    [Fact]
    public void Dialer_ThatIsRefused_BacksOffAndSaysSo()
    {
        TestNode acceptor = _bed.AddNode("acceptor").Trust("another", TestIdentity.Create("another").Fingerprint);
        TestNode dialer = _bed.AddNode("dialer").Trust(acceptor);
        acceptor.Start();
        dialer.Start();

        Wait.Until(TimeSpan.FromSeconds(15), "the dialer knows that it is refused", () => dialer.StateOf(acceptor) == "refused by peer");
        Wait.For(TimeSpan.FromSeconds(30));

        Assert.InRange(acceptor.CountLog(RefusalLine), 2, 6);
        Wait.Until(TimeSpan.FromSeconds(10), "one line for each attempt", () => acceptor.Handshakes("refused") == acceptor.CountLog(RefusalLine));
        Wait.Until(TimeSpan.FromSeconds(10), "it still says so", () => dialer.StateOf(acceptor) == "refused by peer"
            && dialer.Control("status").Output.Contains("refused by peer", StringComparison.Ordinal));
        Wait.Until(TimeSpan.FromSeconds(10), "no connection is left", () => acceptor.Connections() == 0);
    }
}
