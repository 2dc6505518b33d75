using VibePN.E2E.Harness;

namespace VibePN.E2E;

/// <summary>Two connected nodes that dial each other.</summary>
public sealed class ConnectedPair : IDisposable
{
    private readonly TestBed _bed = new();

    public ConnectedPair()
    {
        try
        {
            One = _bed.AddNode("one");
            Two = _bed.AddNode("two");
            One.Trust(Two).Start();
            Two.Trust(One).Start();
            One.WaitForTrafficTo(Two, TimeSpan.FromSeconds(10));
            Two.WaitForTrafficTo(One, TimeSpan.FromSeconds(10));
        }
        catch
        {
            _bed.Dispose();
            throw;
        }
    }

    public TestNode One { get; }

    public TestNode Two { get; }

    public void Dispose() => _bed.Dispose();
}
