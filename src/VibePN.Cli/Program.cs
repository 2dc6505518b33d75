using VibePN.Cli;

return await CommandLine.RunAsync(Environment.GetCommandLineArgs()[0], args);
