namespace VibePN.Identity;

/// <summary>Why a text is no invite that can be used.</summary>
public enum InviteFault
{
    None,

    /// <summary>It does not begin as an invite does.</summary>
    NotAnInvite,

    /// <summary>Of another version of this program.</summary>
    UnknownVersion,

    /// <summary>Its end is missing.</summary>
    Truncated,

    /// <summary>A character is wrong, missing or too many.</summary>
    Damaged,

    /// <summary>It is as it was written, and yet says what no invite may say.</summary>
    Malformed,
}

/// <summary>Faults in the words of people, with the cure.</summary>
public static class InviteFaults
{
    public static string Describe(this InviteFault fault) => fault switch
    {
        InviteFault.None => "it is whole",
        InviteFault.NotAnInvite => $"this is no invite: one is a line that begins with {InviteCodec.Prefix}",
        InviteFault.UnknownVersion => $"the invite is of another version of VibePN (it does not begin with {InviteCodec.Prefix}); use the same version on both hosts",
        InviteFault.Truncated => "the invite is cut off: its end is missing; copy the whole line",
        InviteFault.Damaged => "the invite is damaged: a character was changed or lost on the way; copy it again",
        _ => "the invite is whole, but says what no invite may say; it was not made by 'vibepn invite'",
    };
}
