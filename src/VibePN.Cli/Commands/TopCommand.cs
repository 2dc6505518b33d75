using System.CommandLine;
using Spectre.Console;
using VibePN.Api;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn top</c>: the peers by what they carry, once a second.</summary>
internal static class TopCommand
{
    /// <summary>Alternate screen without a cursor, and back (xterm control sequences).</summary>
    private const string Enter = "\u001b[?1049h\u001b[?25l";
    private const string Leave = "\u001b[?25h\u001b[?1049l";

    /// <summary>How long a key may wait.</summary>
    private static readonly TimeSpan KeyInterval = TimeSpan.FromMilliseconds(50);

    public static ExampleCommand Create()
    {
        Option<string> sort = Options.Checked("--sort", "KEY", "By name, traffic, rtt or loss at first [default: traffic]", text => SortOf(text) is null ? $"'{text}' is none of name, traffic, rtt, loss" : null);
        Option<string> count = Options.Checked("--count", "N", "Ends after N pictures; without a terminal one after another", text => int.TryParse(text, out int n) && n > 0 ? null : $"'{text}' is no number above 0");
        Option<string> interval = Options.Checked("--interval", "TIME", "Between two pictures, from 0.2s to 1m [default: 1s]", IntervalError);
        ExampleCommand command = new("top", "Shows live what each peer carries; keys: q quit, s sort, p pause", "vibepn top --sort rtt");
        command.Add(sort);
        command.Add(count);
        command.Add(interval);
        return command.Does((parsed, cancel) => RunAsync(
            CommonOptions.CreateClient(parsed),
            new TopView(SortOf(parsed.GetValue(sort) ?? "traffic")!.Value),
            parsed.GetValue(count) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : null,
            Options.ParseTime(parsed.GetValue(interval) ?? "1s")!.Value,
            cancel));
    }

    private static async Task<int> RunAsync(ApiClient client, TopView view, int? count, TimeSpan interval, CancellationToken cancel)
    {
        // The first picture has rates, too.
        view.Add(await client.GetStatusAsync(cancel));
        await Task.Delay(interval, TimeProvider.System, cancel);
        bool isScreen = Terminal.IsInteractive && !Console.IsInputRedirected;
        if (!isScreen && count is null)
        {
            Terminal.Error("without a terminal, top needs --count; 'vibepn status --watch --json' is for programs");
            return CommandLine.WrongUsage;
        }

        try
        {
            Console.Out.Write(isScreen ? Enter : "");
            for (int pictures = 0; count is null || pictures < count; pictures++)
            {
                view.Add(await client.GetStatusAsync(cancel));
                Show(view, isScreen);
                if (pictures + 1 != count && !await WaitAsync(view, isScreen, interval, cancel))
                {
                    break;
                }
            }

            return CommandLine.Done;
        }
        catch (OperationCanceledException) when (isScreen && cancel.IsCancellationRequested)
        {
            // Ctrl-C is a way to leave as good as q.
            return CommandLine.Done;
        }
        finally
        {
            Console.Out.Write(isScreen ? Leave : "");
        }
    }

    /// <returns>False: the user has had enough.</returns>
    private static async Task<bool> WaitAsync(TopView view, bool isScreen, TimeSpan interval, CancellationToken cancel)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (view.IsPaused || TimeProvider.System.GetElapsedTime(start) < interval)
        {
            while (isScreen && Console.KeyAvailable)
            {
                switch (char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar))
                {
                    case 'q' or '\u001b':
                        return false;
                    case 's':
                        view.SortByNext();
                        Show(view, isScreen);
                        break;
                    case 'p' or ' ':
                        view.IsPaused = !view.IsPaused;
                        Show(view, isScreen);
                        break;
                }
            }

            TimeSpan left = interval - TimeProvider.System.GetElapsedTime(start);
            await Task.Delay(isScreen ? KeyInterval : left > TimeSpan.Zero ? left : TimeSpan.Zero, TimeProvider.System, cancel);
        }

        return true;
    }

    private static void Show(TopView view, bool isScreen)
    {
        if (!isScreen)
        {
            Terminal.Write(console => view.Draw(console, int.MaxValue));
            return;
        }

        using StringWriter buffer = new();
        IAnsiConsole console = Terminal.CreateConsole(buffer);
        console.Profile.Width = Math.Max(20, Console.WindowWidth);
        int height = Math.Max(5, Console.WindowHeight);
        view.Draw(console, height);
        // In one write, over the picture before: nothing flickers.
        string[] lines = buffer.ToString().TrimEnd('\n').Split('\n');
        Console.Out.Write("\u001b[H" + string.Join("\u001b[K\n", lines.Take(height - 1)) + "\u001b[K\u001b[J");
    }

    private static TopSort? SortOf(string text) => Enum.TryParse(text, ignoreCase: true, out TopSort sort) && Enum.IsDefined(sort) && !char.IsAsciiDigit(text[0]) ? sort : null;

    private static string? IntervalError(string text) => Options.ParseTime(text) is { TotalSeconds: >= 0.2 and <= 60 } ? null : $"'{text}' is no time from 0.2s to 1m";
}
