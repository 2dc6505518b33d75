using VibePN.Bench;
using VibePN.Bench.Relay;

const string Usage = """
    usage: VibePN.Bench run [--quick] [--tunnels=KEY,…] [--scenes=direct,far,hub] [--rounds=N] [--seconds=N] [--results=FOLDER]
           VibePN.Bench report FILE.json      table and plots again from the values of a run
           VibePN.Bench relay left=ADDRESS …  a line with delay, jitter, loss, reordering and a rate, for UDP
           VibePN.Bench --self-check          seconds: namespaces, the relay and the report work
    """;

try
{
    switch (args)
    {
        case ["relay", .. var rest]:
            return RelayProgram.Execute(rest);
        case ["run", .. var rest]:
            return BenchRun.Execute(BenchOptions.Parse(rest));
        case ["report", var file]:
            Console.Write(BenchRun.Write(VibePN.Bench.Report.RunResult.FromJson(File.ReadAllText(file)), Path.ChangeExtension(file, null)));
            return 0;
        case ["--self-check"]:
            return SelfCheck.Execute();
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}
catch (FormatException exception)
{
    Console.Error.WriteLine(exception.Message);
    Console.Error.WriteLine(Usage);
    return 2;
}
