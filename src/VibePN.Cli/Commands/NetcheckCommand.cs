using System.Text.Json;
using VibePN.Api;
using VibePN.Doctor;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn netcheck</c>: addresses, translators, reachability and packet sizes, as peers see them.</summary>
internal static class NetcheckCommand
{
    public static ExampleCommand Create()
    {
        ExampleCommand command = new(
            "netcheck",
            "Says what stands between this host and its peers: addresses, NAT, firewall, delay and MTU of each path; 1: no peer can be reached",
            "vibepn netcheck");
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            NetcheckDto answer = await Netcheck.RunAsync(
                CommonOptions.ConfigPath(parsed), CommonOptions.NamedSocket(parsed), ProductVersion.Text, TimeProvider.System).WaitAsync(cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.NetcheckDto));
            }
            else
            {
                Terminal.Write(console => FindingView.DrawSteps(console, answer.Answer, answer.Steps));
            }

            return answer.Severity == FindingSeverity.Error ? CommandLine.Failed : CommandLine.Done;
        });
    }
}
