using System.Text.Json;
using System.Text.Json.Serialization;
using VibePN.Linux.Files;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// What was changed on the host's links, as a file: written before each change, read at the next start after a crash.
/// No entries: no file. Replaced whole, so that a crash leaves the old content or the new.
/// </summary>
internal sealed partial class HostJournal(string path)
{
    private const int MaxFileBytes = 1 << 20;

    /// <summary>What the file holds, as text; null: not known yet.</summary>
    private string? _written;

    /// <param name="problem">Why the file could not be understood; it is put aside then. Null when all is well.</param>
    public IReadOnlyList<JournalLink> Load(out string? problem)
    {
        problem = null;
        try
        {
            if (!File.Exists(path))
            {
                return [];
            }

            if (new FileInfo(path).Length > MaxFileBytes)
            {
                throw new JsonException($"more than {MaxFileBytes} bytes");
            }

            var document = JsonSerializer.Deserialize(File.ReadAllBytes(path), JournalJson.Default.Document) ?? throw new JsonException("empty");
            return document is { Version: 1, Links: { } links } && links.All(link => link?.IsValid() == true)
                ? links
                : throw new JsonException("not a journal of this version");
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException)
        {
            problem = $"{path}: {failure.Message}; what a former run has left on the host's links stays there";
            PutAside();
            return [];
        }
    }

    /// <exception cref="LinuxException">The file cannot be written; nothing may be changed then.</exception>
    public void Save(IReadOnlyList<JournalLink> links)
    {
        var text = links.Count == 0 ? "" : JsonSerializer.Serialize(new Document(1, [.. links]), JournalJson.Default.Document) + "\n";
        if (text == _written)
        {
            return;
        }

        try
        {
            if (links.Count == 0)
            {
                File.Delete(path);
            }
            else
            {
                Replace(text);
            }

            _written = text;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new LinuxException($"write {path}", Errno.EIO, $"{failure.Message}; the state directory must be writable and not full");
        }
    }

    private void Replace(string text)
    {
        var directory = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(directory);
        var temporary = path + ".tmp";
        File.Delete(temporary);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var file = new FileStream(temporary, options))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        PosixFile.SyncDirectory(directory);
    }

    private void PutAside()
    {
        try
        {
            File.Move(path, path + ".unreadable", overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is replaced with the next entry, if the directory can be written at all.
        }
    }

    internal sealed record Document(int Version, JournalLink[]? Links);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
    [JsonSerializable(typeof(Document))]
    internal sealed partial class JournalJson : JsonSerializerContext;
}
