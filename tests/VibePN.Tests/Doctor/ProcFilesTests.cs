using VibePN.Config;
using VibePN.Doctor.Facts;
using Xunit;

namespace VibePN.Tests.Doctor;

public sealed class ProcFilesTests
{
    [Fact]
    public void Udp_LinesOfTheKernel_AreRead()
    {
        const string Text = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
             1234: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 4711 2 0000000000000000 0
             nonsense
             1235: 0000000000000000FFFF0000017100CB:CA6C 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0
            """;

        var sockets = ProcFiles.ParseUdp(Text).ToArray();

        Assert.Equal(["127.0.0.1:53", "[::ffff:203.0.113.1]:51820"], sockets.Select(socket => socket.Socket.Local.ToString()));
        Assert.Equal([(101u, 4711ul), (0u, 4712ul)], sockets.Select(socket => (socket.Socket.UserId, socket.Inode)));
    }

    [Fact]
    public void Status_UserAndCapabilities_AreTheEffectiveOnes()
    {
        Assert.Equal((1000u, 0x1000ul), ProcFiles.ParseStatus("Name:\tx\nUid:\t0\t1000\t0\t0\nCapPrm:\tffff\nCapEff:\t0000000000001000\n"));
        Assert.Null(ProcFiles.ParseStatus("Name:\tx\n"));
    }

    [Fact]
    public void Places_OfKeys_AreTheirLinesOrThoseAround()
    {
        ConfigPlaces places = new("[node]\nname = \"a\"\n[[peers]]\nname = \"b\"\n[[peers]]\nname = \"c\"\naddress = \"x:1\"\n", "f");

        Assert.Equal(
            ["f:2", "f:1", "f", "f:7", "f:5", "f:3", "f"],
            [places.Of("node", "name"), places.Of("node", "listen"), places.Of("tuning", "x"), places.OfPeer("c", "address"), places.OfPeer("c", "networks"), places.OfPeer("b"), places.OfPeer("z")]);
        Assert.Equal("f", new ConfigPlaces("[[[", "f").Of("node"));
    }
}
