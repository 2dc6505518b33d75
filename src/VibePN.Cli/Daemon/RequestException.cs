namespace VibePN.Cli.Daemon;

/// <summary>A request to the local API that is refused, with the HTTP status.</summary>
internal sealed class RequestException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;
}
