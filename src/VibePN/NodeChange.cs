namespace VibePN;

/// <summary>What <see cref="Node.Apply"/> changed of the networks, for whoever has their interfaces.</summary>
/// <param name="Opened">New ones; the index of each is the next after all before it.</param>
/// <param name="Closed">Indexes of those that are gone: nothing is delivered to them any more, and what they read is dropped.</param>
internal sealed record NodeChange(IReadOnlyList<NodeNetwork> Opened, IReadOnlyList<int> Closed);
