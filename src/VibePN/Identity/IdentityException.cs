namespace VibePN.Identity;

/// <summary>The node's own certificate or key cannot be used; the message says which file, why, and the cure.</summary>
public sealed class IdentityException(string message, Exception? inner = null) : Exception(message, inner);
