namespace VibePN.Api;

/// <summary>What <c>vibepn bench PEER</c> measured, inside and outside of the tunnel. Absent: not measured, or not known.</summary>
public sealed class BenchDto
{
    public required string Peer { get; init; }

    /// <summary>Its address inside.</summary>
    public required string Address { get; init; }

    /// <summary>Its address outside of the tunnel.</summary>
    public string? Outside { get; init; }

    /// <summary>What could not be reached inside.</summary>
    public string? InsideProblem { get; init; }

    /// <summary>Why there are no figures from outside, or not all.</summary>
    public string? OutsideProblem { get; init; }

    /// <summary>Of each TCP flow, as asked.</summary>
    public double Seconds { get; init; }

    /// <summary>False: it was ended before.</summary>
    public bool Complete { get; init; }

    /// <summary>Round trip inside without load, median.</summary>
    public double? IdleMillis { get; init; }

    /// <summary>Likewise outside.</summary>
    public double? OutsideIdleMillis { get; init; }

    public IReadOnlyList<BenchFlowDto> Flows { get; init; } = [];

    /// <summary>This node.</summary>
    public BenchEndDto? Here { get; init; }

    /// <summary>The peer.</summary>
    public BenchEndDto? There { get; init; }

    /// <summary>What limits it, in one sentence.</summary>
    public string Answer { get; set; } = "";

    public IReadOnlyList<FindingDto> Steps { get; init; } = [];
}
