using VibePN.Config;

namespace VibePN.Identity;

/// <summary>
/// Puts a successor in the place of certificate and key, each in one step: the new key is written beside the old one
/// (<see cref="NodeIdentity.NextSuffix"/>), then the certificate is replaced, then the key. Whenever this ends, the loader finds a certificate
/// and the key that belongs to it. What was there before stays as FILE.bak.
/// </summary>
public static class IdentityExchange
{
    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode CertMode = KeyMode | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <param name="before">As loaded from these files.</param>
    /// <param name="chain">The new certificate with all its successions, PEM.</param>
    /// <param name="key">The new key, PEM.</param>
    /// <param name="step">Called before each replacement of a file, for tests.</param>
    /// <exception cref="IdentityException">The chain does not follow the identity, or the key does not fit it: nothing was written.</exception>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public static void Write(IdentityConfig files, NodeIdentity before, string chain, string key, Action? step = null)
    {
        byte[] chainBytes = System.Text.Encoding.UTF8.GetBytes(chain);
        if (NodeIdentity.LineageOf(chainBytes) is not { } after || !after.Extends(before.Lineage) || !NodeIdentity.Fits(chainBytes, System.Text.Encoding.UTF8.GetBytes(key)))
        {
            throw new IdentityException("the new certificate would not be good: nothing was written");
        }

        string keyPath = Path.GetFullPath(files.KeyPath);
        string next = keyPath + NodeIdentity.NextSuffix;
        foreach (string target in new[] { AtomicFile.TargetOf(files.CertPath), AtomicFile.TargetOf(keyPath), next })
        {
            AtomicFile.RemoveLeftovers(target);
        }

        // An earlier rotation may have been interrupted: then the key in the file is not the one that is signed with.
        string oldKey = System.Text.Encoding.Latin1.GetString(before.KeyPem.Span);
        if (File.Exists(next) && File.ReadAllText(next) == oldKey)
        {
            step?.Invoke();
            AtomicFile.Write(keyPath, oldKey, KeyMode, step);
        }

        step?.Invoke();
        AtomicFile.ReplaceLike(next, keyPath, key);
        step?.Invoke();
        AtomicFile.Write(files.CertPath, chain, CertMode, step);
        step?.Invoke();
        AtomicFile.Write(keyPath, key, KeyMode, step);
        step?.Invoke();
        File.Delete(next);
    }
}
