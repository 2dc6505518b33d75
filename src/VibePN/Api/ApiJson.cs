using System.Text.Json.Serialization;

namespace VibePN.Api;

/// <summary>How the DTOs are written: camelCase, absent values left out, states in words.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = true)]
[JsonSerializable(typeof(StatusDto))]
[JsonSerializable(typeof(PeersDto))]
[JsonSerializable(typeof(RoutesDto))]
[JsonSerializable(typeof(GoodbyeDto))]
[JsonSerializable(typeof(ErrorDto))]
public sealed partial class ApiJson : JsonSerializerContext;
