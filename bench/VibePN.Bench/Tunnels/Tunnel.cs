using System.Globalization;
using VibePN.Bench.Hosts;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Tunnels;

/// <summary>One VPN over all legs of a <see cref="Star"/>; it runs from <see cref="Start"/> until disposal.</summary>
internal abstract class Tunnel(TunnelKind kind, Star star, int number) : IDisposable
{
    private const int FirstPort = 51_820;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly List<RunningProgram> _programs = [];

    public TunnelKind Kind => kind;

    public Star Star => star;

    /// <summary>UDP, on every host.</summary>
    public int Port => PortOf(number);

    /// <summary>The processes of the VPN at all ends.</summary>
    public IReadOnlyList<int> Processes => [.. _programs.Select(program => program.Id)];

    /// <summary>0: hub; from 1: the leaves.</summary>
    public virtual string Inside(int host) => string.Create(CultureInfo.InvariantCulture, $"10.{60 + number}.0.{host + 1}");

    protected string Network => string.Create(CultureInfo.InvariantCulture, $"10.{60 + number}.0.0/24");

    protected string PortText => Port.ToString(CultureInfo.InvariantCulture);

    protected string Interface => string.Create(CultureInfo.InvariantCulture, $"tunnel{number}");

    public static int PortOf(int number) => FirstPort + number;

    /// <summary>Starts the VPN's processes.</summary>
    protected abstract void StartPrograms();

    /// <summary>Returns when packets pass to every leaf.</summary>
    /// <exception cref="TimeoutException">They do not; the message has the processes' last words.</exception>
    public void Start()
    {
        StartPrograms();
        for (var i = 1; i <= star.Legs.Count; i++)
        {
            var target = Inside(i);
            try
            {
                Wait.Until(_patience, $"a ping through {kind.Name}", () => star.Hub.Ping(target) || HasDied());
            }
            catch (TimeoutException exception)
            {
                throw new TimeoutException($"{exception.Message}\n{LastWords()}");
            }

            if (HasDied())
            {
                throw new InvalidOperationException($"{kind.Name} ended\n{LastWords()}");
            }
        }
    }

    public virtual void Dispose()
    {
        foreach (var program in _programs)
        {
            program.Dispose();
        }
    }

    /// <summary>The host by its number: 0 the hub.</summary>
    protected BenchHost HostOf(int host) => host == 0 ? star.Hub : star.Legs[host - 1].Leaf;

    /// <summary>A folder of this tunnel and host.</summary>
    protected string FolderOf(int host) =>
        Directory.CreateDirectory(Path.Combine(star.Folder, $"{star.Key}-{kind.Key}-{HostOf(host).Name}")).FullName;

    protected RunningProgram Launch(int host, params string[] command)
    {
        var program = HostOf(host).Start(command);
        _programs.Add(program);
        return program;
    }

    private bool HasDied() => _programs.Exists(program => program.HasExited);

    private string LastWords() => string.Join('\n', _programs.SelectMany(program => program.Lines.TakeLast(10)));
}
