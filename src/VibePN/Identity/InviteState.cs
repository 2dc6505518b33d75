namespace VibePN.Identity;

/// <summary>What has become of an invite.</summary>
public enum InviteState
{
    Open,
    Used,
    Expired,
    Revoked,
}
