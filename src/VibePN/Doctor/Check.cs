using VibePN.Doctor.Facts;

namespace VibePN.Doctor;

/// <summary>One thing that <c>doctor</c> looks at.</summary>
/// <param name="Id">GROUP.NAME; stays the same for programs.</param>
/// <param name="Question">What it looks at, for people; the table in docs/doctor.md says the same.</param>
/// <param name="Judge">At least one finding; pure.</param>
internal sealed record Check(string Id, string Question, Func<HostFacts, IEnumerable<Finding>> Judge);
