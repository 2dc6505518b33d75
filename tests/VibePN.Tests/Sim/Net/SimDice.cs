namespace VibePN.Tests.Sim;

/// <summary>Numbers that depend on nothing but a seed, a stream and a position in it (splitmix64).</summary>
internal struct SimDice(int seed, ulong stream, long position)
{
    private ulong _state = ((ulong)(uint)seed * 0x9e3779b97f4a7c15) ^ stream ^ ((ulong)position * 0xd1342543de82ef95);

    public SimDice(int seed, string stream)
        : this(seed, Hash(stream), 0)
    {
    }

    /// <summary>0 to 1, evenly distributed.</summary>
    public double Next()
    {
        _state += 0x9e3779b97f4a7c15;
        var z = _state;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1UL << 53));
    }

    public int Below(int bound) => (int)(Next() * bound);

    public TimeSpan UpTo(TimeSpan most) => Next() * most;

    /// <summary>FNV-1a: HashCode differs from process to process.</summary>
    public static ulong Hash(string text)
    {
        var hash = 14695981039346656037ul;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 1099511628211;
        }

        return hash;
    }
}
