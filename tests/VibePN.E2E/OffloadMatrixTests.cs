using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>Whatever is switched off, on either side or both, everything passes.</summary>
public sealed class OffloadMatrixTests(MatrixPair pair) : IClassFixture<MatrixPair>
{
    private const int TcpBytes = 8_000_000;

    private static readonly Switches AllOn = new();
    private static readonly Switches AllOff = new(false, false, false, "gnutls");

    public static TheoryData<Switches, Switches> Combinations
    {
        get
        {
            TheoryData<Switches, Switches> data = [];
            for (int bits = 0; bits < 16; bits++)
            {
                Switches same = new((bits & 1) == 0, (bits & 2) == 0, (bits & 4) == 0, (bits & 8) == 0 ? "gnutls" : "ipsec-mb");
                data.Add(same, same);
            }

            data.Add(AllOn, AllOff);
            data.Add(AllOff, AllOn);
            data.Add(new Switches(false, true, true, "ipsec-mb"), new Switches(true, true, true, "gnutls"));
            data.Add(new Switches(true, false, true, "gnutls"), new Switches(true, true, false, "ipsec-mb"));
            return data;
        }
    }

    [Theory, MemberData(nameof(Combinations))]
    public void Traffic_WithAnySwitches_PassesUnharmed(Switches one, Switches two)
    {
        pair.Start(one, two);
        one.AssertInUse(pair.One);
        two.AssertInUse(pair.Two);

        foreach ((TestNode from, TestNode to) in (ReadOnlySpan<(TestNode, TestNode)>)[(pair.One, pair.Two), (pair.Two, pair.One)])
        {
            foreach (string address in (ReadOnlySpan<string>)[to.Inner, to.Inner6])
            {
                foreach (string size in (ReadOnlySpan<string>)["56", "8000"])
                {
                    Assert.True(from.Host.Pings(5, address, "-s", size).Answered > 0, $"no answer of {address} to {size} bytes");
                }

                Stream.OverTcp(from.Host, to.Host, address, TcpBytes);
                Stream.OverUdp(from.Host, to.Host, address, 0, 1, 100, 1200, 1372, 1392, 2000, 8000, 30_000);
            }
        }

        AssertNothingInvalid(pair.One);
        AssertNothingInvalid(pair.Two);
    }

    /// <summary>Drops of the kinds that would be the other node's mistake.</summary>
    private static void AssertNothingInvalid(TestNode node)
    {
        string[] mistakes = ["inMalformed", "inUnknownTag", "inUnknownFlags", "inSourceNotOwned", "inFragmentMalformed", "inChecksumFlag", "outMalformed"];
        Assert.DoesNotContain(node.Status()["drops"]!.AsObject(), drop => mistakes.Contains(drop.Key));
    }
}
