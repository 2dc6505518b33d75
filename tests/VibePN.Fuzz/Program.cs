using System.Globalization;
using VibePN.Fuzz;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

if (args is ["fuzz", var target, var runs, var seed])
{
    return FuzzDriver.Run(target, long.Parse(runs, CultureInfo.InvariantCulture), ulong.Parse(seed, CultureInfo.InvariantCulture));
}

return args.Any(arg => arg is "--server" or "--internal-msbuild-node")
    ? await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
    : await ConsoleRunner.Run(args);
