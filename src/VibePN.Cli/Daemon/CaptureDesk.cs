using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;
using VibePN.Capture;

namespace VibePN.Cli.Daemon;

/// <summary>Streams captured packets to one caller at a time, as pcapng, until it hangs up.</summary>
internal sealed class CaptureDesk(NodeHost host, TimeProvider clock, ILogger logger)
{
    /// <summary>Between two looks at the ring, which holds more than a full line brings meanwhile.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Sent at a time at most.</summary>
    private const int ChunkBytes = 256 * 1024;

    private string? _holder;

    /// <exception cref="RequestException">Somebody captures already, or the filter makes no sense.</exception>
    public async Task ServeAsync(HttpContext context, string caller)
    {
        NodeSnapshot snapshot = await host.SnapshotAsync();
        CaptureRing ring = new(Filter(context.Request.Query, snapshot));
        if (Interlocked.CompareExchange(ref _holder, caller, null) is { } other)
        {
            throw new RequestException(StatusCodes.Status409Conflict, $"packets are captured for {other} already; one can at a time");
        }

        ulong packets = 0;
        try
        {
            // A reader that pauses loses packets, but is not thrown out.
            if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            {
                rate.MinDataRate = null;
            }

            context.Response.ContentType = "application/x-pcapng";
            PcapngWriter writer = new(context.Response.BodyWriter, ring.Filter.SnapBytes, PcapngWriter.UtcOffsetNanos(clock));
            writer.WriteHeader($"VibePN {ProductVersion.Text}", $"node {snapshot.Name}");
            await host.CaptureAsync(ring);
            Log.CaptureBegan(logger, caller);
            _ = await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            while (true)
            {
                ulong taken = Drain(ring, writer);
                packets += taken;
                if (taken == 0)
                {
                    await Task.Delay(s_pause, clock, context.RequestAborted);
                }
                else if ((await context.Response.BodyWriter.FlushAsync(context.RequestAborted)).IsCompleted)
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It hung up: that is how a capture ends.
        }
        finally
        {
            await host.CaptureAsync(null);
            _holder = null;
            Log.CaptureEnded(logger, caller, packets);
        }
    }

    private static ulong Drain(CaptureRing ring, PcapngWriter writer)
    {
        ulong taken = 0;
        for (int bytes = 0; bytes < ChunkBytes && ring.TryPeek(out CapturedPacket packet, out Span<byte> kept); bytes += kept.Length, taken++)
        {
            writer.Write(packet, kept);
            ring.Release();
        }

        return taken;
    }

    private static CaptureFilter Filter(IQueryCollection query, NodeSnapshot snapshot)
    {
        string? peer = query["peer"];
        string? network = query["network"];
        string snap = query["snaplen"].ToString();
        if (peer is not null && !snapshot.Peers.Any(one => one.Name == peer))
        {
            throw new RequestException(StatusCodes.Status404NotFound, $"there is no peer '{peer}'; 'vibepn peers' lists them");
        }

        if (network is not null && !snapshot.Networks.Any(one => one.Name == network))
        {
            throw new RequestException(StatusCodes.Status404NotFound, $"there is no network '{network}'; 'vibepn status' lists them");
        }

        int bytes = CaptureFilter.MaxSnapBytes;
        if (snap.Length > 0 && !(int.TryParse(snap, NumberStyles.None, CultureInfo.InvariantCulture, out bytes) && bytes is > 0 and <= CaptureFilter.MaxSnapBytes))
        {
            throw new RequestException(StatusCodes.Status400BadRequest, $"snaplen is from 1 to {CaptureFilter.MaxSnapBytes}");
        }

        return new CaptureFilter(peer, network, query["dropped"].ToString() == "true", bytes);
    }
}
