using System.CommandLine;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using VibePN.Doctor.Report;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn bugreport</c>: one archive with what somebody else needs to find out what is wrong.</summary>
internal static class BugreportCommand
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static ExampleCommand Create()
    {
        Option<string?> output = new("--output") { Description = "The archive [default: vibepn-bugreport-TIME.tar.gz here]; - for standard output", HelpName = "FILE" };
        ExampleCommand command = new("bugreport", "Puts what is needed to find a fault into one archive, secrets left out", "vibepn bugreport --output report.tar.gz");
        command.Add(output);
        return command.Does(async (parsed, cancel) =>
        {
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            string path = parsed.GetValue(output) ?? string.Create(CultureInfo.InvariantCulture, $"vibepn-bugreport-{now:yyyyMMdd-HHmmss}.tar.gz");
            IReadOnlyList<ReportFile> files = await BugReport.CollectAsync(
                CommonOptions.ConfigPath(parsed),
                CommonOptions.NamedSocket(parsed),
                ProductVersion.Text,
                TimeProvider.System,
                what => Progress($"looking at {what}"),
                cancel);
            Progress("");
            if (path == "-")
            {
                using Stream standard = Console.OpenStandardOutput();
                Write(standard, files, now);
                return CommandLine.Done;
            }

            // Not where something is already: it may be somebody's link.
            using (FileStream file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
            {
                Write(file, files, now);
            }

            Console.Out.WriteLine($"{path}: {files.Count} files, {Humanize.Bytes(new FileInfo(path).Length)}; names and addresses are in it, secrets are not: look through it before you pass it on");
            return CommandLine.Done;
        });
    }

    private static void Write(Stream output, IReadOnlyList<ReportFile> files, DateTimeOffset now)
    {
        using GZipStream packed = new(output, CompressionLevel.Optimal, leaveOpen: true);
        using TarWriter archive = new(packed, TarEntryFormat.Pax);
        foreach (ReportFile file in files)
        {
            using MemoryStream text = new(Encoding.UTF8.GetBytes(file.Text));
            archive.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"vibepn-bugreport/{file.Name}") { DataStream = text, ModificationTime = now, Mode = Private });
        }
    }

    private static void Progress(string what)
    {
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write($"\r{what}\u001b[K");
        }
    }
}
