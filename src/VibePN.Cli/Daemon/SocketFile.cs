using System.Net.Sockets;
using VibePN.Config;

namespace VibePN.Cli.Daemon;

/// <summary>
/// The right to listen on a Unix socket's path. A lock file beside it settles who may take the path; what a killed daemon left behind
/// is removed, what a live one listens on is not touched.
/// </summary>
internal sealed class SocketFile : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode DirectoryMode = OwnerOnly | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>flock(2) on what another process has locked; an <see cref="Exception.HResult"/> on Unix is the error number.</summary>
    private const int EWOULDBLOCK = 11;

    private readonly FileStream _lock;

    private SocketFile(string path, FileStream held)
    {
        Path = path;
        _lock = held;
    }

    public string Path { get; }

    /// <exception cref="IOException">Another daemon has it, or the path cannot be used.</exception>
    public static SocketFile Claim(string path)
    {
        string directory = System.IO.Path.GetDirectoryName(path)!;
        if (!Directory.Exists(directory))
        {
            _ = Directory.CreateDirectory(directory);
            // The creation mask withholds what users of the socket need to get to it.
            File.SetUnixFileMode(directory, DirectoryMode);
        }

        FileStream held;
        try
        {
            // FileShare.None is flock(2): it ends with the process, however that ends.
            held = new FileStream(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException failure) when (failure.HResult == EWOULDBLOCK)
        {
            throw AlreadyRunning(path);
        }

        try
        {
            RemoveStale(path);
            return new SocketFile(path, held);
        }
        catch
        {
            File.Delete(held.Name);
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens the bound socket, so far for its owner only, to the group vibepn where that exists and this user may give it. Bind with a
    /// creation mask that withholds everything from others: then nobody gets in early.
    /// </summary>
    public void Share()
    {
        File.SetUnixFileMode(Path, OwnerOnly);
        if (Accounts.FindGroup(Accounts.ServiceName) is not { } group)
        {
            return;
        }

        try
        {
            Accounts.SetOwner(Path, user: null, group);
            File.SetUnixFileMode(Path, OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        }
        catch (IOException)
        {
            // Not root, and no member of the group: the socket stays with its owner.
        }
    }

    public void Dispose()
    {
        File.Delete(Path);
        File.Delete(_lock.Name);
        _lock.Dispose();
    }

    private static void RemoveStale(string path)
    {
        if (Directory.Exists(path))
        {
            throw InTheWay(path);
        }

        if (!File.Exists(path))
        {
            return;
        }

        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // Refused: a socket without a listener, or no socket at all. Only the first is ours to remove.
            if (new FileInfo(path).Length > 0)
            {
                throw InTheWay(path);
            }

            File.Delete(path);
            return;
        }
        catch (SocketException failure)
        {
            throw new IOException($"{path} cannot be used as the socket: {failure.Message}", failure);
        }

        throw AlreadyRunning(path);
    }

    private static IOException InTheWay(string path) =>
        new($"{path} is in the way and is no socket; remove it, or set another 'socket' in [node]");

    private static IOException AlreadyRunning(string path) =>
        new($"a daemon is already running on {path}; 'vibepn goodbye' ends it, or give this one another --socket");
}
