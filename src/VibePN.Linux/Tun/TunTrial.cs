namespace VibePN.Linux;

/// <summary>
/// One trial of the TUN offloads for all interfaces of a program (<see cref="TunSelfTest"/>), on a thread of its own, so that other things can be
/// done meanwhile. To take its namespace down again takes the kernel longer than the trial, and others wait for the kernel's lock
/// meanwhile: it stays until <see cref="Dispose"/>.
/// </summary>
public sealed class TunTrial : IDisposable
{
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _told = new();
    private readonly ManualResetEventSlim _end = new();
    private (string? Tcp, string? Udp) _verdict;

    private TunTrial() => _thread = new Thread(Run) { Name = "vibepn-selftest", IsBackground = true };

    public static TunTrial Start()
    {
        var trial = new TunTrial();
        trial._thread.Start();
        return trial;
    }

    /// <summary>Lets the namespace go, and does not wait for it. The verdict stays.</summary>
    public void Dispose() => _end.Set();

    /// <summary>Waits for the trial, some milliseconds. Any thread, also after <see cref="Dispose"/>.</summary>
    /// <returns>Why TCP and UDP offloads must not be used; null: they work, or it cannot be tried (no right to make a namespace).</returns>
    internal (string? Tcp, string? Udp) Verdict()
    {
        _told.Wait();
        return _verdict;
    }

    /// <summary>After <see cref="Dispose"/>: waits until nothing is left.</summary>
    internal void Join() => _thread.Join();

    private void Run()
    {
        try
        {
            TunSelfTest.RunInNamespace(verdict =>
            {
                _verdict = verdict;
                _told.Set();
                _end.Wait();
            });
        }
        finally
        {
            _told.Set();
        }
    }
}
