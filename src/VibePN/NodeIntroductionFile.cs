using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN;

/// <summary>
/// <see cref="IntroductionMemory"/> as <c>introductions.json</c> in the state directory: legible, for the daemon's eyes only, replaced whole. One
/// that cannot be read is put aside, and as long as it lies there no introduction is taken: introducers would say it all again, those included
/// who were removed here.
/// </summary>
internal sealed partial class NodeIntroductionFile(string directory)
{
    private const int MaxFileBytes = 16 << 20;

    private string? _saved;

    public string Path { get; } = System.IO.Path.Combine(directory, "introductions.json");

    /// <summary>A damaged one of before. While it is there it is not known who was kept out.</summary>
    public string LostPath => Path + ".unreadable";

    /// <param name="problem">Why introductions are not taken; null when all is well.</param>
    public IntroductionMemory Load(out string? problem)
    {
        var memory = Read(out var damage);
        if (damage is not null && !File.Exists(LostPath))
        {
            TryPutAside();
        }

        problem = damage is null && !File.Exists(LostPath) ? null
            : $"{damage ?? $"{LostPath} is there"}: no introductions are taken, since it is not known who was removed and kept out. Repair {LostPath} and put it back as {System.IO.Path.GetFileName(Path)}, or remove it (introducers may then bring back whom 'vibepn remove-peer' took out); then restart the daemon";
        return problem is null ? memory : memory with { Peers = [], IsLost = true };
    }

    /// <param name="damage">What is wrong with the file; null: nothing, or there is none.</param>
    private IntroductionMemory Read(out string? damage)
    {
        damage = null;
        try
        {
            if (!File.Exists(Path))
            {
                return IntroductionMemory.Empty;
            }

            if (new FileInfo(Path).Length > MaxFileBytes)
            {
                throw new JsonException($"more than {MaxFileBytes} bytes");
            }

            var document = JsonSerializer.Deserialize(File.ReadAllBytes(Path), IntroductionJson.Default.Document) ?? throw new JsonException("empty");
            return new IntroductionMemory(
                [.. (document.Introduced ?? []).Select(entry => (entry ?? throw new FormatException("an empty entry")).ToPeer()).Take(Limits.Introduced)],
                [.. (document.KeptOut ?? []).Select(entry => (entry ?? throw new FormatException("an empty entry")).ToPeer()).TakeLast(Limits.KeptOut)],
                [.. (document.Askers ?? []).Select(PeerId.Parse).Distinct().Take(Limits.RememberedPeers)]);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            damage = $"{Path}: {failure.Message.TrimEnd('.')}";
            return IntroductionMemory.Empty;
        }
    }

    /// <summary>Replaces the file if anything changed since the last call.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Save(IntroductionMemory memory)
    {
        var document = new Document(
            1,
            [.. memory.Peers.Select(IntroducedEntry.Of)],
            [.. memory.KeptOut.Select(peer => new KeptOutEntry(peer.Name, peer.Id.ToString(), Time(peer.SinceUtcSeconds)))],
            [.. memory.Askers.Select(id => id.ToString())]);
        var isEmpty = memory is { Peers.Count: 0, KeptOut.Count: 0, Askers.Count: 0 };
        var text = JsonSerializer.Serialize(document, IntroductionJson.Default.Document) + "\n";
        if (text == _saved || (isEmpty && _saved is null && !File.Exists(Path)))
        {
            return;
        }

        AtomicFile.Replace(Path, text, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _saved = text;
    }

    private void TryPutAside()
    {
        try
        {
            File.Move(Path, LostPath, overwrite: false);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It stays where it is, and unreadable; with the next change it is replaced, if the directory can be written at all.
        }
    }

    private static DateTimeOffset Time(long utcSeconds) => DateTimeOffset.FromUnixTimeSeconds(utcSeconds);

    private static string Name(string? text) => text is not null && Names.IsValid(text) ? text : throw new FormatException($"'{text}' is no name");

    internal sealed record Document(int Version, IntroducedEntry?[]? Introduced, KeptOutEntry?[]? KeptOut, string[]? Askers);

    /// <param name="By">The introducer's fingerprint.</param>
    /// <param name="InFile">True: the config file has it by itself.</param>
    internal sealed record IntroducedEntry(
        string? Name, string? Fingerprint, string? By, string[]? Networks, string[]? Addresses, DateTimeOffset SinceUtc, DateTimeOffset ConfirmedUtc, bool InFile)
    {
        public static IntroducedEntry Of(IntroducedPeer peer) => new(
            peer.Name,
            peer.Id.ToString(),
            peer.Introducer.ToString(),
            [.. peer.Networks],
            peer.EndPoints.Count == 0 ? null : [.. peer.EndPoints.Select(at => at.ToString())],
            Time(peer.SinceUtcSeconds),
            Time(peer.ConfirmedUtcSeconds),
            peer.IsInFile);

        public IntroducedPeer ToPeer() => new(
            PeerId.Parse(By ?? ""),
            PeerId.Parse(Fingerprint ?? ""),
            NodeIntroductionFile.Name(Name),
            SinceUtc.ToUnixTimeSeconds(),
            ConfirmedUtc.ToUnixTimeSeconds())
        {
            Networks = [.. (Networks ?? []).Select(NodeIntroductionFile.Name).Take(Limits.NetworksPerPeer)],
            EndPoints = DialableAddress.Filter((Addresses ?? []).Select(IPEndPoint.Parse), []),
            IsInFile = InFile,
        };
    }

    internal sealed record KeptOutEntry(string? Name, string? Fingerprint, DateTimeOffset SinceUtc)
    {
        public KeptOutPeer ToPeer() => new(PeerId.Parse(Fingerprint ?? ""), NodeIntroductionFile.Name(Name), SinceUtc.ToUnixTimeSeconds());
    }

    [JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true)]
    [JsonSerializable(typeof(Document))]
    internal sealed partial class IntroductionJson : JsonSerializerContext;
}
