namespace VibePN;

/// <summary>Every bound on what a peer, a file or a user can make the node hold, each checked before anything is allocated.</summary>
internal static class Limits
{
    /// <summary>Bytes of one control message's body.</summary>
    public const int ControlMessageBytes = 16 * 1024;

    /// <summary>Networks in one peer's list.</summary>
    public const int NetworksPerPeer = 64;

    /// <summary>Prefixes of one network.</summary>
    public const int PrefixesPerNetwork = 16;

    /// <summary>Addresses that a peer may name in one network of its list; more end the connection.</summary>
    public const int AddressesPerList = 16;

    /// <summary>Host addresses that a peer may own in one network when its entry lists none.</summary>
    public const int AddressesPerPeerAndNetwork = 4;

    /// <summary>Prefixes that one peer may announce in one network.</summary>
    public const int RoutesPerPeerAndNetwork = 1024;

    /// <summary>Prefixes of all networks in the config: with them the list of networks fits one control message.</summary>
    public const int PrefixesPerNode = 256;

    /// <summary>Routes that the config announces in all networks: they fit what a control stream holds back for a slow peer.</summary>
    public const int RoutesPerNode = 4096;

    /// <summary>Refused routes of one peer in one network that stay in sight after its connection has ended.</summary>
    public const int FormerRoutesPerPeerAndNetwork = 16;

    /// <summary>Networks, past and present, in one life of the process: each index is used once. A reload that needs more asks for a restart.</summary>
    public const int NetworksPerProcess = 1024;

    /// <summary>Bytes of a token that proves our address to a peer; what is longer is not kept.</summary>
    public const int DialTokenBytes = 256;

    /// <summary>Bytes of a node's name in UTF-8.</summary>
    public const int NodeNameBytes = 64;

    /// <summary>Bytes of a reason's text in UTF-8.</summary>
    public const int ReasonBytes = 256;

    /// <summary>Features in a Hello.</summary>
    public const int Features = 64;

    /// <summary>Bytes of whole frames that wait in front of one peer's congestion window.</summary>
    public const int PeerQueueBytes = 1 << 20;

    /// <summary>Bytes of one direction of loss repair with one peer: copies of what is not acknowledged, or packets that wait for others.</summary>
    public const int RepairBytes = 8 << 20;

    /// <summary>Bytes of all peers' loss repair.</summary>
    public const int RepairBytesOfNode = 128 << 20;

    /// <summary>Bytes of the largest packet that is put together from fragments: a jumbo frame and its headers.</summary>
    public const int ReassembledBytes = 9216;

    /// <summary>Incomplete packets kept of one connection.</summary>
    public const int ReassemblyPackets = 64;

    /// <summary>Network tags that a peer may use up in one connection.</summary>
    public const int TagsPerConnection = 4096;

    /// <summary>Connections that one peer may hold at once: the active one, its duplicates, and attempts to replace them.</summary>
    public const int ConnectionsPerPeer = 10;

    /// <summary>Lines of log that one peer's messages may cause in a minute; what it claims beyond is seen in `routes` alone.</summary>
    public const int LogLinesPerPeerAndMinute = 20;

    /// <summary>Those of level debug have a bound of their own: they must not take the others' place.</summary>
    public const int DebugLinesPerPeerAndMinute = 600;

    /// <summary>Bytes of an invite's fields.</summary>
    public const int InviteBytes = 4096;

    /// <summary>Addresses of the inviter in an invite.</summary>
    public const int InviteAddresses = 8;

    /// <summary>Routes that an invite may allow.</summary>
    public const int InviteRoutes = 64;

    /// <summary>Invites that wait for somebody, at the same time.</summary>
    public const int OpenInvites = 1000;

    /// <summary>Invites that are over and kept to say so: the oldest make way.</summary>
    public const int ClosedInvites = 1000;

    /// <summary>Peers that are remembered beside the config: by invite and by first use. Open invites count as peers to come.</summary>
    public const int RememberedPeers = 4096;

    /// <summary>Successions of nodes that are no peers any more, kept so that none of their former keys is taken for a new one; the oldest make way.</summary>
    public const int FormerLineages = 1024;

    /// <summary>Statements for invites that this node has accepted and that wait to be shown.</summary>
    public const int PendingJoins = 64;

    /// <summary>Members in one message that introduces them.</summary>
    public const int MembersPerMessage = 64;

    /// <summary>Members that one message takes back.</summary>
    public const int MembersGonePerMessage = 256;

    /// <summary>Members of one network that one introducer may vouch for; further ones are not taken.</summary>
    public const int IntroducedPerNetwork = 256;

    /// <summary>Members that all introducers together may vouch for, each counted as often as it is.</summary>
    public const int Introduced = 1024;

    /// <summary>Peers that were removed and that no introduction brings back; the oldest make way.</summary>
    public const int KeptOut = 1024;

    /// <summary>Addresses at which one peer is dialed.</summary>
    public const int AddressesPerPeer = 8;
}
