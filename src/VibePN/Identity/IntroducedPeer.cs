using System.Net;

namespace VibePN.Identity;

/// <summary>A member of shared networks as one introducer vouches for it; immutable. The daemon keeps it under <c>state</c>.</summary>
/// <param name="Introducer">Whose word it is: the fingerprint of its entry.</param>
/// <param name="Id">Whom it is about.</param>
/// <param name="Name">What it is called here: as the introducer calls it, unless that is somebody else's name.</param>
/// <param name="SinceUtcSeconds">When it was introduced.</param>
/// <param name="ConfirmedUtcSeconds">When the introducer last said so, or was last connected and did not take it back; correct to a day.</param>
public sealed record IntroducedPeer(PeerId Introducer, PeerId Id, string Name, long SinceUtcSeconds, long ConfirmedUtcSeconds)
{
    /// <summary>Those that the introducer vouches for; which of them count says the introducer's entry.</summary>
    public IReadOnlyList<string> Networks { get; init; } = [];

    /// <summary>Where it may be reached, the best first; at most <see cref="Limits.AddressesPerPeer"/>.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints { get; init; } = [];

    /// <summary>The config file has it by itself: when it goes from there it stays out.</summary>
    public bool IsInFile { get; init; }
}

/// <summary>A peer that was removed here: no introduction brings it back, until somebody lets it in again.</summary>
/// <param name="Name">What it was called here.</param>
public sealed record KeptOutPeer(PeerId Id, string Name, long SinceUtcSeconds);

/// <summary>What is remembered of introductions, in either role; immutable.</summary>
/// <param name="Peers">Who was introduced.</param>
/// <param name="KeptOut">Oldest first.</param>
/// <param name="Askers">To whom this node introduces the others of them.</param>
public sealed record IntroductionMemory(IReadOnlyList<IntroducedPeer> Peers, IReadOnlyList<KeptOutPeer> KeptOut, IReadOnlyList<PeerId> Askers)
{
    public static IntroductionMemory Empty { get; } = new([], [], []);

    /// <summary>Somebody may have been kept out who is not in <see cref="KeptOut"/>: until that is cured no introduction is taken.</summary>
    public bool IsLost { get; init; }
}
