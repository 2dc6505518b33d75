using System.Text.Encodings.Web;
using System.Text.Json;

namespace VibePN.Api;

/// <summary>
/// How answers and output are laid out. A class of its own: static members of <see cref="ApiJson"/> would run before the generated
/// ones that they need.
/// </summary>
public static class ApiFormat
{
    /// <summary>Indented, and quotes and plus signs stay legible (nothing of it goes into HTML).</summary>
    public static ApiJson Readable { get; } = new(WithOptions(indented: true));

    /// <summary>As <see cref="Readable"/>, one line a document.</summary>
    public static ApiJson Compact { get; } = new(WithOptions(indented: false));

    private static JsonSerializerOptions WithOptions(bool indented) =>
        new(ApiJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = indented };
}
