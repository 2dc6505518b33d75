namespace VibePN.Bench.Tunnels;

/// <summary>No tunnel: the cable itself.</summary>
internal sealed class RawTunnel(TunnelKind kind, Star star, int number) : Tunnel(kind, star, number)
{
    public override string Inside(int host) => host == 0 ? Star.Legs[0].HubOutside : Star.Legs[host - 1].LeafOutside;

    protected override void StartPrograms()
    {
    }
}
