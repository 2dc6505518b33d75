using System.Net;

namespace VibePN.Doctor.Bench;

/// <summary>Where a server listens.</summary>
/// <param name="address">Own, inside.</param>
/// <param name="device">Only what comes in by this interface is taken; null: by any.</param>
public sealed class BenchAddress(IPAddress address, string? device)
{
    public IPAddress Address { get; } = address;

    public string? Device { get; } = device;
}
