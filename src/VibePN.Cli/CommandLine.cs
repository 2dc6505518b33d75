using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using VibePN.Cli.Commands;

namespace VibePN.Cli;

/// <summary>From arguments to an exit code: 0 done, 1 failed, 2 wrong usage.</summary>
internal static class CommandLine
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    /// <summary>How long a command may take to end after Ctrl-C.</summary>
    private static readonly TimeSpan TerminationTime = TimeSpan.FromSeconds(2);

    /// <param name="program">argv[0]: called as "vpn", the program is the daemon.</param>
    /// <param name="args">The rest of argv.</param>
    public static async Task<int> RunAsync(string program, string[] args)
    {
        RootCommand root = CreateRoot();
        ParseResult parsed = root.Parse(Normalize(program, args), new ParserConfiguration { EnablePosixBundling = false });
        if (parsed.Action is ParseErrorAction)
        {
            TellUsage(parsed);
            return WrongUsage;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            // The daemon takes the signals itself: it says goodbye and exits 0.
            ProcessTerminationTimeout = parsed.CommandResult.Command.Name == DaemonCommand.Name ? null : TerminationTime,
        });
    }

    /// <summary>"vpn …" is "vibepn daemon …", and "-config", as the Go tools spelled it, is "--config".</summary>
    internal static string[] Normalize(string program, string[] args)
    {
        List<string> normal = Path.GetFileName(program) == "vpn" ? ["daemon"] : [];
        bool options = true;
        foreach (string arg in args)
        {
            options &= arg != "--";
            bool oldSpelling = options && arg.Length > 2 && arg[0] == '-' && char.IsAsciiLetter(arg[1]);
            normal.Add(oldSpelling ? "-" + arg : arg);
        }

        return [.. normal];
    }

    private static RootCommand CreateRoot()
    {
        RootCommand root = new("VibePN: a peer-to-peer VPN over QUIC. As 'vpn' this program is the daemon, as 'vpnctl' it is 'vibepn'.")
        {
            DaemonCommand.Create(),
            StatusCommand.Create(),
            PeersCommand.Create(),
            PeerCommand.Create(),
            RoutesCommand.Create(),
            ReloadCommand.Create(),
            ConfirmCommand.Create(),
            GoodbyeCommand.Create(),
            InitCommand.Create(),
            InviteCommand.Create(),
            JoinCommand.Create(),
            AddPeerCommand.Create(),
            RemovePeerCommand.Create(),
            RotateKeyCommand.Create(),
            DoctorCommand.Create(),
            ExplainCommand.Create(),
            TopCommand.Create(),
            PingCommand.Create(),
            CaptureCommand.Create(),
            BenchCommand.Create(),
            NetcheckCommand.Create(),
            BugreportCommand.Create(),
            LogLevelCommand.Create(),
            VersionCommand.Create(),
        };
        foreach (HelpOption help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpWithExample((HelpAction)help.Action!);
        }

        return root;
    }

    private static void TellUsage(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is RootCommand && parsed.UnmatchedTokens is [string unknown, ..])
        {
            Terminal.Error($"there is no command '{unknown}'");
        }
        else
        {
            foreach (var error in parsed.Errors)
            {
                Terminal.Error(error.Message);
            }
        }

        Terminal.Error($"'{UsageName(parsed)} --help' shows what it takes");
    }

    private static string UsageName(ParseResult parsed)
    {
        string name = parsed.CommandResult.Command.Name;
        return parsed.CommandResult.Command is RootCommand ? "vibepn"
            : parsed.CommandResult.Parent is CommandResult { Command: not RootCommand } above ? $"vibepn {above.Command.Name} {name}"
            : $"vibepn {name}";
    }

    private sealed class HelpWithExample(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int result = inner.Invoke(parseResult);
            if (parseResult.CommandResult.Command is ExampleCommand command)
            {
                Console.Out.WriteLine($"Example:\n  {command.Example}\n");
            }

            return result;
        }
    }
}
