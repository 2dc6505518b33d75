using System.Net;
using System.Text.RegularExpressions;
using CsCheck;
using VibePN.Config;
using VibePN.Identity;
using Xunit;

namespace VibePN.Tests.Identity;

/// <summary>Invites as text: what was written is read again, and everything else is told for what it is.</summary>
public sealed partial class InviteCodecTests
{
    private static readonly Invite Sample = new()
    {
        Id = new InviteId(Convert.FromHexString("00112233445566778899aabbccddeeff")),
        Secret = Convert.FromHexString("0f0e0d0c0b0a09080706050403020100"),
        Inviter = PeerId.Parse("f00dbabe12345678deadbeef12345678f00dbabe12345678deadbeef12345678"),
        InviterName = "alice",
        Addresses = [new HostPort("203.0.113.1", 51820), new HostPort("2001:db8::1", 51820), new HostPort("vpn.example.com", 443)],
        Network = "corp",
        Prefixes = [IPNetwork.Parse("10.42.0.0/24"), IPNetwork.Parse("fd42::/64")],
        ExpiresUtcSeconds = 1_800_000_000,
        JoinerName = "bob",
        Routes = [IPNetwork.Parse("192.168.20.0/24")],
    };

    private static readonly Gen<string> GenName = Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789"].Array[1, 32].Select(chars => new string(chars));

    private static readonly Gen<IPNetwork> GenPrefix = Gen.Select(Gen.Byte.Array[4], Gen.Byte.Array[16], Gen.Bool, Gen.Int[0, 128], (v4, v6, isV4, bits) =>
    {
        IPAddress address = isV4 ? new IPAddress(v4) : new IPAddress([0x20, 0x01, .. v6.AsSpan(2)]);
        int length = isV4 ? bits / 4 : bits;
        return new IPNetwork(IpText.Mask(address, length), length);
    });

    private static readonly Gen<HostPort> GenAddress = Gen.Select(Gen.Byte.Array[16], GenName, Gen.Int[1, 65535], Gen.Int[0, 2], (bytes, name, port, kind) => new HostPort(
        kind switch { 0 => new IPAddress(bytes.AsSpan(0, 4)).ToString(), 1 => new IPAddress([0x20, .. bytes.AsSpan(1)]).ToString(), _ => $"h{name}.example" },
        (ushort)port));

    private static readonly Gen<Invite> GenInvite =
        from bytes in Gen.Byte.Array[64]
        from names in Gen.Select(GenName, GenName, GenName)
        from prefix in GenPrefix
        from addresses in GenAddress.List[1, 8]
        from routes in GenPrefix.List[0, 64]
        from expires in Gen.Long[0, Invite.LastUtcSeconds]
        from isNamed in Gen.Bool
        select new Invite
        {
            Id = new InviteId(bytes.AsSpan(0, 16)),
            Secret = bytes.AsMemory(16, 16),
            Inviter = new PeerId(bytes.AsSpan(32, 32)),
            InviterName = names.Item1,
            Network = names.Item2,
            JoinerName = isNamed ? names.Item3 : null,
            Prefixes = [prefix],
            Addresses = addresses,
            Routes = routes,
            ExpiresUtcSeconds = expires,
        };

    [Fact]
    public void Write_Sample_MatchesTheProtocolText()
    {
        string document = File.ReadAllText(Path.Combine(FindRoot(), "docs", "protocol.md"));

        Assert.Contains(InviteCodec.Write(Sample), WhiteSpace().Replace(document, ""), StringComparison.Ordinal);
    }

    [Fact]
    public void TryRead_WhatWasWritten_IsTheSame() => GenInvite.Sample(invite =>
    {
        string text = InviteCodec.Write(invite);
        Assert.Equal(InviteFault.None, InviteCodec.TryRead(text, out Invite? read));
        AssertSame(invite, read!);
    });

    [Theory]
    [InlineData(" {0}\n")]
    [InlineData("\r\n{0}")]
    public void TryRead_WhiteSpaceAround_IsSkipped(string frame) =>
        Assert.Equal(InviteFault.None, InviteCodec.TryRead(frame.Replace("{0}", InviteCodec.Write(Sample), StringComparison.Ordinal), out _));

    [Fact]
    public void TryRead_WrappedLines_AreOne() =>
        Assert.Equal(InviteFault.None, InviteCodec.TryRead(string.Join("\n ", InviteCodec.Write(Sample).Chunk(40).Select(part => new string(part))), out _));

    [Theory]
    [InlineData("", InviteFault.NotAnInvite)]
    [InlineData("hello", InviteFault.NotAnInvite)]
    [InlineData("vibepn", InviteFault.NotAnInvite)]
    [InlineData("vibepn:", InviteFault.NotAnInvite)]
    [InlineData("vibepnx:AAAA", InviteFault.NotAnInvite)]
    [InlineData("vibepn2:AAAA", InviteFault.UnknownVersion)]
    [InlineData("vibepn1:", InviteFault.Truncated)]
    [InlineData("vibepn1:AA", InviteFault.Truncated)]
    [InlineData("vibepn1:AAAA+", InviteFault.Damaged)]
    [InlineData("vibepn1:__________", InviteFault.Damaged)]
    public void TryRead_NotAnInvite_SaysWhatItIs(string text, InviteFault fault)
    {
        Assert.Equal(fault, InviteCodec.TryRead(text, out Invite? read));
        Assert.Null(read);
        Assert.NotEmpty(fault.Describe());
    }

    /// <summary>1,000 damaged ones: a character changed, missing, added, moved; or the end cut off. None is taken.</summary>
    [Fact]
    public void TryRead_Damaged_IsToldAndNeverTaken()
    {
        string text = InviteCodec.Write(Sample);
        Random dice = new(20_261_123);
        Dictionary<InviteFault, int> seen = [];
        for (int i = 0; i < 1000; i++)
        {
            int at = dice.Next(text.Length);
            char other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[dice.Next(64)];
            string damaged = (i % 5) switch
            {
                0 => text[..at],
                1 => text[..at] + other + text[(at + 1)..],
                2 => text.Remove(at, 1),
                3 => text.Insert(at, other.ToString()),
                _ => text[at..] + text[..at],
            };
            if (damaged == text)
            {
                continue;
            }

            InviteFault fault = InviteCodec.TryRead(damaged, out Invite? read);
            Assert.True(read is null && fault != InviteFault.None, $"taken: {damaged}");
            Assert.NotEqual(InviteFault.Malformed, fault);
            seen[fault] = seen.GetValueOrDefault(fault) + 1;
        }

        Assert.True(seen[InviteFault.Truncated] > 100 && seen[InviteFault.Damaged] > 300, string.Join(", ", seen));
    }

    [Fact]
    public void TryRead_CutOffAnywhere_SaysSo()
    {
        string text = InviteCodec.Write(Sample);
        for (int length = InviteCodec.Prefix.Length; length < text.Length; length++)
        {
            Assert.Equal(InviteFault.Truncated, InviteCodec.TryRead(text[..length], out _));
        }
    }

    [Fact]
    public void TryRead_AnyText_NeverThrows() => Gen.String.Sample(text =>
    {
        _ = InviteCodec.TryRead(text, out _);
        _ = InviteCodec.TryRead(InviteCodec.Prefix + text, out _);
    });

    private static void AssertSame(Invite one, Invite other)
    {
        Assert.Equal((one.Id, one.Inviter, one.InviterName, one.Network, one.JoinerName, one.ExpiresUtcSeconds), (other.Id, other.Inviter, other.InviterName, other.Network, other.JoinerName, other.ExpiresUtcSeconds));
        Assert.Equal(one.Secret.ToArray(), other.Secret.ToArray());
        Assert.Equal(one.Addresses, other.Addresses);
        Assert.Equal(one.Prefixes, other.Prefixes);
        Assert.Equal(one.Routes, other.Routes);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "VibePN.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new FileNotFoundException("VibePN.slnx above the tests");
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
