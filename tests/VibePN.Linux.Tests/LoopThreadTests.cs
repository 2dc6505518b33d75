using VibePN.Linux.Native;

namespace VibePN.Linux.Tests;

public sealed class LoopThreadTests
{
    [Fact]
    public void Prepare_OnAThread_AsksForShortSlicesWhereTheKernelHasThem()
    {
        bool known = false;
        sched_attr before = default;
        sched_attr after = default;
        Thread thread = new(() =>
        {
            known = LoopThread.TryGetScheduling(out before);
            LoopThread.Prepare();
            known &= LoopThread.TryGetScheduling(out after);
        });
        thread.Start();
        thread.Join();

        Assert.True(known);
        Assert.Equal(0u, after.sched_policy);
        Assert.True(after.sched_nice <= before.sched_nice, $"{before.sched_nice} → {after.sched_nice}");
        Assert.Equal(Environment.OSVersion.Version >= new Version(6, 12) ? 300_000ul : before.sched_runtime, after.sched_runtime);
    }
}
