using System.Text;

namespace VibePN.Metrics;

/// <summary>The web page as the build has packed it (Page/): one document that needs nothing else.</summary>
public static class PageFile
{
    /// <summary>HTML in UTF-8, in gzip's format.</summary>
    public static byte[] ReadPacked() => Read("page.html.gz");

    /// <summary>The <c>Content-Security-Policy</c> that lets just the page's own script and style work, by their hashes.</summary>
    public static string ReadPolicy() => Encoding.ASCII.GetString(Read("page.csp"));

    private static byte[] Read(string name)
    {
        using var stream = typeof(PageFile).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the build has left out {name}");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
