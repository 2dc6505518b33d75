using System.Text;

namespace VibePN.Config;

/// <summary>Reads config files: every key is consumed or reported, and all errors are told at once.</summary>
public static class ConfigFile
{
    public const string DefaultPath = "/etc/vibepn/config.toml";

    /// <summary>Some 5,000 peers; a larger file is not a config.</summary>
    public const int MaxBytes = 1 << 20;

    /// <exception cref="ConfigException">The file is missing, unreadable or wrong.</exception>
    public static NodeConfig Load(string path) => Parse(ReadText(path), path);

    /// <summary>As <see cref="Load"/>, on text that is already there. <paramref name="path"/> names it in errors and anchors relative paths.</summary>
    /// <exception cref="ConfigException">The text is wrong.</exception>
    public static NodeConfig Parse(string text, string path)
    {
        ConfigErrors errors = new(path);
        TomlTable? root = TomlTree.Parse(text.StartsWith('\uFEFF') ? text[1..] : text, errors);
        NodeConfig? config = root is null ? null : new ConfigBinder(Path.GetFullPath(path), errors).Bind(root);
        errors.ThrowIfAny();
        return config!;
    }

    /// <param name="path">For errors as well.</param>
    /// <param name="keepMark">A byte order mark is the first character then; else it is left out.</param>
    /// <exception cref="ConfigException">Missing, unreadable, too large, or not UTF-8.</exception>
    internal static string ReadText(string path, bool keepMark = false)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[MaxBytes + 1];
            int count = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (count > MaxBytes)
            {
                throw Whole(path, $"is larger than {MaxBytes >> 10} KiB: this is no config file");
            }

            ReadOnlySpan<byte> content = bytes.AsSpan(0, count);
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(!keepMark && content.StartsWith("\uFEFF"u8) ? content[3..] : content);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Whole(path, "no such file; make one with 'vibepn init', or name yours with --config");
        }
        catch (UnauthorizedAccessException)
        {
            throw Directory.Exists(path)
                ? Whole(path, "is a directory, not a config file")
                : Whole(path, "may not be read; run as root, or give this user the right to read it", isHidden: true);
        }
        catch (IOException failure)
        {
            throw Whole(path, $"cannot be read: {failure.Message}");
        }
        catch (DecoderFallbackException failure)
        {
            throw Whole(path, $"is not UTF-8 (byte {failure.Index})");
        }
    }

    private static ConfigException Whole(string path, string message, bool isHidden = false) => new(new ConfigError(path, 0, 0, message)) { IsHidden = isHidden };
}
