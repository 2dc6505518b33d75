using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VibePN.Linux.Native;

/// <summary><c>struct epoll_event</c> (sys/epoll.h): packed on x86-64 (12 bytes), aligned everywhere else (16 bytes).</summary>
internal static unsafe class EpollEvent
{
    public static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    public static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    public static void Write(byte* at, uint events, ulong data)
    {
        Unsafe.WriteUnaligned(at, events);
        Unsafe.WriteUnaligned(at + DataOffset, data);
    }

    public static uint Events(byte* at) => Unsafe.ReadUnaligned<uint>(at);

    public static ulong Data(byte* at) => Unsafe.ReadUnaligned<ulong>(at + DataOffset);
}
