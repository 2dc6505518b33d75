using System.CommandLine;
using System.Net;
using System.Text.Json;
using VibePN.Api;
using VibePN.Config;
using VibePN.Doctor.Explain;

namespace VibePN.Cli.Commands;

/// <summary><c>vibepn explain ADDRESS</c>: what becomes of packets from this host to an address, and why.</summary>
internal static class ExplainCommand
{
    public static ExampleCommand Create()
    {
        Argument<string> address = new("ADDRESS") { Description = "An IP address" };
        address.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !IpText.TryParseAddress(token.Value, out _))
            {
                result.AddError($"'{token.Value}' is no IP address");
            }
        });
        ExampleCommand command = new(
            "explain",
            "Says what becomes of packets to an address, step by step; 0: they get there, 1: they do not",
            "vibepn explain 10.42.0.7");
        command.Add(address);
        command.Add(CommonOptions.Json);
        return command.Does(async (parsed, cancel) =>
        {
            ExplainDto answer = await Explanation.RunAsync(
                IPAddress.Parse(parsed.GetRequiredValue(address)),
                CommonOptions.ConfigPath(parsed),
                CommonOptions.NamedSocket(parsed),
                ProductVersion.Text,
                TimeProvider.System).WaitAsync(cancel);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, ApiJson.Readable.ExplainDto));
            }
            else
            {
                Terminal.Write(console => FindingView.DrawSteps(console, answer.Answer, answer.Steps));
            }

            return answer.Severity == FindingSeverity.Error ? CommandLine.Failed : CommandLine.Done;
        });
    }
}
