using System.Text.Json;
using System.Text.Json.Serialization;
using VibePN.Config;

namespace VibePN;

/// <summary>
/// The peers' tokens as <c>tokens.json</c> in the state directory, for the daemon's eyes only. One that cannot be read is ignored: a node
/// without tokens only waits a round trip longer at a peer that is being flooded.
/// </summary>
internal sealed partial class NodeTokenFile(string directory)
{
    private const int MaxFileBytes = 4 << 20;

    private string? _saved;

    public string Path { get; } = System.IO.Path.Combine(directory, "tokens.json");

    /// <param name="problem">Why there are no tokens although there is a file; null when all is well.</param>
    public IReadOnlyList<PeerToken> Load(out string? problem)
    {
        problem = null;
        try
        {
            if (!File.Exists(Path))
            {
                return [];
            }

            if (new FileInfo(Path).Length > MaxFileBytes)
            {
                throw new JsonException($"more than {MaxFileBytes} bytes");
            }

            var document = JsonSerializer.Deserialize(File.ReadAllBytes(Path), TokenJson.Default.Document) ?? throw new JsonException("empty");
            return [.. (document.Tokens ?? []).Select(token => new PeerToken(PeerId.Parse(token?.Peer ?? ""), token?.Token ?? []))];
        }
        catch (Exception failure) when (failure is JsonException or FormatException or IOException or UnauthorizedAccessException)
        {
            problem = $"{Path}: {failure.Message}; starting without remembered tokens";
            return [];
        }
    }

    /// <summary>Replaces the file if anything changed since the last call.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Save(IReadOnlyList<PeerToken> tokens)
    {
        var document = new Document(1, [.. tokens.Select(token => new Entry(token.Peer.ToString(), token.Token.ToArray()))]);
        var text = JsonSerializer.Serialize(document, TokenJson.Default.Document) + "\n";
        if (text != _saved && (tokens.Count > 0 || File.Exists(Path)))
        {
            AtomicFile.Replace(Path, text, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            _saved = text;
        }
    }

    internal sealed record Document(int Version, Entry?[]? Tokens);

    /// <param name="Token">Base64 in the file.</param>
    internal sealed record Entry(string? Peer, byte[]? Token);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
    [JsonSerializable(typeof(Document))]
    internal sealed partial class TokenJson : JsonSerializerContext;
}
