namespace VibePN.Doctor.Bench;

/// <summary>A measurement that could not be made; the message says why, and what to do.</summary>
public sealed class BenchException : Exception
{
    public BenchException()
    {
    }

    public BenchException(string message)
        : base(message)
    {
    }

    public BenchException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
