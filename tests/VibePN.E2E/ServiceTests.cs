using System.Globalization;
using System.Net.Sockets;
using System.Text;
using VibePN.E2E.Harness;
using Xunit;

namespace VibePN.E2E;

/// <summary>What the daemon tells a service manager (sd_notify(3)); the test is the manager.</summary>
public sealed class ServiceTests : IDisposable
{
    private const int PatienceMillis = 20_000;

    private readonly TestBed _bed = new();
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = PatienceMillis };

    public void Dispose()
    {
        _manager.Dispose();
        _bed.Dispose();
    }

    [Fact]
    public void Daemon_UnderAServiceManager_TellsReadinessLifeReloadAndEnd()
    {
        TestNode node = _bed.AddNode("node");
        File.WriteAllText(node.ConfigPath, node.ConfigText());
        string path = Path.Combine(_bed.Folder, "notify");
        _manager.Bind(new UnixDomainSocketEndPoint(path));

        using RunningProgram daemon = node.Host.Start("env", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=400000", TestBed.Executable, "daemon", "--config", node.ConfigPath);

        Assert.Equal("READY=1", Receive());
        Assert.Equal("WATCHDOG=1", Receive());
        Assert.Equal("WATCHDOG=1", Receive());

        Outcome reload = node.Control("reload");

        Assert.True(reload.ExitCode == 0, reload.ToString());
        string[] lines = ReceiveOther().Split('\n');
        Assert.Equal("RELOADING=1", lines[0]);
        long micros = long.Parse(lines[1]["MONOTONIC_USEC=".Length..], CultureInfo.InvariantCulture);
        Assert.InRange((Environment.TickCount64 * 1000) - micros, -1_000_000, PatienceMillis * 1000L);
        Assert.Equal("READY=1", ReceiveOther());
        Assert.Equal("WATCHDOG=1", Receive());

        daemon.Signal(Signal.Terminate);

        Assert.Equal("STOPPING=1", ReceiveOther());
        Assert.True(daemon.WaitForExit(TimeSpan.FromMilliseconds(PatienceMillis)));
    }

    private string ReceiveOther()
    {
        string message;
        do
        {
            message = Receive();
        }
        while (message == "WATCHDOG=1");

        return message;
    }

    private string Receive()
    {
        byte[] buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, _manager.Receive(buffer));
    }
}
