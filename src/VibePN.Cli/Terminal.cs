using Spectre.Console;
using Spectre.Console.Rendering;

namespace VibePN.Cli;

/// <summary>What people see: tables on standard output, mistakes on standard error; colours only on a terminal.</summary>
internal static class Terminal
{
    /// <summary>Where nobody looks at a screen, lines are not wrapped.</summary>
    private const int UnboundedWidth = 10_000;

    public static bool IsInteractive => !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    public static void Error(string message) => Console.Error.WriteLine($"vibepn: {message}");

    public static IAnsiConsole CreateConsole(TextWriter output)
    {
        bool colour = IsInteractive && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = colour ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(output),
        });
        if (!IsInteractive)
        {
            console.Profile.Width = UnboundedWidth;
        }

        return console;
    }

    /// <summary>A table without lines: headings, then rows.</summary>
    public static Table CreateTable(params ReadOnlySpan<string> headings)
    {
        Table table = new() { Border = TableBorder.None, ShowHeaders = headings.Length > 0 };
        foreach (string heading in headings)
        {
            _ = table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))) { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        }

        return table;
    }

    /// <summary>A cell. Text that came from other nodes loses its control characters, so that it cannot drive the terminal.</summary>
    public static IRenderable Cell(string? text, Style? style = null) =>
        new Text(string.Concat((text ?? "-").Select(c => char.IsControl(c) ? '?' : c)), style ?? Style.Plain);

    /// <summary>Writes what is drawn without the blanks that fill up lines.</summary>
    public static void Write(Action<IAnsiConsole> draw)
    {
        if (IsInteractive)
        {
            draw(CreateConsole(Console.Out));
            return;
        }

        using StringWriter buffer = new();
        draw(CreateConsole(buffer));
        foreach (string line in buffer.ToString().TrimEnd('\n').Split('\n'))
        {
            Console.Out.WriteLine(line.TrimEnd());
        }
    }
}
