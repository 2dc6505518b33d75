namespace VibePN.Linux;

/// <summary>What <see cref="Epoll.Wait"/> reports about one descriptor.</summary>
/// <param name="Token">The value given to <see cref="Epoll.Add"/>.</param>
/// <param name="Error">EPOLLERR or EPOLLHUP: the next read or write tells which.</param>
public readonly record struct EpollReady(ulong Token, bool Readable, bool Writable, bool Error);
