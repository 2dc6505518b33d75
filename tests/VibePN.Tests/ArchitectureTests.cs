using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Xunit;

namespace VibePN.Tests;

/// <summary>The layering of docs/architecture.md, kept by reading the compiled assemblies and the project files.</summary>
public sealed class ArchitectureTests
{
    /// <summary>
    /// Top to bottom: a type may use its own layer and those below. A folder is a layer; of the types in the root folder, those named here
    /// are, and all others are vocabulary that every layer may speak (values, limits, drop reasons).
    /// </summary>
    private static readonly (string Name, Func<Type, bool> Holds)[] Layers =
    [
        ("Doctor", type => InFolder(type, "Doctor")),
        ("Metrics", type => InFolder(type, "Metrics")),
        ("Api", type => InFolder(type, "Api")),
        ("NodeHost", type => type.Name == "NodeHost"),
        ("NodeLoop", type => type.Name == "NodeLoop"),
        ("Node", type => type.Namespace == "VibePN" && type.Name != "NodeCounters"
            && (type.Name.StartsWith("Node", StringComparison.Ordinal) || type.Name.EndsWith("Snapshot", StringComparison.Ordinal))),
        ("Peers", type => InFolder(type, "Peers")),
        ("Control", type => InFolder(type, "Control")),
        ("Routing", type => InFolder(type, "Routing")),
        ("Identity", type => InFolder(type, "Identity")),
        ("Config", type => InFolder(type, "Config")),
    ];

    private static readonly Assembly Core = typeof(PeerId).Assembly;

    [Fact]
    public void Layers_InsideVibePN_UseOnlyThoseBelow()
    {
        List<string> broken = [];
        int edges = 0;
        foreach (Type type in Core.GetTypes())
        {
            int layer = LayerOf(type);
            foreach (Type used in TypeUse.Of(type).Where(used => used.Assembly == Core))
            {
                int usedLayer = LayerOf(used);
                edges += layer >= 0 && usedLayer >= 0 && usedLayer != layer ? 1 : 0;
                if (layer >= 0 && usedLayer >= 0 && usedLayer < layer)
                {
                    broken.Add($"{type.FullName} ({Layers[layer].Name}) uses {used.FullName} ({Layers[usedLayer].Name})");
                }
            }
        }

        Assert.True(edges > 10, "the test sees no use of one layer by another: it has gone blind");
        Assert.True(
            broken.Count == 0,
            $"""
            A layer reaches up. The order is {string.Join(" → ", Layers.Select(layer => layer.Name))}: what decides (identity, routing, control) stays
            testable without what runs it (node, loop, host), and can be read without it. Move the type down, or hand the value in.
            {string.Join('\n', broken.Distinct())}
            """);
    }

    [Fact]
    public void Vocabulary_OfTheRootFolder_UsesNoLayerAbove()
    {
        string[] broken =
        [
            .. Core.GetTypes().Where(type => type.Namespace == "VibePN" && LayerOf(type) < 0)
                .SelectMany(type => TypeUse.Of(type).Where(used => used.Assembly == Core && LayerOf(used) >= 0 && Outermost(used) != Outermost(type)).Select(used => $"{type.FullName} uses {used.FullName}"))
                .Distinct(),
        ];

        Assert.True(broken.Length == 0, "Types of the root folder are values that every layer speaks of; using a layer would tie a knot.\n" + string.Join('\n', broken));
    }

    [Fact]
    public void Projects_Reference_OnlyWhatTheArchitectureNames()
    {
        Dictionary<string, string[]> allowed = new()
        {
            ["VibePN.Quic"] = [],
            ["VibePN.Linux"] = [],
            ["VibePN"] = ["VibePN.Linux", "VibePN.Quic"],
            ["VibePN.Cli"] = ["VibePN"],
        };
        foreach ((string project, string[] references) in allowed)
        {
            string[] found = [.. ReadProject(project).Descendants("ProjectReference").Select(item => Path.GetFileNameWithoutExtension(item.Attribute("Include")!.Value)).Order()];
            Assert.True(
                references.SequenceEqual(found),
                $"{project} may reference [{string.Join(", ", references)}] but references [{string.Join(", ", found)}]: the two leaves never see each other, and the command line sees the node only.");
        }

        Assert.Equal(allowed.Keys.Order(), Directory.GetDirectories(Path.Combine(Root, "src")).Select(path => Path.GetFileName(path)!).Order());
    }

    [Fact]
    public void Unsafe_IsAllowed_InTheTwoLeavesOnly()
    {
        string[] projects = ["VibePN", "VibePN.Cli", "VibePN.Linux", "VibePN.Quic"];
        string[] unsafeOnes = [.. projects.Where(project => ReadProject(project).Descendants("AllowUnsafeBlocks").Any(item => item.Value == "true"))];

        Assert.True(
            unsafeOnes.SequenceEqual(["VibePN.Linux", "VibePN.Quic"]),
            $"AllowUnsafeBlocks is set in {string.Join(", ", unsafeOnes)}. It belongs to the two leaves: the compiler then proves that there is no pointer above them.");
        string shared = File.ReadAllText(Path.Combine(Root, "Directory.Build.props"));
        Assert.Contains("<AllowUnsafeBlocks>false</AllowUnsafeBlocks>", shared, StringComparison.Ordinal);
    }

    [Fact]
    public void Leaves_PublicMembers_HaveNoPointers()
    {
        string[] found =
        [
            .. new[] { typeof(Quic.Instant).Assembly, typeof(Linux.LinuxException).Assembly }
                .SelectMany(assembly => assembly.GetExportedTypes())
                .SelectMany(type => type.GetMembers(TypeUse.All))
                .Where(member => member is MethodBase { IsPublic: true } or FieldInfo { IsPublic: true })
                .Where(member => Signature(member).Any(type => type.IsPointer || type.IsFunctionPointer))
                .Select(member => $"{member.DeclaringType}.{member.Name}"),
        ];

        Assert.True(found.Length == 0, "Public members of the leaves take and return spans, never pointers: lifetimes end at the fence.\n" + string.Join('\n', found));
    }

    private static string Root { get; } = FindRoot();

    private static bool InFolder(Type type, string folder) => type.Namespace == $"VibePN.{folder}" || type.Namespace?.StartsWith($"VibePN.{folder}.", StringComparison.Ordinal) == true;

    private static int LayerOf(Type type) => Array.FindIndex(Layers, layer => layer.Holds(Outermost(type)));

    private static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer)
        {
            type = outer;
        }

        return type;
    }

    private static IEnumerable<Type> Signature(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
        MethodBase constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType),
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    private static XDocument ReadProject(string name) => XDocument.Load(Path.Combine(Root, "src", name, name + ".csproj"));

    private static string FindRoot([CallerFilePath] string thisFile = "")
    {
        DirectoryInfo? directory = new(Path.GetDirectoryName(thisFile)!);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "VibePN.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("no VibePN.slnx above this test");
    }
}
