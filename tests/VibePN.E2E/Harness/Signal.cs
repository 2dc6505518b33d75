namespace VibePN.E2E.Harness;

/// <summary>Numbers of <c>signal(7)</c>.</summary>
internal enum Signal
{
    Hangup = 1,
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
}
