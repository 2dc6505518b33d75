namespace VibePN.E2E.Harness;

/// <summary>What a host sees as /etc/hosts (<c>ip netns exec</c> mounts it). To be made before its programs start.</summary>
internal sealed class HostsFile : IDisposable
{
    private const string Root = "/etc/netns";

    private readonly string _folder;

    public HostsFile(TestHost host, string text)
    {
        _folder = Directory.CreateDirectory(Path.Combine(Root, host.Namespace)).FullName;
        File.WriteAllText(Path.Combine(_folder, "hosts"), text);
    }

    /// <summary>Removes those of test runs whose process is gone.</summary>
    public static void RemoveLeftovers()
    {
        if (Directory.Exists(Root))
        {
            foreach (string folder in Directory.GetDirectories(Root).Where(path => Leftovers.IsOrphan(Path.GetFileName(path))))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <summary>In place: programs that run see it too.</summary>
    public void Append(string text) => File.AppendAllText(Path.Combine(_folder, "hosts"), text);

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        if (Directory.GetFileSystemEntries(Root).Length == 0)
        {
            Directory.Delete(Root);
        }
    }
}
