namespace VibePN.Api;

/// <summary>The daemon could not be asked, or said no; the message holds the cure.</summary>
public sealed class ApiException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>No daemon runs behind the socket.</summary>
    public bool IsNobodyThere { get; init; }
}
