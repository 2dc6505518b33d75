namespace VibePN.Cli.Daemon;

/// <summary>What everybody who looks at the page is told in one second.</summary>
/// <param name="Node">An event; not to be changed.</param>
/// <param name="Routes">Likewise; the same array as long as it says the same.</param>
/// <param name="Left">Until there is another.</param>
internal readonly record struct PageFrame(byte[] Node, byte[] Routes, TimeSpan Left);
