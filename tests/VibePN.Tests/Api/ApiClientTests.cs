using System.Net.Sockets;
using VibePN.Api;
using Xunit;

namespace VibePN.Tests.Api;

public sealed class ApiClientTests
{
    [Fact]
    public async Task GetStatus_NoSocket_SaysThatTheDaemonIsNotRunning()
    {
        using TemporaryDirectory directory = new();
        ApiClient client = new(directory.File("s"));

        ApiException failure = await Assert.ThrowsAsync<ApiException>(() => client.GetStatusAsync(TestContext.Current.CancellationToken));

        Assert.StartsWith("the daemon is not running", failure.Message, StringComparison.Ordinal);
        Assert.Contains("vibepn daemon", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetStatus_SocketOfADeadDaemon_SaysThatItIsNotRunning()
    {
        using TemporaryDirectory directory = new();
        string path = directory.File("s");
        using (Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Bound, never listening.
            dead.Bind(new UnixDomainSocketEndPoint(path));
            ApiClient client = new(path);

            ApiException failure = await Assert.ThrowsAsync<ApiException>(() => client.GetStatusAsync(TestContext.Current.CancellationToken));

            Assert.StartsWith("the daemon is not running", failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{\"error\":\"too early\"}", "too early")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{,}", "makes no sense")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "makes no sense")]
    [InlineData("SSH-2.0-OpenSSH\r\n\r\n", "makes no sense")]
    [InlineData("", "makes no sense")]
    public async Task GetPeers_OtherAnswers_AreExplained(string answer, string says)
    {
        using TemporaryDirectory directory = new();
        string path = directory.File("s");
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Task serve = Task.Run(async () =>
        {
            using Socket connection = await listener.AcceptAsync(TestContext.Current.CancellationToken);
            _ = await connection.ReceiveAsync(new byte[4096], TestContext.Current.CancellationToken);
            _ = await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
            connection.Shutdown(SocketShutdown.Both);
        }, TestContext.Current.CancellationToken);
        ApiClient client = new(path);

        ApiException failure = await Assert.ThrowsAsync<ApiException>(() => client.GetPeersAsync(TestContext.Current.CancellationToken));

        Assert.Contains(says, failure.Message, StringComparison.Ordinal);
        await serve;
    }
}
