using System.Globalization;
using VibePN.Bench.Hosts;
using VibePN.E2E.Harness;

namespace VibePN.Bench.Scenes;

/// <summary>A host with two cables and the subcommand <c>relay</c> on it, in place of a long line. It can be told to play another line.</summary>
internal sealed class RelayProcess(BenchHost host, string left, string right, string leftPeer, string rightPeer, IReadOnlyList<int> ports) : IDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(10);

    private RunningProgram? _program;

    /// <param name="line">Further settings of <see cref="Relay.RelayOptions"/>, as <c>name=value</c>.</param>
    public void Play(params string[] line)
    {
        _program?.Dispose();
        var program = _program = host.Start([
            Path.Combine(AppContext.BaseDirectory, "VibePN.Bench"), "relay", "left=" + left, "right=" + right, "left-peer=" + leftPeer,
            "right-peer=" + rightPeer, "ports=" + string.Join(',', ports.Select(port => port.ToString(CultureInfo.InvariantCulture))), .. line]);
        Wait.Until(_startLimit, "the relay starts", () => program.HasExited || program.Output.Contains("ready", StringComparison.Ordinal));
        if (program.HasExited)
        {
            throw new InvalidOperationException($"the relay ended: {program.Errors}");
        }
    }

    public void Dispose() => _program?.Dispose();
}
