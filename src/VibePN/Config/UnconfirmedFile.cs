using System.Text.Json;
using System.Text.Json.Serialization;

namespace VibePN.Config;

/// <summary>
/// The file <c>unconfirmed.json</c> in the state directory. It is there while the config file is not to be trusted: from a reload that asks
/// to be confirmed until the confirmation, and after it was undone for want of one. It holds the text of the last confirmed config, which
/// a daemon that starts runs on, as long as the config file is still the one that nobody confirmed.
/// </summary>
public sealed partial class UnconfirmedFile(string directory)
{
    private const int MaxFileBytes = 4 * ConfigFile.MaxBytes;

    public string Path { get; } = System.IO.Path.Combine(directory, "unconfirmed.json");

    /// <summary>What a daemon starts with whose config file is <paramref name="file"/>.</summary>
    /// <param name="record">The record, when it is about this very text.</param>
    /// <param name="problem">Something for the log, or null.</param>
    public ConfigText Choose(ConfigText file, out Record? record, out string? problem)
    {
        problem = null;
        record = null;
        try
        {
            if (!File.Exists(Path))
            {
                return file;
            }

            Record found = Read();
            if (found.Unconfirmed != file.Text || found.Config != file.Config.Path)
            {
                // Edited since, or another file: it is meant as it is.
                return file;
            }

            ConfigText confirmed = ConfigText.Parse(found.Confirmed, file.Config.Path);
            record = found;
            return confirmed;
        }
        catch (Exception failure) when (failure is JsonException or IOException or UnauthorizedAccessException or ConfigException)
        {
            problem = $"{Path}: {failure.Message}; {file.Config.Path} is used as it is";
            return file;
        }
    }

    /// <param name="record">Null: every config is confirmed.</param>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Save(Record? record)
    {
        if (record is null)
        {
            File.Delete(Path);
            return;
        }

        Directory.CreateDirectory(directory);
        AtomicFile.Replace(Path, JsonSerializer.Serialize(record, UnconfirmedJson.Default.Record) + "\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private Record Read()
    {
        if (new FileInfo(Path).Length > MaxFileBytes)
        {
            throw new JsonException($"more than {MaxFileBytes} bytes");
        }

        Record? record = JsonSerializer.Deserialize(File.ReadAllBytes(Path), UnconfirmedJson.Default.Record);
        return record is { Config: not null, Confirmed: not null, Unconfirmed: not null } ? record : throw new JsonException("incomplete");
    }

    /// <param name="Config">The config file's path.</param>
    /// <param name="Confirmed">The text to go back to.</param>
    /// <param name="Unconfirmed">The text of the config file that nobody has confirmed.</param>
    public sealed record Record(string Config, string Confirmed, string Unconfirmed);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
    [JsonSerializable(typeof(Record))]
    internal sealed partial class UnconfirmedJson : JsonSerializerContext;
}
