using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>How the DTOs are written: camelCase, absent values left out, states in words.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    WriteIndented = true)]
[JsonSerializable(typeof(StatusDto))]
[JsonSerializable(typeof(PeersDto))]
[JsonSerializable(typeof(PeerHistoryDto))]
[JsonSerializable(typeof(RoutesDto))]
[JsonSerializable(typeof(GoodbyeDto))]
[JsonSerializable(typeof(ReloadRequestDto))]
[JsonSerializable(typeof(ReloadDto))]
[JsonSerializable(typeof(EditDto))]
[JsonSerializable(typeof(RotateKeyDto))]
[JsonSerializable(typeof(ConfirmDto))]
[JsonSerializable(typeof(DoctorDto))]
[JsonSerializable(typeof(InviteRequestDto))]
[JsonSerializable(typeof(NewInviteDto))]
[JsonSerializable(typeof(InvitesDto))]
[JsonSerializable(typeof(InviteDto))]
[JsonSerializable(typeof(RevokeInviteRequestDto))]
[JsonSerializable(typeof(RemovePeerDto))]
[JsonSerializable(typeof(LetInDto))]
[JsonSerializable(typeof(ExplainDto))]
[JsonSerializable(typeof(NetcheckDto))]
[JsonSerializable(typeof(PingDto))]
[JsonSerializable(typeof(LogLevelDto))]
[JsonSerializable(typeof(LogLevelRequestDto))]
[JsonSerializable(typeof(ErrorDto))]
public sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>For answers and output: indented, and quotes and plus signs stay legible (nothing of it goes into HTML).</summary>
    public static ApiJson Readable => Variants.Readable;

    /// <summary>As <see cref="Readable"/>, one line a document.</summary>
    public static ApiJson Compact => Variants.Compact;

    /// <summary>A type of its own: the generated half's static fields, which these need, have an order nobody promises.</summary>
    private static class Variants
    {
        public static readonly ApiJson Readable = new(WithOptions(indented: true));
        public static readonly ApiJson Compact = new(WithOptions(indented: false));

        private static JsonSerializerOptions WithOptions(bool indented) =>
            new(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = indented };
    }
}
