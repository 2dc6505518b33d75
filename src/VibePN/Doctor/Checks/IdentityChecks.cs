using System.Globalization;
using VibePN.Config;
using VibePN.Doctor.Facts;
using VibePN.Identity;

namespace VibePN.Doctor.Checks;

/// <summary>Certificate and key.</summary>
internal static class IdentityChecks
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public static IEnumerable<Finding> Files(HostFacts facts, NodeConfig config)
    {
        IdentityFacts identity = facts.Identity!;
        bool any = false;
        foreach ((string? problem, string key) in new[] { (identity.CertProblem, "cert"), (identity.IsKeyHidden ? null : identity.KeyProblem, "key") })
        {
            if (problem is not null)
            {
                any = true;
                yield return Finding.Error(problem, cure: "vibepn init makes an identity; or name the right file", place: facts.Config.Places?.Of("identity", key));
            }
        }

        if (identity.IsKeyHidden)
        {
            yield return Finding.Skip($"the key {config.Identity.KeyPath} may not be read by this user; run as root");
        }
        else if (!any)
        {
            yield return identity is { LoadProblem: { } problem, PairProblem: null } && !IsShared(identity) && config.Identity.Fingerprint is null
                ? Finding.Error(problem)
                : Finding.Ok($"{config.Identity.CertPath} and {config.Identity.KeyPath} can be read");
        }
    }

    public static IEnumerable<Finding> Permissions(HostFacts facts, NodeConfig config)
    {
        string path = config.Identity.KeyPath;
        if (facts.Identity is not { KeyMode: { } mode, KeyOwner: { } owner } identity)
        {
            yield return Finding.Skip($"{path} cannot be seen");
            yield break;
        }

        bool any = false;
        if (IsShared(identity))
        {
            any = true;
            yield return Finding.Error(
                $"the key {path} is open to other users (mode {Convert.ToString((int)mode, 8).PadLeft(4, '0')})",
                "the daemon refuses a key that others may read",
                $"chmod 600 {path}");
        }

        if (owner != 0 && owner != facts.Process.ServiceUserId && owner != facts.Process.DaemonUserId && owner != facts.Process.UserId)
        {
            any = true;
            yield return Finding.Warning(
                $"the key {path} belongs to {Accounts.NameOfUser(owner)}",
                "who owns the key may become this node",
                $"chown {(facts.Process.ServiceUserId is null ? "root" : Accounts.ServiceName)} {path}");
        }

        // The daemon's user has to be able to read it.
        if (facts.Process.DaemonUserId is { } user and not 0 && owner != user)
        {
            any = true;
            yield return Finding.Error(
                $"the daemon runs as {Accounts.NameOfUser(user)} and cannot read the key {path} of {Accounts.NameOfUser(owner)} at its next start",
                cure: $"chown {Accounts.NameOfUser(user)} {path}");
        }

        if (!any)
        {
            yield return Finding.Ok($"the key is {Accounts.NameOfUser(owner)}'s alone");
        }
    }

    public static IEnumerable<Finding> Match(HostFacts facts, NodeConfig config) => [facts.Identity switch
    {
        { CertProblem: not null } or { KeyProblem: not null } => Finding.Skip("certificate or key cannot be read"),
        _ when facts.System.LibraryProblem is not null => Finding.Skip("the libraries are missing"),
        { PairProblem: { } problem } => Finding.Error(
            $"{config.Identity.CertPath} and {config.Identity.KeyPath} do not belong together",
            problem,
            "put back the file that belongs to the other; 'vibepn init --force' makes a new identity, which every peer has to be told",
            facts.Config.Places?.Of("identity", "key")),
        _ => Finding.Ok("the key belongs to the certificate"),
    }];

    public static IEnumerable<Finding> Fingerprint(HostFacts facts, NodeConfig config)
    {
        if (config.Identity.Fingerprint is not { } expected)
        {
            return [Finding.Ok("the config names none")];
        }

        if (facts.Identity is not { Id: { } id } identity)
        {
            return [Finding.Skip("the certificate cannot be read")];
        }

        // A member of the own lineage is good, too: then the identity loads.
        if (id == expected || identity is { LoadProblem: null, KeyProblem: null })
        {
            return [Finding.Ok("the fingerprint is the certificate's")];
        }

        return [Finding.Error(
            $"the config expects the fingerprint {expected}, but {config.Identity.CertPath} has {id}",
            cure: "correct or remove 'fingerprint', or name the right files",
            place: facts.Config.Places?.Of("identity", "fingerprint"))];
    }

    public static IEnumerable<Finding> Expiry(HostFacts facts, NodeConfig config)
    {
        if (facts.Identity is not { NotAfterUtc: { } end })
        {
            return [Finding.Skip("the certificate cannot be read")];
        }

        const string Cure = "make a successor in time: vibepn rotate-key";
        return [KeyLife.Words(end, facts.NowUtc) is not { } words ? Finding.Ok($"the certificate is valid until {end.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}")
            : end < facts.NowUtc ? Finding.Error($"{config.Identity.CertPath} {words}", "peers refuse an expired certificate", Cure)
            : Finding.Warning($"{config.Identity.CertPath} {words}", null, Cure)];
    }

    public static IEnumerable<Finding> Rotation(HostFacts facts, NodeConfig config) => [facts.Identity is { NextKey: { } next }
        ? Finding.Warning(
            $"{next} is there: a rotation of the key was interrupted",
            "it may be the key in use, of which there is no other copy",
            "leave it there; the next 'vibepn rotate-key' puts it in its place")
        : Finding.Ok("no rotation was interrupted")];

    private static bool IsShared(IdentityFacts identity) => identity.KeyMode is { } mode && (mode & Others) != 0;
}
