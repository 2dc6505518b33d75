using VibePN.Linux;
using VibePN.Peers;
using Xunit;

namespace VibePN.Tests.Peers;

public sealed class PacketQueueTests
{
    [Fact]
    public void Queue_RandomEnqueueAndPop_KeepsOrderBytesAndBound()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var queue = new PacketQueue(10_000);
        var model = new Queue<byte[]>();
        for (var i = 0; i < 20_000; i++)
        {
            if (random.Next(5) < 3)
            {
                var frame = new byte[random.Next(1, 3000)];
                random.NextBytes(frame);
                var fits = model.Sum(waiting => waiting.Length) + frame.Length <= 10_000;
                var taken = queue.TryEnqueue(i, default(Segmenter), frame);
                Assert.True(fits || !taken, $"over the bound (seed {seed})");
                if (taken)
                {
                    model.Enqueue(frame);
                }
            }
            else if (model.TryDequeue(out var expected))
            {
                Assert.True(expected.AsSpan().SequenceEqual(queue.HeadFrame), $"another frame (seed {seed})");
                queue.Pop();
            }

            Assert.Equal(model.Count, queue.Count);
            Assert.Equal(model.Sum(waiting => waiting.Length), queue.Bytes);
        }
    }

    [Fact]
    public void TryEnqueue_OneFrameAtTheBound_Taken()
    {
        var queue = new PacketQueue(1000);

        Assert.False(queue.TryEnqueue(0, default(Segmenter), new byte[1001]));
        Assert.True(queue.TryEnqueue(0, default(Segmenter), new byte[1000]));
        Assert.False(queue.TryEnqueue(0, default(Segmenter), new byte[1]));
    }
}
