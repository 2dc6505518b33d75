using System.Text;
using VibePN.Config;

namespace VibePN.Fuzz;

internal static class ConfigFuzz
{
    public static void Target(ReadOnlySpan<byte> input)
    {
        try
        {
            var config = ConfigFile.Parse(Encoding.UTF8.GetString(input), "/fuzz/config.toml");
            FuzzTargets.Require(config.Networks.All(network => network.Addresses.Count == network.Prefixes.Count), "an address for each prefix");
        }
        catch (ConfigException wrong)
        {
            FuzzTargets.Require(wrong.Message.Length > 0, "an error says something");
        }
    }
}
