namespace VibePN.Linux.Native;

/// <summary>An owned descriptor: closed once, by disposal or finally by the collector.</summary>
internal sealed class FileDescriptor : IDisposable
{
    private int _value;

    public FileDescriptor(int value) => _value = value;

    ~FileDescriptor() => Close();

    public int Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(_value < 0, this);
            return _value;
        }
    }

    /// <summary>Takes what a system call returned.</summary>
    /// <exception cref="LinuxException">It is -1.</exception>
    public static FileDescriptor Take(int result, string operation)
    {
        if (result < 0)
        {
            throw LinuxException.FromLastError(operation);
        }

        return new FileDescriptor(result);
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private void Close()
    {
        var value = Interlocked.Exchange(ref _value, -1);
        if (value >= 0)
        {
            _ = Libc.close(value);
        }
    }
}
