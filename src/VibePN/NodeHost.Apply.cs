// Another config, taken into use while the node runs. What can fail is done first; what failed leaves everything as it was.
using VibePN.Config;
using VibePN.Linux;

namespace VibePN;

public sealed partial class NodeHost
{
    /// <summary>
    /// Takes another config into use as far as it differs: networks, peers, routes, name, socket. What is unchanged is not touched. Not
    /// covered, and ignored: what <see cref="ConfigDifference"/> says needs a restart.
    /// </summary>
    /// <param name="isForGood">False: it may be undone yet, and nobody whom the config of before had is forgotten.</param>
    /// <exception cref="LinuxException">An interface, a socket or the host's network failed. The config in force is the one before.</exception>
    /// <exception cref="InvalidOperationException">Too many networks since the start, or the node has stopped; likewise.</exception>
    public async Task ApplyAsync(NodeConfig config, bool isForGood)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_disposed)
            {
                throw new InvalidOperationException("the node has stopped");
            }

            await ApplyInTurnAsync(config).ConfigureAwait(false);
            if (isForGood)
            {
                _ = await _loop.InvokeAsync(node =>
                {
                    node.Settle(NodeLoop.Now());
                    return 0;
                }).ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What would keep <see cref="ApplyAsync"/> from taking a config into use, as far as can be seen without changing anything.</summary>
    public async Task<IReadOnlyList<string>> CheckAsync(NodeConfig config)
    {
        var problems = new List<string>();
        var own = _serving.Networks.Values.Select(open => open.Tun.Name).ToHashSet();
        foreach (var name in config.Networks.Select(network => network.Interface).Where(name => !own.Contains(name) && HostNetwork.InterfaceIndex(name) != 0))
        {
            problems.Add($"create TUN interface {name}: the name is in use; end the other program or choose another interface name");
        }

        // Not on our own port: for as long as it is open a second socket there has packets that are ours.
        if (config.Node.Listen.Port != LocalEndPoint.Port && await _loop.InvokeAsync(_ => _loop.FindOldSocket(config.Node.Listen)).ConfigureAwait(false) is null)
        {
            try
            {
                UdpSocket.Bind(config.Node.Listen, OptionsOfUdp(config)).Dispose();
            }
            catch (LinuxException failure)
            {
                problems.Add(failure.Message);
            }
        }

        return problems;
    }

    private async Task ApplyInTurnAsync(NodeConfig config)
    {
        var before = _serving.Config;
        var opened = new Dictionary<string, TunDevice>();
        UdpSocket? socket = null;
        var isNewSocket = false;
        IReadOnlyList<TunDevice> unused;
        try
        {
            foreach (var network in config.Networks.Where(network => !_tuns.ContainsKey(network.Interface)))
            {
                opened.Add(network.Interface, OpenTun(config, network));
            }

            (socket, isNewSocket) = await OpenSocketAsync(config).ConfigureAwait(false);
            unused = await ChangeAsync(config, opened).ConfigureAwait(false);
        }
        catch
        {
            CloseAll(opened.Values);
            if (isNewSocket)
            {
                socket?.Dispose();
            }

            throw;
        }

        if (socket is not null)
        {
            await _loop.InvokeAsync(node =>
            {
                _loop.ChangeSocket(node, socket, NodeLoop.Now());
                return 0;
            }).ConfigureAwait(false);
            Log.Listening(_logger, LocalEndPoint.ToString());
        }

        _tuns = _tuns.Values.Concat(opened.Values).Except(unused).ToDictionary(tun => tun.Name);
        CloseAll(unused);
        foreach (var tun in unused)
        {
            Log.InterfaceGone(_logger, tun.Name);
        }

        foreach (var network in config.Networks.Where(network => opened.ContainsKey(network.Interface)))
        {
            Log.NetworkOpen(_logger, network.Name, network.Interface, string.Join(", ", network.Prefixes));
        }
    }

    /// <summary>The node and the host's network; both or none.</summary>
    /// <returns>Devices that serve no network any more.</returns>
    private async Task<IReadOnlyList<TunDevice>> ChangeAsync(NodeConfig config, Dictionary<string, TunDevice> opened)
    {
        var before = _serving.Config;
        var (unused, desired) = await ChangeNodeAsync(config, opened).ConfigureAwait(false);
        try
        {
            _hostNetwork.Apply(desired);
            _hostFailure = null;
        }
        catch (LinuxException failure) when (failure.Message == _hostFailure)
        {
            // It was so before, and is no fault of this config.
        }
        catch (LinuxException)
        {
            (_, desired) = await ChangeNodeAsync(before, opened).ConfigureAwait(false);
            try
            {
                _hostNetwork.Apply(desired);
            }
            catch (LinuxException failure) when (failure.Message != _hostFailure)
            {
                Log.NotRestored(_logger, failure.Message);
            }
            catch (LinuxException)
            {
                // As before.
            }

            throw;
        }

        return unused;
    }

    private Task<(IReadOnlyList<TunDevice> Unused, HostState Desired)> ChangeNodeAsync(NodeConfig config, Dictionary<string, TunDevice> opened) =>
        _loop.InvokeAsync(node =>
        {
            var now = NodeLoop.Now();
            _loop.ChangeConfig(node, config, network => opened.GetValueOrDefault(network.Interface) ?? _tuns[network.Interface], now, out var unused);
            node.Flush(now);
            _serving = new Serving(
                config,
                node.Networks.ToDictionary(
                    network => network.Name,
                    network => new OpenNetwork(network.Index, opened.GetValueOrDefault(network.Config.Interface) ?? _tuns[network.Config.Interface])));
            return (unused, node.DesiredHostState());
        });

    /// <summary>The socket for a config, when it asks for another one: a new one, or one of before that is still open.</summary>
    private async Task<(UdpSocket? Socket, bool IsNew)> OpenSocketAsync(NodeConfig config)
    {
        var listen = config.Node.Listen;
        if (listen.Equals(Config.Node.Listen) || listen.Equals(LocalEndPoint))
        {
            return (null, false);
        }

        if (await _loop.InvokeAsync(_ => _loop.FindOldSocket(listen)).ConfigureAwait(false) is { } old)
        {
            return (old, false);
        }

        return (listen.Port == LocalEndPoint.Port ? _loop.Udp.BindBeside(listen, OptionsOfUdp(config)) : UdpSocket.Bind(listen, OptionsOfUdp(config)), true);
    }

    private static UdpOptions OptionsOfUdp(NodeConfig config) => new() { Gso = config.Tuning.UdpGso, Gro = config.Tuning.UdpGro };

    private TunDevice OpenTun(NodeConfig config, NetworkConfig network) =>
        TunDevice.Open(network.Interface, new TunOptions { Offloads = config.Tuning.TunOffloads, Trial = _trial });

    private static void CloseAll(IEnumerable<TunDevice> tuns)
    {
        foreach (var tun in tuns)
        {
            tun.Dispose();
        }
    }

    /// <param name="Networks">By name.</param>
    private sealed record Serving(NodeConfig Config, IReadOnlyDictionary<string, OpenNetwork> Networks);

    /// <param name="Index">By which the node and the loop know it.</param>
    private sealed record OpenNetwork(int Index, TunDevice Tun);
}
