using System.Globalization;
using VibePN.Linux.Files;

namespace VibePN.Config;

/// <summary>Users and groups of this host as its files list them, and who owns a file.</summary>
public static class Accounts
{
    /// <summary>User and group of that name run the daemon, where they exist.</summary>
    public const string ServiceName = "vibepn";

    /// <summary>The numeric id, or null when there is no such group.</summary>
    public static uint? FindGroup(string name) => FindId("/etc/group", name);

    public static uint? FindUser(string name) => FindId("/etc/passwd", name);

    /// <summary>
    /// The user that the daemon's files are given to; null: they stay ours. Root without CAP_CHOWN, as in a container that has CAP_NET_ADMIN alone, is who
    /// runs the daemon there.
    /// </summary>
    public static uint? FindHeir() => Environment.IsPrivilegedProcess && MayGiveFiles() ? FindUser(ServiceName) : null;

    /// <summary>The name behind a user id; the number itself when nobody has it.</summary>
    public static string NameOfUser(uint id)
    {
        foreach (string[] fields in Lines("/etc/passwd"))
        {
            if (fields[2] == id.ToString(CultureInfo.InvariantCulture))
            {
                return fields[0];
            }
        }

        return id.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Null leaves the user or the group as it is.</summary>
    /// <exception cref="IOException">Not allowed, or no such file.</exception>
    public static void SetOwner(string path, uint? user, uint? group)
    {
        FileOwner present = PosixFile.GetOwner(path);
        if ((user ?? present.UserId) == present.UserId && (group ?? present.GroupId) == present.GroupId)
        {
            // Also where changing owners is forbidden altogether, as by the systemd unit.
            return;
        }

        PosixFile.SetOwner(path, new FileOwner(user ?? PosixFile.Unchanged, group ?? PosixFile.Unchanged));
    }

    /// <inheritdoc cref="PosixFile.SetCreationMask"/>
    public static void SetCreationMask(UnixFileMode withheld) => PosixFile.SetCreationMask(withheld);

    /// <summary>Bit 0 of the effective capabilities (capabilities(7), CAP_CHOWN).</summary>
    private static bool MayGiveFiles() =>
        ulong.TryParse(OwnProcess.StatusField("CapEff"), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits) && (bits & 1) != 0;

    private static uint? FindId(string file, string name)
    {
        foreach (string[] fields in Lines(file))
        {
            if (fields[0] == name && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
            {
                return id;
            }
        }

        return null;
    }

    private static IEnumerable<string[]> Lines(string file) =>
        File.Exists(file) ? File.ReadLines(file).Select(line => line.Split(':')).Where(fields => fields.Length > 2) : [];
}
