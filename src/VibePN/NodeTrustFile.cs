using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using VibePN.Config;
using VibePN.Identity;

namespace VibePN;

/// <summary>
/// <see cref="TrustMemory"/> as <c>invites.json</c>, <c>trust.json</c> and <c>lineages.json</c> in the state directory: legible, for the daemon's eyes only, each
/// replaced whole. One that cannot be read is put aside. The invites are written first: after a crash between the two an invite is used and its
/// user not known, and that one may come again by it (<see cref="InviteBook.Judge"/>); the other way round a second one could.
/// </summary>
internal sealed partial class NodeTrustFile(string directory)
{
    private const int MaxFileBytes = 16 << 20;

    private string? _savedInvites;
    private string? _savedPeers;
    private string? _savedLineages;

    public string InvitesPath { get; } = Path.Combine(directory, "invites.json");

    public string PeersPath { get; } = Path.Combine(directory, "trust.json");

    public string LineagesPath { get; } = Path.Combine(directory, "lineages.json");

    /// <param name="problem">Why something is missing although there are files; null when all is well.</param>
    public TrustMemory Load(out string? problem)
    {
        List<string> problems = [];
        var invites = Load(InvitesPath, TrustJson.Default.InviteDocument, document => Read(document), "without open invites", problems);
        var peers = Load(PeersPath, TrustJson.Default.PeerDocument, document => Read(document), "without the peers that came by invite or first use", problems);
        var lineages = Load(LineagesPath, TrustJson.Default.LineageDocument, document => Read(document), "without the successions that peers have shown", problems);
        problem = problems.Count == 0 ? null : string.Join("; ", problems);
        return new TrustMemory(invites, peers) { Lineages = lineages };
    }

    /// <summary>Those in the state directory as it is, without touching anything there; empty where they cannot be read.</summary>
    public static IReadOnlyList<Lineage> ReadLineages(string directory)
    {
        try
        {
            return TryRead(new NodeTrustFile(directory).LineagesPath, TrustJson.Default.LineageDocument, document => Read(document));
        }
        catch (Exception failure) when (failure is JsonException or FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Replaces the files if anything changed since the last call.</summary>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public void Save(TrustMemory memory)
    {
        var invites = new InviteDocument(1, [.. memory.Invites.Select(InviteEntry.Of)]);
        Save(InvitesPath, JsonSerializer.Serialize(invites, TrustJson.Default.InviteDocument), memory.Invites.Count == 0, ref _savedInvites);
        var peers = new PeerDocument(1, [.. memory.Peers.Select(PeerEntry.Of)]);
        Save(PeersPath, JsonSerializer.Serialize(peers, TrustJson.Default.PeerDocument), memory.Peers.Count == 0, ref _savedPeers);
        var lineages = new LineageDocument(1, [.. memory.Lineages.Select(LineageEntry.Of)]);
        Save(LineagesPath, JsonSerializer.Serialize(lineages, TrustJson.Default.LineageDocument), memory.Lineages.Count == 0, ref _savedLineages);
    }

    private static void Save(string path, string text, bool isEmpty, ref string? saved)
    {
        if (text == saved || (isEmpty && saved is null && !File.Exists(path)))
        {
            return;
        }

        AtomicFile.Replace(path, text + "\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        saved = text;
    }

    private static IReadOnlyList<T> Load<TDocument, T>(
        string path, JsonTypeInfo<TDocument> type, Func<TDocument, IEnumerable<T>> read, string without, List<string> problems)
    {
        try
        {
            return TryRead(path, type, read);
        }
        catch (Exception failure) when (failure is JsonException or FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            problems.Add($"{path}: {failure.Message}; starting {without} (the file is put aside as {Path.GetFileName(path)}.unreadable)");
            TryPutAside(path);
            return [];
        }
    }

    private static IReadOnlyList<T> TryRead<TDocument, T>(string path, JsonTypeInfo<TDocument> type, Func<TDocument, IEnumerable<T>> read) =>
        !File.Exists(path) ? []
        : new FileInfo(path).Length > MaxFileBytes ? throw new JsonException($"more than {MaxFileBytes} bytes")
        : [.. read(JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw new JsonException("empty"))];

    private static void TryPutAside(string path)
    {
        try
        {
            File.Move(path, path + ".unreadable", overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It is replaced with the next change, if the directory can be written at all.
        }
    }

    private static IEnumerable<IssuedInvite> Read(InviteDocument document) =>
        (document.Invites ?? []).Select(entry => (entry ?? throw new FormatException("an empty entry")).ToInvite()).DistinctBy(invite => invite.Id).TakeLast(Limits.OpenInvites + Limits.ClosedInvites);

    private static IEnumerable<RememberedPeer> Read(PeerDocument document) =>
        (document.Peers ?? []).Select(entry => (entry ?? throw new FormatException("an empty entry")).ToPeer()).DistinctBy(peer => peer.Id).Take(Limits.RememberedPeers);

    private static IEnumerable<Lineage> Read(LineageDocument document) =>
        (document.Lineages ?? []).Select(entry => (entry ?? throw new FormatException("an empty entry")).ToLineage()).DistinctBy(lineage => lineage.First).TakeLast(Limits.RememberedPeers + Limits.FormerLineages);

    private static IReadOnlyList<IPNetwork> Prefixes(string[]? texts) =>
        [.. (texts ?? []).Select(text => IpText.ParsePrefix(text, out var prefix) is { } wrong ? throw new FormatException(wrong) : prefix)];

    private static string[]? Texts(IReadOnlyList<IPNetwork> prefixes) => prefixes.Count == 0 ? null : [.. prefixes.Select(prefix => prefix.ToString())];

    private static string Name(string? text) => text is not null && Names.IsValid(text) ? text : throw new FormatException($"'{text}' is no name");

    private static InviteId Id(string? text) => InviteId.TryParse(text, out var id) ? id : throw new FormatException($"'{text}' is no id of an invite");

    private static DateTimeOffset Time(long utcSeconds) => DateTimeOffset.FromUnixTimeSeconds(utcSeconds);

    internal sealed record InviteDocument(int Version, InviteEntry?[]? Invites);

    /// <param name="Key">Base64 in the file; whoever has it can join.</param>
    internal sealed record InviteEntry(
        string? Id,
        byte[]? Key,
        string? Network,
        string? For,
        string[]? Routes,
        DateTimeOffset CreatedUtc,
        DateTimeOffset ExpiresUtc,
        DateTimeOffset? RevokedUtc,
        string? UsedBy,
        string? UsedAs,
        DateTimeOffset? UsedUtc)
    {
        public static InviteEntry Of(IssuedInvite invite) => new(
            invite.Id.ToString(),
            invite.Key.IsEmpty ? null : invite.Key.ToArray(),
            invite.Network,
            invite.JoinerName,
            Texts(invite.Routes),
            Time(invite.CreatedUtcSeconds),
            Time(invite.ExpiresUtcSeconds),
            invite.RevokedUtcSeconds is { } revoked ? Time(revoked) : null,
            invite.UsedBy?.ToString(),
            invite.UsedName,
            invite.UsedUtcSeconds is { } used ? Time(used) : null);

        public IssuedInvite ToInvite() => new()
        {
            Id = NodeTrustFile.Id(Id),
            Key = Key ?? [],
            Network = Name(Network),
            JoinerName = For is null ? null : Name(For),
            Routes = Prefixes(Routes),
            CreatedUtcSeconds = CreatedUtc.ToUnixTimeSeconds(),
            ExpiresUtcSeconds = ExpiresUtc.ToUnixTimeSeconds(),
            RevokedUtcSeconds = RevokedUtc?.ToUnixTimeSeconds(),
            UsedBy = UsedBy is null ? null : PeerId.Parse(UsedBy),
            UsedName = UsedAs is null ? null : Name(UsedAs),
            UsedUtcSeconds = UsedUtc?.ToUnixTimeSeconds(),
        };
    }

    internal sealed record PeerDocument(int Version, PeerEntry?[]? Peers);

    /// <param name="By">"invite" or "first use".</param>
    internal sealed record PeerEntry(
        string? Name,
        string? Fingerprint,
        string? By,
        DateTimeOffset SinceUtc,
        string? Invite,
        string[]? Networks,
        string[]? AllowRoutes,
        string? Address)
    {
        private const string ByInvite = "invite";
        private const string ByFirstUse = "first use";

        public static PeerEntry Of(RememberedPeer peer) => new(
            peer.Name,
            peer.Id.ToString(),
            peer.Trust == PeerTrust.Invite ? ByInvite : ByFirstUse,
            Time(peer.SinceUtcSeconds),
            peer.Invite?.ToString(),
            peer.Networks.Count == 0 ? null : [.. peer.Networks],
            Texts(peer.AllowRoutes),
            peer.Address);

        public RememberedPeer ToPeer() => new(
            NodeTrustFile.Name(Name),
            PeerId.Parse(Fingerprint ?? ""),
            By switch { ByInvite => PeerTrust.Invite, ByFirstUse => PeerTrust.FirstUse, _ => throw new FormatException($"'{By}' is no way to be trusted") },
            SinceUtc.ToUnixTimeSeconds())
        {
            Invite = Invite is null ? null : Id(Invite),
            Networks = [.. (Networks ?? []).Select(NodeTrustFile.Name)],
            AllowRoutes = Prefixes(AllowRoutes),
            Address = Address,
        };
    }

    internal sealed record LineageDocument(int Version, LineageEntry?[]? Lineages);

    /// <param name="Fingerprints">First one first.</param>
    /// <param name="OverlapEndsUtc">Of each but the last.</param>
    internal sealed record LineageEntry(string[]? Fingerprints, DateTimeOffset[]? OverlapEndsUtc)
    {
        public static LineageEntry Of(Lineage lineage) =>
            new([.. lineage.Members.Select(member => member.ToString())], [.. lineage.OverlapEnds.Select(end => Time(end))]);

        public Lineage ToLineage() =>
            new([.. (Fingerprints ?? []).Select(PeerId.Parse)], [.. (OverlapEndsUtc ?? []).Select(end => end.ToUnixTimeSeconds())]);
    }

    [JsonSourceGenerationOptions(
        PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true)]
    [JsonSerializable(typeof(InviteDocument))]
    [JsonSerializable(typeof(PeerDocument))]
    [JsonSerializable(typeof(LineageDocument))]
    internal sealed partial class TrustJson : JsonSerializerContext;
}
