namespace VibePN.Peers;

/// <summary>What became of a packet with a sequence number.</summary>
internal enum ReorderResult
{
    /// <summary>It is the next one, or none that anybody waits for: to the host with it, and then with what is ready.</summary>
    Pass,

    /// <summary>A copy waits for those before it.</summary>
    Held,

    /// <summary>It was here before.</summary>
    Duplicate,

    /// <summary>No room: first to the host with what is ready, then ask again.</summary>
    Full,
}
