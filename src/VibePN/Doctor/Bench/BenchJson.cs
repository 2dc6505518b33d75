using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using VibePN.Api;

namespace VibePN.Doctor.Bench;

/// <summary>
/// <see cref="BenchDto"/> as the other documents are written: camelCase, indented, absent values left out. By hand: it is never read back, and what the
/// serializer's generator makes for it takes 100 KB of the executable. A test holds the two side by side.
/// </summary>
public static class BenchJson
{
    public static string Write(BenchDto answer)
    {
        using MemoryStream text = new();
        using (Utf8JsonWriter to = new(text, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            to.WriteStartObject();
            to.WriteString("peer", answer.Peer);
            to.WriteString("address", answer.Address);
            Text(to, "outside", answer.Outside);
            Text(to, "insideProblem", answer.InsideProblem);
            Text(to, "outsideProblem", answer.OutsideProblem);
            to.WriteNumber("seconds", answer.Seconds);
            to.WriteBoolean("complete", answer.Complete);
            Number(to, "idleMillis", answer.IdleMillis);
            Number(to, "outsideIdleMillis", answer.OutsideIdleMillis);
            to.WriteStartArray("flows");
            foreach (BenchFlowDto flow in answer.Flows)
            {
                Flow(to, flow);
            }

            to.WriteEndArray();
            End(to, "here", answer.Here);
            End(to, "there", answer.There);
            to.WriteString("answer", answer.Answer);
            to.WriteStartArray("steps");
            foreach (FindingDto step in answer.Steps)
            {
                Step(to, step);
            }

            to.WriteEndArray();
            to.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static void Flow(Utf8JsonWriter to, BenchFlowDto flow)
    {
        to.WriteStartObject();
        to.WriteBoolean("inside", flow.Inside);
        to.WriteString("protocol", flow.Protocol);
        to.WriteBoolean("up", flow.Up);
        to.WriteNumber("megabitsPerSecond", flow.MegabitsPerSecond);
        Number(to, "loadedMillis", flow.LoadedMillis);
        Number(to, "loadedP95Millis", flow.LoadedP95Millis);
        Number(to, "daemonHere", flow.DaemonHere);
        Number(to, "daemonThere", flow.DaemonThere);
        Number(to, "busyHere", flow.BusyHere);
        Number(to, "busyThere", flow.BusyThere);
        Number(to, "sent", flow.Sent);
        Number(to, "received", flow.Received);
        Number(to, "loss", flow.Loss);
        Number(to, "jitterMillis", flow.JitterMillis);
        Number(to, "reordered", flow.Reordered);
        to.WriteEndObject();
    }

    private static void End(Utf8JsonWriter to, string name, BenchEndDto? end)
    {
        if (end is null)
        {
            return;
        }

        to.WriteStartObject(name);
        Number(to, "mtuBytes", end.MtuBytes);
        Number(to, "loss", end.Loss);
        if (end.Repair is { } repair)
        {
            to.WriteBoolean("repair", repair);
        }

        Number(to, "queueMillis", end.QueueMillis);
        to.WriteStartArray("offloadsOff");
        foreach (string offload in end.OffloadsOff)
        {
            to.WriteStringValue(offload);
        }

        to.WriteEndArray();
        to.WriteEndObject();
    }

    private static void Step(Utf8JsonWriter to, FindingDto step)
    {
        to.WriteStartObject();
        to.WriteString("severity", step.Severity switch
        {
            FindingSeverity.Error => "error",
            FindingSeverity.Warning => "warning",
            FindingSeverity.Info => "info",
            _ => "ok",
        });
        to.WriteString("check", step.Check);
        to.WriteString("what", step.What);
        Text(to, "cause", step.Cause);
        Text(to, "cure", step.Cure);
        Text(to, "place", step.Place);
        to.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter to, string name, string? value)
    {
        if (value is not null)
        {
            to.WriteString(name, value);
        }
    }

    private static void Number(Utf8JsonWriter to, string name, double? value)
    {
        if (value is { } known)
        {
            to.WriteNumber(name, known);
        }
    }

    private static void Number(Utf8JsonWriter to, string name, long? value)
    {
        if (value is { } known)
        {
            to.WriteNumber(name, known);
        }
    }
}
