using System.Globalization;
using System.Net;
using System.Text;

namespace VibePN.Bench.Report;

/// <summary>Groups of horizontal bars as SVG, without a script or a font of its own.</summary>
internal sealed record BarChart(string Title, IReadOnlyList<BarSeries> Series, IReadOnlyList<BarGroup> Groups)
{
    private const int Width = 860;
    private const int LabelWidth = 260;
    private const int ValueWidth = 70;
    private const int BarHeight = 14;
    private const int GroupGap = 12;
    private const int Top = 62;
    private const int LegendWidth = 130;

    private static readonly string[] _colours = ["#9aa0a6", "#1a73e8", "#8ab4f8", "#e8710a", "#188038", "#a142f4"];

    public string ToSvg()
    {
        var height = Top + Groups.Sum(HeightOf) + GroupGap;
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="#ffffff"/>
            <text x="12" y="24" font-size="16">{Escape(Title)}</text>

            """);
        for (var i = 0; i < Series.Count; i++)
        {
            var x = 12 + (i * LegendWidth);
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"36\" width=\"10\" height=\"10\" fill=\"{Colour(i)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 15}\" y=\"45\">{Escape(Series[i].Name)}</text>\n");
        }

        var y = Top;
        foreach (var group in Groups)
        {
            Draw(svg, group, y);
            y += HeightOf(group);
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Each group has a scale of its own, since units differ; the longest bar fills the width.</summary>
    private void Draw(StringBuilder svg, BarGroup group, int top)
    {
        var largest = group.Values.Where(double.IsFinite).Append(0).Max();
        var scale = largest > 0 ? (Width - LabelWidth - ValueWidth) / largest : 0;
        var middle = top + ((group.Values.Count * BarHeight) / 2) + 4;
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth - 8}\" y=\"{middle}\" text-anchor=\"end\">{Escape(group.Label)}</text>\n");
        for (var i = 0; i < group.Values.Count; i++)
        {
            var value = group.Values[i];
            var y = top + (i * BarHeight);
            var length = double.IsFinite(value) ? Math.Max(value * scale, 0) : 0;
            svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{LabelWidth}\" y=\"{y}\" width=\"{length:F1}\" height=\"{BarHeight - 2}\" fill=\"{Colour(i)}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{LabelWidth + length + 4:F1}\" y=\"{y + 10}\" font-size=\"10\">{Tables.Text(value)}</text>\n");
        }
    }

    private static int HeightOf(BarGroup group) => (group.Values.Count * BarHeight) + GroupGap;

    private string Colour(int series) => _colours[Series[series].Colour % _colours.Length];

    private static string Escape(string text) => WebUtility.HtmlEncode(text);
}

/// <param name="Colour">The same one in every plot; any number from 0.</param>
internal sealed record BarSeries(string Name, int Colour);

/// <param name="Values">One per series; NaN: not measured.</param>
internal sealed record BarGroup(string Label, IReadOnlyList<double> Values);
