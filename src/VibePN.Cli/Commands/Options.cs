using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using VibePN.Config;

namespace VibePN.Cli.Commands;

/// <summary>Makes options whose values are checked while the command line is read: a bad value is wrong usage.</summary>
internal static class Options
{
    /// <param name="name">With its two dashes.</param>
    /// <param name="helpName">The value's name in the help.</param>
    /// <param name="description">For the help.</param>
    /// <param name="error">Says what is wrong with a value; null: nothing.</param>
    public static Option<string> Checked(string name, string helpName, string description, Func<string, string?> error)
    {
        Option<string> option = new(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result => Check(result, error));
        return option;
    }

    /// <summary>Given several times, or once with commas.</summary>
    public static Option<string[]> List(string name, string helpName, string description, Func<string, string?> error)
    {
        Option<string[]> option = new(name) { Description = description, HelpName = helpName, Arity = ArgumentArity.OneOrMore };
        option.Validators.Add(result => Check(result, error));
        return option;
    }

    public static string[] Split(string[]? values) =>
        [.. (values ?? []).SelectMany(value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];

    /// <summary>What is wrong with a whole number; null: nothing.</summary>
    public static string? NumberError(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most ? null : $"'{text}' is no number from {least} to {most}";

    public static string? NameError(string text) => Names.IsValid(text) ? null : $"'{text}' is no name: {Names.Rule}";

    /// <summary>A number and s, m, h or d; seconds without.</summary>
    public static TimeSpan? ParseTime(string text)
    {
        double unit = text.Length == 0 ? 0 : text[^1] switch { 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 1 };
        ReadOnlySpan<char> number = text.AsSpan().TrimEnd("smhd");
        return text.Length - number.Length <= 1 && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value < 1e6
            ? TimeSpan.FromSeconds(value * unit)
            : null;
    }

    private static void Check(OptionResult result, Func<string, string?> error)
    {
        foreach (string value in Split([.. result.Tokens.Select(token => token.Value)]))
        {
            if (error(value) is { } wrong)
            {
                result.AddError($"{result.Option.Name}: {wrong}");
            }
        }
    }
}
