namespace VibePN.Api;

/// <summary>What <c>vibepn explain</c> says of an address: what becomes of packets from this host to it, step by step.</summary>
public sealed record ExplainDto
{
    public required string Address { get; init; }

    /// <summary>The worst of the steps: with <c>error</c>, packets do not get there.</summary>
    public FindingSeverity Severity { get; init; }

    /// <summary>In one sentence.</summary>
    public required string Answer { get; init; }

    public string? Network { get; init; }

    /// <summary>The peer's name.</summary>
    public string? Peer { get; init; }

    /// <summary>Of the network.</summary>
    public string? Interface { get; init; }

    /// <summary>The prefix that won.</summary>
    public string? Route { get; init; }

    /// <summary>The address that the kernel takes for programs that have bound none.</summary>
    public string? Source { get; init; }

    /// <summary>The largest IP packet that the peer's path carries whole.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>In the order of a packet's way; <see cref="FindingDto.Check"/> is the step.</summary>
    public IReadOnlyList<FindingDto> Steps { get; init; } = [];
}
