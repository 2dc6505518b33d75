using System.Buffers.Text;
using VibePN.Linux.Native;

namespace VibePN.Linux;

/// <summary>
/// The pages of the executable and its libraries. Starting touches most of them, running few; what is given back comes again from the file (out of
/// the page cache as a rule), page by page, where it is needed: madvise(2), MADV_DONTNEED of a private mapping that nobody has written to.
/// </summary>
public static unsafe class FilePages
{
    private const int BufferBytes = 4096;

    /// <summary>Gives back those in memory; for a quiet moment, of about a millisecond. Allocates no more than what opening a file takes.</summary>
    /// <returns>Bytes given back; 0 where the kernel does not tell (proc(5), CONFIG_PROC_PAGE_MONITOR).</returns>
    public static long Release()
    {
        try
        {
            using var smaps = File.OpenHandle("/proc/self/smaps");
            return Release(smaps);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private static long Release(Microsoft.Win32.SafeHandles.SafeFileHandle smaps)
    {
        Span<byte> buffer = stackalloc byte[BufferBytes];
        CleanMapping mapping = default;
        long released = 0;
        long offset = 0;
        var held = 0;
        for (int read; held < buffer.Length && (read = RandomAccess.Read(smaps, buffer[held..], offset)) > 0;)
        {
            offset += read;
            held += read;
            for (int end; (end = buffer[..held].IndexOf((byte)'\n')) >= 0;)
            {
                if (mapping.IsEndedBy(buffer[..end]) && Libc.madvise((void*)mapping.Start, mapping.Bytes, Libc.MADV_DONTNEED) == 0)
                {
                    released += mapping.ResidentBytes;
                }

                buffer[(end + 1)..held].CopyTo(buffer);
                held -= end + 1;
            }
        }

        return released;
    }

    /// <summary>Lines of /proc/PID/smaps in, mappings out.</summary>
    internal struct CleanMapping
    {
        private bool _isFile;

        public nuint Start { get; private set; }

        public nuint Bytes { get; private set; }

        public long ResidentBytes { get; private set; }

        /// <summary>Whether this line is the one that proves the mapping clean: of a file, private, not writable, without a page of its own.</summary>
        public bool IsEndedBy(ReadOnlySpan<byte> line)
        {
            if (line.IsEmpty)
            {
                return false;
            }

            // Fields begin with a capital letter, a new mapping with its address in lower case.
            if (line[0] is not (>= (byte)'A' and <= (byte)'Z'))
            {
                Begin(line);
                return false;
            }

            if (line.StartsWith("Rss:"u8))
            {
                ResidentBytes = KiBytes(line["Rss:"u8.Length..]) * 1024;
            }

            return _isFile && ResidentBytes > 0 && line.StartsWith("Anonymous:"u8) && KiBytes(line["Anonymous:"u8.Length..]) == 0;
        }

        private void Begin(ReadOnlySpan<byte> line)
        {
            this = default;
            var rest = line;
            if (!TakeAddress(ref rest, (byte)'-', out var start) || !TakeAddress(ref rest, (byte)' ', out var end) || end <= start)
            {
                return;
            }

            Start = start;
            Bytes = end - start;
            var path = rest.IndexOf((byte)'/');
            _isFile = path > 0 && !rest[path..].StartsWith("/dev/"u8) && (rest.StartsWith("r-xp "u8) || rest.StartsWith("r--p "u8));
        }

        private static bool TakeAddress(ref ReadOnlySpan<byte> line, byte end, out nuint address)
        {
            address = 0;
            if (!Utf8Parser.TryParse(line, out ulong value, out var length, 'x') || length >= line.Length || line[length] != end)
            {
                return false;
            }

            address = (nuint)value;
            line = line[(length + 1)..];
            return true;
        }

        /// <summary>-1 where it is no number.</summary>
        private static long KiBytes(ReadOnlySpan<byte> field) => Utf8Parser.TryParse(field.TrimStart((byte)' '), out long value, out _) ? value : -1;
    }
}
