using System.Net;
using VibePN.Api;
using VibePN.Doctor.Facts;
using VibePN.Linux;

namespace VibePN.Doctor.Explain;

/// <param name="Host">As <c>doctor</c> sees it.</param>
/// <param name="Routes">All that the daemon knows of; empty without one.</param>
/// <param name="Path">What the kernel does; null: it has no way, or could not be asked.</param>
/// <param name="PathProblem">Why there is none.</param>
internal sealed record ExplainFacts(IPAddress Address, HostFacts Host, IReadOnlyList<RouteDto> Routes, HostPath? Path, string? PathProblem = null);
