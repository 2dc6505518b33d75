using System.Globalization;

namespace VibePN.Doctor.Firewall;

/// <summary>What a packet has in a field that rules ask for: a number, a word, nothing at all, or something unknown.</summary>
internal readonly record struct FirewallValue(bool IsKnown, long? Number, string? Word)
{
    /// <summary>Any: a rule may match.</summary>
    public static FirewallValue Unknown { get; }

    /// <summary>The packet has no such field: no rule that asks for it matches.</summary>
    public static FirewallValue Absent { get; } = new(true, null, null);

    public bool IsAbsent => IsKnown && Number is null && Word is null;

    public static FirewallValue Of(string? word) => word is null ? Unknown : new(true, null, word);

    public static FirewallValue Of(long? number) => number is null ? Unknown : new(true, number, null);

    /// <summary>Of an interface, a packet may have none.</summary>
    public static FirewallValue OfInterface(string? name) => name is null ? Absent : Of(name);

    /// <summary>A text of a rule: a number, a word, or an interface's name that may end in a wildcard.</summary>
    public Certainty IsText(string text, char wildcard)
    {
        if (!IsKnown)
        {
            return Certainty.Maybe;
        }

        if (Number is { } number)
        {
            return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long other) ? Sure(number == other) : Certainty.Maybe;
        }

        return Word is null ? Certainty.No
            : text.EndsWith(wildcard) ? Sure(Word.StartsWith(text[..^1], StringComparison.Ordinal))
            : Sure(Word == text);
    }

    public Certainty IsBetween(long first, long last) => !IsKnown ? Certainty.Maybe
        : Number is { } number ? Sure(number >= first && number <= last)
        : IsAbsent ? Certainty.No
        : Certainty.Maybe;

    private static Certainty Sure(bool holds) => holds ? Certainty.Yes : Certainty.No;
}
