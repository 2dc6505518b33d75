using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using VibePN.Api;
using Xunit;

namespace VibePN.Tests.Api;

/// <summary>docs/api.md promises a shape: each table under a heading that ends with a DTO's name has exactly the keys of that DTO.</summary>
public sealed partial class ApiDocumentTests
{
    public static TheoryData<string> Dtos => [.. typeof(StatusDto).Assembly.GetTypes()
        .Where(type => type.Namespace == typeof(StatusDto).Namespace && type.Name.EndsWith("Dto", StringComparison.Ordinal))
        .Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Dtos))]
    public void Document_TableOfEachDto_HasItsKeysAndSaysWhichAreOptional(string name)
    {
        NullabilityInfoContext nullability = new();
        IEnumerable<string> expected = typeof(StatusDto).Assembly.GetType($"{typeof(StatusDto).Namespace}.{name}")!
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name)
                + (nullability.Create(property).ReadState == NullabilityState.Nullable ? " optional" : ""));

        Assert.Equal(expected.Order(StringComparer.Ordinal), DocumentedKeys(name).Order(StringComparer.Ordinal));
    }

    /// <summary>The first table of the section.</summary>
    private static IEnumerable<string> DocumentedKeys(string dto)
    {
        IEnumerable<string> section = File.ReadLines(Path.Combine(FindRoot(), "docs", "api.md"))
            .SkipWhile(line => !(line.StartsWith('#') && line.EndsWith($" {dto}", StringComparison.Ordinal)))
            .Skip(1)
            .SkipWhile(line => !line.StartsWith('|') && !line.StartsWith('#'))
            .TakeWhile(line => line.StartsWith('|'));
        return section.Select(line => Key().Match(line)).Where(match => match.Success)
            .Select(match => match.Groups[1].Value + (match.Groups[2].Value.Contains("optional", StringComparison.Ordinal) ? " optional" : ""));
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new FileNotFoundException("VibePN.slnx above the tests");
    }

    [GeneratedRegex(@"^\| `(\w+)` \|([^|]*)\|")]
    private static partial Regex Key();
}
