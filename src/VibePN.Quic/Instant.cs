namespace VibePN.Quic;

/// <summary>
/// A moment, handed in by whoever owns the clock; nothing below the loop asks for the time itself.
/// </summary>
/// <param name="Nanos">Nanoseconds of CLOCK_BOOTTIME, which runs on in suspend.</param>
/// <param name="UtcSeconds">Seconds since 1970-01-01 UTC: for certificate validity only, it may jump.</param>
public readonly record struct Instant(ulong Nanos, long UtcSeconds);
