using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace VibePN.Api;

/// <summary>
/// One request, one answer until the end of the connection: HTTP/1.0 (RFC 1945), which needs neither chunks nor keep-alive. Over a Unix socket, or
/// over TCP to a program beside the daemon.
/// The framework's client, with its HTTP/2 and 3, proxies and passwords, would be a megabyte of the executable for this.
/// </summary>
internal static class PlainHttp
{
    /// <summary>Above any answer: 1,000 peers are about 2 MB.</summary>
    private const int MaxAnswerBytes = 64 << 20;

    private const int MaxHeadBytes = 16 * 1024;

    /// <param name="host">As the answering side knows itself.</param>
    /// <param name="target">Path, escaped where it has to be.</param>
    /// <param name="body">JSON; empty: none.</param>
    /// <returns>Status and body.</returns>
    /// <exception cref="SocketException">Nobody is there, or the connection broke.</exception>
    /// <exception cref="IOException">The answer is no HTTP, or has no end.</exception>
    public static async Task<(int Status, ReadOnlyMemory<byte> Body)> SendAsync(EndPoint to, string host, string method, string target, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        using Socket socket = NewSocket(to);
        await socket.ConnectAsync(to, cancel).ConfigureAwait(false);
        using NetworkStream stream = new(socket);
        await AskAsync(stream, host, method, target, body, cancel).ConfigureAwait(false);
        using MemoryStream answer = new();
        byte[] buffer = new byte[16 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
        {
            answer.Write(buffer, 0, read);
            if (answer.Length > MaxAnswerBytes)
            {
                throw new IOException("the answer has no end");
            }
        }

        return Parse(answer.GetBuffer().AsMemory(0, (int)answer.Length));
    }

    /// <summary>As <see cref="SendAsync"/>, for an answer that is read as it comes, or not at all.</summary>
    /// <returns>Status and body, which the caller disposes.</returns>
    /// <exception cref="SocketException">Nobody is there, or the connection broke.</exception>
    /// <exception cref="IOException">The answer is no HTTP.</exception>
    public static async Task<(int Status, Stream Body)> OpenAsync(EndPoint to, string host, string method, string target, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        Socket socket = NewSocket(to);
        try
        {
            await socket.ConnectAsync(to, cancel).ConfigureAwait(false);
            NetworkStream stream = new(socket, ownsSocket: true);
            await AskAsync(stream, host, method, target, body, cancel).ConfigureAwait(false);
            byte[] head = new byte[MaxHeadBytes];
            int length = 0;
            while (!head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
            {
                // Byte by byte: what follows is the body's.
                if (length == head.Length || await stream.ReadAsync(head.AsMemory(length, 1), cancel).ConfigureAwait(false) == 0)
                {
                    throw new IOException("it is no HTTP");
                }

                length++;
            }

            return (Parse(head.AsMemory(0, length)).Status, stream);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task AskAsync(NetworkStream to, string host, string method, string target, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"{method} {target} HTTP/1.0\r\nHost: {host}\r\n{(body.IsEmpty ? "" : "Content-Type: application/json\r\n")}Content-Length: {body.Length}\r\n\r\n");
        await to.WriteAsync(Encoding.ASCII.GetBytes(head), cancel).ConfigureAwait(false);
        if (!body.IsEmpty)
        {
            await to.WriteAsync(body, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>A name is tried at all of its addresses.</summary>
    private static Socket NewSocket(EndPoint to) => to is UnixDomainSocketEndPoint
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(SocketType.Stream, ProtocolType.Tcp);

    private static (int Status, ReadOnlyMemory<byte> Body) Parse(ReadOnlyMemory<byte> answer)
    {
        int end = answer.Span[..Math.Min(answer.Length, MaxHeadBytes)].IndexOf("\r\n\r\n"u8);
        string line = Encoding.ASCII.GetString(answer.Span[..Math.Max(end, 0)]).Split("\r\n")[0];
        return line.Split(' ') is [var version, var status, ..] && version.StartsWith("HTTP/1.", StringComparison.Ordinal)
            && int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
            ? (code, answer[(end + 4)..])
            : throw new IOException("it is no HTTP");
    }
}
