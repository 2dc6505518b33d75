using System.Diagnostics;
using System.Globalization;
using VibePN.Bench.Report;
using VibePN.Bench.Tunnels;

namespace VibePN.Bench.Scenes;

/// <summary>Runs measurements one after the other, writes each down and says so. A measurement that fails is a note, not the end.</summary>
internal sealed class Recorder(RunResult result)
{
    private readonly long _start = Stopwatch.GetTimestamp();

    public RunResult Result => result;

    public void Say(string text) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_start):hh\\:mm\\:ss}  {text}"));

    public void Note(string sentence)
    {
        result.Notes.Add(sentence);
        Say(sentence);
    }

    public void RunAll(string scene, IReadOnlyList<Step> steps)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            var step = steps[i];
            var where = string.Create(CultureInfo.InvariantCulture, $"[{scene} {i + 1}/{steps.Count}] {step.Tunnel.Kind.Name}, {step.What}");
            try
            {
                List<string> texts = [];
                foreach (var (measure, value) in step.Run())
                {
                    result.Samples.Add(new Sample(scene, step.Tunnel.Kind.Key, measure.Key, step.Round, value));
                    texts.Add(string.Create(CultureInfo.InvariantCulture, $"{measure.Title} {Tables.Text(value)} {measure.Unit}"));
                }

                Say($"{where}: {string.Join("; ", texts)}");
            }
            catch (Exception exception) when (exception is InvalidOperationException or TimeoutException)
            {
                Note($"{where} failed: {exception.Message.Split('\n')[0]}");
            }
        }
    }

    /// <summary>Starts the tunnels of a star; one that does not come up is a note.</summary>
    public List<Tunnel> Start(Star star, IEnumerable<TunnelKind> kinds)
    {
        List<Tunnel> tunnels = [];
        var number = 0;
        foreach (var kind in kinds)
        {
            var tunnel = kind.Create(kind, star, number++);
            try
            {
                tunnel.Start();
                tunnels.Add(tunnel);
            }
            catch (Exception exception) when (exception is InvalidOperationException or TimeoutException)
            {
                tunnel.Dispose();
                Console.Error.WriteLine(exception.Message);
                Note($"{kind.Name} is left out ({star.Key}): it did not come up: {exception.Message.Split('\n')[0]}.");
            }
        }

        return tunnels;
    }
}

/// <summary>One measurement, of which one or several figures come.</summary>
internal sealed record Step(Tunnel Tunnel, string What, int Round, Func<IReadOnlyList<(Measure Measure, double Value)>> Run);
