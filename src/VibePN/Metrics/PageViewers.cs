namespace VibePN.Metrics;

/// <summary>How many look at the page. For any thread.</summary>
public sealed class PageViewers(int most)
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <returns>Null: there are as many as may be. Otherwise to be disposed of, once, by who looks no longer.</returns>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= most)
        {
            return new Place(this);
        }

        _ = Interlocked.Decrement(ref _count);
        return null;
    }

    private sealed class Place(PageViewers viewers) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                _ = Interlocked.Decrement(ref viewers._count);
            }
        }
    }
}
