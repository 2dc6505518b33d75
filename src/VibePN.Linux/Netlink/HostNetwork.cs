namespace VibePN.Linux;

/// <summary>
/// Keeps the host's network as desired, by rtnetlink. Each <see cref="Apply"/> reads what our interfaces have and changes only the
/// differences. One thread at a time; not the loop's.
/// </summary>
public sealed class HostNetwork : IDisposable
{
    /// <summary>The number that marks our routes (<c>rtm_protocol</c>).</summary>
    public const byte RouteProtocol = 201;

    /// <exception cref="LinuxException"/>
    public HostNetwork()
    {
    }

    /// <summary>Makes the host's network as desired. Links of an earlier call that are not named any more lose what they were given.</summary>
    /// <exception cref="LinuxException">The first thing that failed; the rest was tried nevertheless.</exception>
    public void Apply(HostState desired) => throw new NotImplementedException();

    /// <returns>0: no such interface.</returns>
    public static int InterfaceIndex(string name) => throw new NotImplementedException();

    /// <summary>The addresses of all interfaces of the host.</summary>
    public IReadOnlyList<HostAddress> Addresses() => throw new NotImplementedException();

    /// <summary>The unicast routes of the main table.</summary>
    public IReadOnlyList<HostRoute> Routes() => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
