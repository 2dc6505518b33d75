using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using VibePN.Config;
using VibePN.Routing;

namespace VibePN;

/// <summary>
/// <see cref="NodeMemory"/> as <c>addresses.json</c> in the state directory: legible, replaced whole. A file that cannot be read is put
/// aside and the node starts without memory: it must not stay away because of what it only remembers. The tokens, which are secrets, have
/// a file of their own (<see cref="NodeTokenFile"/>), and so have invites and peers beside the config (<see cref="NodeTrustFile"/>,
/// <see cref="NodeIntroductionFile"/>).
/// </summary>
internal sealed partial class NodeMemoryFile(string directory)
{
    private const int MaxFileBytes = 16 << 20;

    private readonly NodeTokenFile _tokens = new(directory);
    private readonly NodeTrustFile _trust = new(directory);
    private readonly NodeIntroductionFile _introductions = new(directory);
    private string? _saved;

    public string Path { get; } = System.IO.Path.Combine(directory, "addresses.json");

    /// <param name="problem">Why there is no memory although there is a file; null when all is well.</param>
    public NodeMemory Load(out string? problem)
    {
        RemoveUnfinished();
        var tokens = _tokens.Load(out var tokenProblem);
        var trust = _trust.Load(out var trustProblem);
        var introductions = _introductions.Load(out var introductionProblem);
        var memory = LoadAddresses(out var addressProblem);
        string[] problems = [.. new[] { addressProblem, tokenProblem, trustProblem, introductionProblem }.OfType<string>()];
        problem = problems.Length == 0 ? null : string.Join("; ", problems);
        return memory with { Tokens = tokens, Trust = trust, Introductions = introductions };
    }

    private NodeMemory LoadAddresses(out string? problem)
    {
        problem = null;
        try
        {
            if (!File.Exists(Path))
            {
                return NodeMemory.Empty;
            }

            if (new FileInfo(Path).Length > MaxFileBytes)
            {
                throw new JsonException($"more than {MaxFileBytes} bytes");
            }

            var document = JsonSerializer.Deserialize(File.ReadAllBytes(Path), MemoryJson.Default.Document) ?? throw new JsonException("empty");
            return Read(document);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            problem = $"{Path}: {failure.Message}; starting without remembered addresses";
            TryPutAside();
            return NodeMemory.Empty;
        }
    }

    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Save(NodeMemory memory)
    {
        Directory.CreateDirectory(directory);
        _trust.Save(memory.Trust);
        _introductions.Save(memory.Introductions);
        var document = new Document(
            1,
            [
                .. memory.Networks.Select(network => new NetworkEntry(
                    network.Name,
                    network.Counters.ToDictionary(counter => counter.Key.ToString(), counter => counter.Value),
                    [.. network.Owners.Select(owner => new OwnerEntry(owner.Address.ToString(), owner.Peer.ToString(), owner.LastSeenUtcSeconds))])),
            ]);
        var text = JsonSerializer.Serialize(document, MemoryJson.Default.Document) + "\n";
        if (text != _saved)
        {
            AtomicFile.Write(Path, text, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            _saved = text;
        }

        _tokens.Save(memory.Tokens);
    }

    private static NodeMemory Read(Document document) => new(
        [
            .. (document.Networks ?? []).Select(entry => entry ?? throw new FormatException("an empty entry")).Select(network => new NodeNetworkMemory(
                network.Name ?? "",
                (network.Counters ?? []).ToDictionary(counter => Prefix.FromIPNetwork(IPNetwork.Parse(counter.Key)), counter => counter.Value),
                [
                    .. (network.Owners ?? []).Select(owner => new AddressOwner(
                        IpKey.FromIPAddress(IPAddress.Parse(owner?.Address ?? "")),
                        PeerId.Parse(owner?.Peer ?? ""),
                        owner?.LastSeenUtcSeconds ?? 0)),
                ])),
        ]);

    /// <summary>Of processes that were killed while they wrote: the directory belongs to one daemon, and this one has not written yet.</summary>
    private void RemoveUnfinished()
    {
        try
        {
            foreach (var file in Directory.Exists(directory) ? Directory.GetFiles(directory, ".*.json.*.tmp") : [])
            {
                File.Delete(file);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // They are only in the way; what matters is said when the file itself is read or written.
        }
    }

    private void TryPutAside()
    {
        try
        {
            File.Move(Path, Path + ".unreadable", overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is replaced with the next change, if the directory can be written at all.
        }
    }

    internal sealed record Document(int Version, NetworkEntry?[]? Networks);

    internal sealed record NetworkEntry(string? Name, Dictionary<string, uint>? Counters, OwnerEntry?[]? Owners);

    internal sealed record OwnerEntry(string? Address, string? Peer, long LastSeenUtcSeconds);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
    [JsonSerializable(typeof(Document))]
    internal sealed partial class MemoryJson : JsonSerializerContext;
}
