namespace VibePN.Identity;

/// <summary>What became of an introducer's word on one member.</summary>
public enum IntroductionVerdict
{
    /// <summary>It is taken, and says something new.</summary>
    Taken,

    /// <summary>It is taken, and was known.</summary>
    Known,

    /// <summary>It is about this node, or about the introducer itself.</summary>
    Pointless,

    /// <summary>None of its networks is one that the introducer may speak for.</summary>
    OtherNetwork,

    /// <summary>The introducer vouches for as many in one of the networks as it may, or all introducers together do.</summary>
    TooMany,
}
