using Tomlyn.Syntax;

namespace VibePN.Config;

/// <summary>Where something stands in a config file; both from 1.</summary>
internal readonly record struct Position(int Line, int Column)
{
    public static Position Of(SyntaxNodeBase node) => new(node.Span.Start.Line + 1, node.Span.Start.Column + 1);
}
