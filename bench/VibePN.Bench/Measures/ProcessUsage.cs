using System.Globalization;

namespace VibePN.Bench.Measures;

/// <summary>Processor time and memory of processes, from /proc. A process that is gone counts nothing.</summary>
internal static class ProcessUsage
{
    /// <summary>USER_HZ, the same on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time of all threads so far.</summary>
    public static double CpuSeconds(IEnumerable<int> processes) => processes.Sum(process => ParseCpuTicks(Read(process, "stat")) / TicksPerSecond);

    /// <summary>Resident memory of the largest of them.</summary>
    public static double LargestResidentMiB(IEnumerable<int> processes) =>
        processes.Select(process => ParseResidentKiB(Read(process, "status")) / 1024.0).DefaultIfEmpty(0).Max();

    /// <param name="stat">/proc/PID/stat; the name, in parentheses, may hold anything.</param>
    public static long ParseCpuTicks(string stat)
    {
        var fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 12
            ? long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)
            : 0;
    }

    public static long ParseResidentKiB(string status)
    {
        var line = status.Split('\n').FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Of all processors since the start.</summary>
    public static (long Idle, long All) MachineTicks() => ParseMachineTicks(File.ReadAllText("/proc/stat"));

    /// <param name="stat">/proc/stat.</param>
    public static (long Idle, long All) ParseMachineTicks(string stat)
    {
        // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
        long[] fields = [.. stat.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Take(8).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        return (fields.Skip(3).Take(2).Sum(), fields.Sum());
    }

    private static string Read(int process, string file)
    {
        try
        {
            return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/{file}"));
        }
        catch (IOException)
        {
            return "";
        }
    }
}
