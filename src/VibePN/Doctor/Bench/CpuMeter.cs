using System.Globalization;

namespace VibePN.Doctor.Bench;

/// <summary>Processor time of one process, and of the whole host, between two moments: proc(5).</summary>
internal sealed class CpuMeter(int pid)
{
    /// <summary>USER_HZ, which has been 100 on every architecture that is left.</summary>
    private const double TicksPerSecond = 100;

    private readonly long? _ticks = Ticks(Read($"/proc/{pid}/stat"));
    private readonly (long Busy, long All)? _host = Host(Read("/proc/stat"));
    private readonly long _start = TimeProvider.System.GetTimestamp();

    /// <summary>Cores that the process kept busy since, and the share of all processors that had work; null: not known.</summary>
    public (double? Daemon, double? Busy) Take()
    {
        double seconds = TimeProvider.System.GetElapsedTime(_start).TotalSeconds;
        double? daemon = seconds > 0 && _ticks is { } before && Ticks(Read($"/proc/{pid}/stat")) is { } after ? Math.Max(0, after - before) / TicksPerSecond / seconds : null;
        double? busy = _host is { } was && Host(Read("/proc/stat")) is { } now && now.All > was.All ? Math.Clamp((double)(now.Busy - was.Busy) / (now.All - was.All), 0, 1) : null;
        return (daemon, busy);
    }

    /// <summary>utime and stime; the name before them may have blanks and parentheses.</summary>
    public static long? Ticks(string text)
    {
        string[] words = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 12 && Number(words[11]) is { } user && Number(words[12]) is { } system ? user + system : null;
    }

    /// <summary>The first line: user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.</summary>
    public static (long Busy, long All)? Host(string text)
    {
        string[] words = text.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 9 || words[0] != "cpu")
        {
            return null;
        }

        long all = 0, idle = 0;
        for (int i = 1; i <= 8; i++)
        {
            if (Number(words[i]) is not { } ticks)
            {
                return null;
            }

            all += ticks;
            idle += i is 4 or 5 ? ticks : 0;
        }

        return (all - idle, all);
    }

    private static long? Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value < long.MaxValue / 16 ? value : null;

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
