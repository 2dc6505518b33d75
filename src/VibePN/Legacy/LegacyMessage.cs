using VibePN.Routing;

namespace VibePN.Legacy;

/// <summary>A message of the control stream of <c>vibepn/0.1</c>; immutable (docs/protocol.md, The protocol of before).</summary>
internal abstract record LegacyMessage;

/// <summary>The first message of either side.</summary>
internal sealed record LegacyHello(ulong Nonce) : LegacyMessage;

/// <summary>Routes of the sender: its networks' whole prefixes, mostly.</summary>
/// <param name="Unreadable">Routes left out because their text is no prefix.</param>
internal sealed record LegacyAnnounce(string Network, IReadOnlyList<(Prefix Prefix, ushort Metric)> Routes, int Unreadable = 0) : LegacyMessage;

/// <param name="Prefix">Null: its text is none.</param>
internal sealed record LegacyWithdraw(string Network, Prefix? Prefix) : LegacyMessage;

/// <param name="UtcSeconds">The sender's clock.</param>
internal sealed record LegacyKeepalive(ulong UtcSeconds) : LegacyMessage;

/// <summary>The sender shuts down.</summary>
internal sealed record LegacyGoodbye : LegacyMessage;
