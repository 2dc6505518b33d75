namespace VibePN.Doctor.Bench;

/// <summary>What is to be measured.</summary>
public sealed class BenchOptions
{
    /// <summary>Of each TCP flow: 0.1 to 30 s.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where the server listens inside.</summary>
    public int Port { get; init; } = BenchServer.DefaultPort;

    public bool Inside { get; init; } = true;

    public bool Outside { get; init; } = true;

    public int UdpKilobits { get; init; } = 50_000;

    public const int MaxUdpKilobits = BenchMessage.MaxRateKilobits;
}
