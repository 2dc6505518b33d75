namespace VibePN.E2E.Harness;

/// <summary>Numbers of <c>signal(7)</c>.</summary>
internal enum Signal
{
    Kill = 9,
    Terminate = 15,
}
