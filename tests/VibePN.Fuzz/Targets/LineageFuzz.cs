using System.Buffers.Binary;
using VibePN.Identity;

namespace VibePN.Fuzz;

internal static class LineageFuzz
{
    /// <summary>The input as the value of a succession statement, and as a chain of certificates, each behind its length (2 bytes).</summary>
    public static void Target(ReadOnlySpan<byte> input)
    {
        if (SuccessionStatement.Read(input.ToArray(), out var isBroken) is { } one)
        {
            FuzzTargets.Require(!isBroken && SuccessionStatement.Encode(one.OldCertificate.Span, one.OverlapEndUtcSeconds, one.Signature.Span).AsSpan().SequenceEqual(input), "what was read is all of it");
        }

        List<byte[]> chain = [];
        for (var rest = input; rest.Length >= 2 && chain.Count < 16;)
        {
            var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(rest), rest.Length - 2);
            chain.Add(rest.Slice(2, length).ToArray());
            rest = rest[(2 + length)..];
        }

        if (chain.Count == 0 || LineageProof.Read(chain[0], chain[1..]) is not { } proof)
        {
            return;
        }

        var lineage = proof.Lineage;
        FuzzTargets.Require(!proof.IsChecked && lineage.Current == PeerId.OfCertificate(chain[0]) && lineage.Members.Count <= Lineage.MaxSuccessions + 1, "it ends with what was presented, and is bounded");
        FuzzTargets.Require(lineage.Agrees(lineage) && lineage.Agrees(Lineage.Of(lineage.First)) && !lineage.Extends(lineage), "it agrees with itself and its beginning");
        if (proof.IsProven && lineage.Members.Count > 1)
        {
            // Nothing but what a key of the corpus has signed holds.
            FuzzTargets.Require(SuccessionStatement.TryFindPredecessor(chain[0], out var before) && before == lineage.Members[^2], "a proven successor names the one before");
        }
    }
}
