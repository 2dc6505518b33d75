namespace VibePN.Doctor.Bench;

internal enum BenchKind : byte
{
    /// <summary>Client → server, first on a control connection.</summary>
    Hello = 1,

    /// <summary>Client → server: measure this.</summary>
    Run = 2,

    /// <summary>Server → client: begin, with this token, at this port.</summary>
    Ready = 3,

    /// <summary>Client → server, first on a data connection.</summary>
    Data = 4,

    /// <summary>Client → server: that was it.</summary>
    End = 5,

    /// <summary>Server → client, after <see cref="End"/>.</summary>
    Result = 6,

    /// <summary>Server → client: no.</summary>
    Refused = 7,
}

internal enum BenchTest : byte
{
    None = 0,
    Echo = 1,
    TcpUp = 2,
    TcpDown = 3,
    UdpUp = 4,
    UdpDown = 5,
}

internal enum BenchStatus : byte
{
    Fine = 0,

    /// <summary>Somebody else measures.</summary>
    Busy = 1,

    /// <summary>What was asked is out of bounds, or not known here.</summary>
    BadRequest = 2,

    /// <summary>The port outside cannot be had.</summary>
    NoPort = 3,
}

[Flags]
internal enum BenchFlags : byte
{
    None = 0,
    NoUdpGso = 1,
    NoUdpGro = 2,
    NoTunTcp = 4,
    NoTunUdp = 8,
    RepairKnown = 16,
    RepairOn = 32,
}
