using System.Globalization;
using System.Text.Json.Nodes;
using VibePN.E2E.Harness;
using Xunit;
using Xunit.Sdk;

namespace VibePN.E2E;

/// <summary>One setting of everything that can be switched off.</summary>
public sealed record Switches(bool Tun, bool Gso, bool Gro, string Crypto) : IXunitSerializable
{
    public Switches()
        : this(true, true, true, "auto")
    {
    }

    public bool Tun { get; private set; } = Tun;

    public bool Gso { get; private set; } = Gso;

    public bool Gro { get; private set; } = Gro;

    public string Crypto { get; private set; } = Crypto;

    public string Toml => string.Create(CultureInfo.InvariantCulture, $"""
        tun_offloads = {Word(Tun)}
        udp_gso = {Word(Gso)}
        udp_gro = {Word(Gro)}
        crypto = "{Crypto}"
        """);

    /// <summary>What is asked for is what is in use, and what is not in use has a reason.</summary>
    public void AssertInUse(TestNode node)
    {
        JsonNode status = node.Status();
        JsonNode udp = status["offloads"]!;
        JsonNode tun = status["networks"]![0]!["offloads"]!;
        Assert.Equal((Gso, Gro, Tun, Tun), (Flag(udp, "udpGso"), Flag(udp, "udpGro"), Flag(tun, "tcp"), Flag(tun, "udp")));
        Assert.Equal(
            (Gso, Gro, Tun, Tun),
            (udp["udpGsoReason"] is null, udp["udpGroReason"] is null, tun["tcpReason"] is null, tun["udpReason"] is null));
    }

    public void Serialize(IXunitSerializationInfo info)
    {
        info.AddValue("tun", Tun);
        info.AddValue("gso", Gso);
        info.AddValue("gro", Gro);
        info.AddValue("crypto", Crypto);
    }

    public void Deserialize(IXunitSerializationInfo info)
    {
        Tun = info.GetValue<bool>("tun");
        Gso = info.GetValue<bool>("gso");
        Gro = info.GetValue<bool>("gro");
        Crypto = info.GetValue<string>("crypto")!;
    }

    public override string ToString() =>
        $"TUN offloads {(Tun ? "on" : "off")}, GSO {(Gso ? "on" : "off")}, GRO {(Gro ? "on" : "off")}, {Crypto}";

    private static bool Flag(JsonNode node, string name) => node[name]!.GetValue<bool>();

    private static string Word(bool value) => value ? "true" : "false";
}
