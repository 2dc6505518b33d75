using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace VibePN.Cli.Daemon;

/// <summary>Tells systemd how far the daemon is (sd_notify(3)); outside of systemd, does nothing.</summary>
internal static class SystemdNotifier
{
    public static void Ready() => Send("READY=1");

    /// <summary>Ends with <see cref="Ready"/> (Type=notify-reload).</summary>
    public static void Reloading() =>
        Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetElapsedTime(0).Ticks / TimeSpan.TicksPerMicrosecond}"));

    /// <summary>For the watchdog.</summary>
    public static void Alive() => Send("WATCHDOG=1");

    public static void Stopping() => Send("STOPPING=1");

    private static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path || path[0] is not ('/' or '@'))
        {
            return;
        }

        try
        {
            using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // '@' stands for the zero byte of an abstract name.
            _ = socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path[0] == '@' ? "\0" + path[1..] : path));
        }
        catch (SocketException)
        {
            // Nobody listens: systemd notices by itself.
        }
    }
}
