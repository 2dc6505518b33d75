using System.Globalization;
using System.Net;

namespace VibePN.Doctor.Facts;

/// <summary>Reads files of proc(5); lines that make no sense are passed over.</summary>
internal static class ProcFiles
{
    private const int MaxProcesses = 4096;

    /// <summary>Effective user and capabilities of a process, or null: it is gone.</summary>
    public static (uint UserId, ulong Capabilities)? ReadStatus(string pid)
    {
        try
        {
            return ParseStatus(File.ReadAllText($"/proc/{pid}/status"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static (uint UserId, ulong Capabilities)? ParseStatus(string text)
    {
        uint? user = null;
        ulong? capabilities = null;
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split('\t', ' ');
            if (words is ["Uid:", _, var effective, ..] && uint.TryParse(effective, NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
            {
                user = id;
            }
            else if (words is ["CapEff:", var hex, ..] && ulong.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits))
            {
                capabilities = bits;
            }
        }

        return user is { } u && capabilities is { } c ? (u, c) : null;
    }

    /// <summary>Bound sockets of /proc/net/udp and udp6, with their inodes.</summary>
    public static IEnumerable<(UdpHolder Socket, ulong Inode)> ParseUdp(string text)
    {
        foreach (string line in text.Split('\n').Skip(1))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 9 && words[1].Split(':') is [var address, var port]
                && ParseAddress(address) is { } ip
                && ushort.TryParse(port, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort number)
                && uint.TryParse(words[7], NumberStyles.None, CultureInfo.InvariantCulture, out uint user)
                && ulong.TryParse(words[9], NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode))
            {
                yield return (new UdpHolder(new IPEndPoint(ip, number), user), inode);
            }
        }
    }

    /// <summary>Those that hold the sockets, as far as this user may see.</summary>
    public static Dictionary<ulong, (int Pid, string Name)> FindHolders(IReadOnlySet<ulong> inodes)
    {
        Dictionary<ulong, (int, string)> found = [];
        if (inodes.Count == 0)
        {
            return found;
        }

        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(folder[6])).Take(MaxProcesses))
        {
            try
            {
                foreach (FileInfo descriptor in new DirectoryInfo(folder + "/fd").EnumerateFiles())
                {
                    if (descriptor.LinkTarget is ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var number, ']']
                        && ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong inode) && inodes.Contains(inode))
                    {
                        found[inode] = (int.Parse(folder.AsSpan(6), CultureInfo.InvariantCulture), File.ReadAllText(folder + "/comm").Trim());
                    }
                }
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // Gone, or another user's.
            }

            if (found.Count == inodes.Count)
            {
                break;
            }
        }

        return found;
    }

    /// <summary>Words of 32 bits in the order of this machine (little-endian), as hexadecimal digits.</summary>
    private static IPAddress? ParseAddress(string text)
    {
        if (text.Length is not (8 or 32) || !text.All(char.IsAsciiHexDigit))
        {
            return null;
        }

        byte[] bytes = Convert.FromHexString(text);
        if (BitConverter.IsLittleEndian)
        {
            for (int word = 0; word < bytes.Length; word += 4)
            {
                bytes.AsSpan(word, 4).Reverse();
            }
        }

        return new IPAddress(bytes);
    }
}
