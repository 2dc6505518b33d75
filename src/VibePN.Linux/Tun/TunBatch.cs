namespace VibePN.Linux;

/// <summary>Native buffers for the frames of one turn, allocated once. One thread.</summary>
public sealed class TunBatch : IDisposable
{
    public TunBatch(int frames = 16) => Capacity = frames;

    public int Capacity { get; }

    public int Count => throw new NotImplementedException();

    public TunFrame this[int index] => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
