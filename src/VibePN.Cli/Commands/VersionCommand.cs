namespace VibePN.Cli.Commands;

/// <summary><c>vibepn version</c>.</summary>
internal static class VersionCommand
{
    public static ExampleCommand Create() =>
        new ExampleCommand("version", "Prints the version", "vibepn version")
            .Does((_, _) =>
            {
                Console.Out.WriteLine($"vibepn {ProductVersion.Text}");
                return Task.FromResult(CommandLine.Done);
            });
}
