using VibePN.E2E.Harness;

namespace VibePN.E2E;

/// <summary>Two hosts whose nodes are started anew with other switches.</summary>
public sealed class MatrixPair : IDisposable
{
    private readonly TestBed _bed = new();

    public MatrixPair()
    {
        One = _bed.AddNode("one");
        Two = _bed.AddNode("two");
        One.Trust(Two);
        Two.Trust(One, dial: false);
    }

    public TestNode One { get; }

    public TestNode Two { get; }

    public void Start(Switches one, Switches two)
    {
        Two.Tuning = two.Toml;
        One.Tuning = one.Toml;
        Two.Restart();
        One.Restart();
        One.WaitForTrafficTo(Two, TimeSpan.FromSeconds(10));
    }

    /// <inheritdoc cref="TestBed.LimitTo"/>
    public void LimitPathToTwo(int mtuBytes) => _bed.LimitTo(Two.Host, mtuBytes);

    public void Dispose() => _bed.Dispose();
}
