using System.Net;
using System.Text;

namespace VibePN.Config;

/// <summary>From the tables of a file to checked records. What is missing or wrong is told to <see cref="ConfigErrors"/>, and a stand-in carries on.</summary>
/// <param name="path">The file, absolute; relative paths in it start at its directory.</param>
/// <param name="errors">Where mistakes go.</param>
internal sealed class ConfigBinder(string path, ConfigErrors errors)
{
    /// <summary>sockaddr_un.sun_path with its final zero (unix(7)).</summary>
    private const int MaxSocketPathBytes = 107;

    public NodeConfig? Bind(TomlTable root)
    {
        TableReader top = new(root, "the file", errors);
        IdentityConfig? identity = BindIdentity(top);
        NodeSettings node = BindNode(top.Table("node", "[node]"));
        TuningSettings tuning = BindTuning(top.Table("tuning", "[tuning]"));
        TableReader? networkTables = top.Table("networks", "[networks.NAME]");
        if (networkTables is null ? !top.Has("networks") : !networkTables.Keys.Any())
        {
            errors.Add("there is no network; add a table [networks.NAME] with a prefix");
        }

        List<NetworkConfig> networks = new NetworkBinder(errors).Bind(networkTables);
        List<PeerConfig> peers = new PeerBinder(errors, networks, node.Trust, identity?.Fingerprint).Bind(top.Tables("peers", "[[peers]]"));
        top.Finish();
        return identity is null ? null : new NodeConfig
        {
            Path = path,
            Identity = identity,
            Node = node,
            Tuning = tuning,
            Networks = networks,
            Peers = peers,
            Warnings = errors.Warnings,
        };
    }

    private IdentityConfig? BindIdentity(TableReader top)
    {
        TableReader? table = top.Table("identity", "[identity]");
        if (table is null)
        {
            if (!top.Has("identity"))
            {
                errors.Add("there is no [identity] table; it names the certificate and the key");
            }

            return null;
        }

        Located? cert = table.RequiredText("cert");
        Located? key = table.RequiredText("key");
        PeerId? fingerprint = Fields.Fingerprint(table.Text("fingerprint"), errors);
        table.Finish();
        return cert is null || key is null
            ? null
            : new IdentityConfig { CertPath = Absolute(cert.Value.Value), KeyPath = Absolute(key.Value.Value), Fingerprint = fingerprint };
    }

    private NodeSettings BindNode(TableReader? table)
    {
        NodeSettings defaults = new() { Name = Names.Tame(Environment.MachineName) };
        if (table is null)
        {
            return defaults;
        }

        NodeSettings settings = defaults with
        {
            Name = Fields.Name(table.Text("name"), errors) ?? defaults.Name,
            Listen = EndPoint(table.Text("listen"), "[::]:51820") ?? defaults.Listen,
            Socket = SocketPath(table.Text("socket")) ?? defaults.Socket,
            Metrics = table.Text("metrics") switch
            {
                null => defaults.Metrics,
                { Value: "" } => null,
                { } text => EndPoint(text, "127.0.0.1:9000"),
            },
            Otlp = Collector(table.Text("otlp")),
            State = NonEmptyPath(table.Text("state"), "state") ?? defaults.State,
            Trust = Trust(table.Text("trust")) ?? defaults.Trust,
        };
        table.Finish();
        return settings;
    }

    /// <summary>Where OTLP goes: without TLS, which a collector beside the daemon speaks on its behalf.</summary>
    private Uri? Collector(Located? text)
    {
        if (text is not { Value.Length: > 0 } given)
        {
            return null;
        }

        if (Uri.TryCreate(given.Value, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.Host.Length > 0 && uri.UserInfo.Length == 0)
        {
            return uri;
        }

        errors.Add(given.At, $"'{given.Value}' is no address of a collector, as \"http://127.0.0.1:4318\"; what needs TLS or a password is sent on by a collector on this host");
        return null;
    }

    private TuningSettings BindTuning(TableReader? table)
    {
        TuningSettings defaults = new();
        if (table is null)
        {
            return defaults;
        }

        TuningSettings settings = new()
        {
            TunOffloads = table.Flag("tun_offloads", defaults.TunOffloads),
            UdpGso = table.Flag("udp_gso", defaults.UdpGso),
            UdpGro = table.Flag("udp_gro", defaults.UdpGro),
            Crypto = Crypto(table.Text("crypto")) ?? defaults.Crypto,
        };
        table.Finish();
        return settings;
    }

    private CryptoChoice? Crypto(Located? text)
    {
        switch (text?.Value)
        {
            case null:
                return null;
            case "auto":
                return CryptoChoice.Auto;
            case "gnutls":
                return CryptoChoice.GnuTls;
            case "ipsec-mb":
                return CryptoChoice.IpsecMb;
            default:
                errors.Add(text.Value.At, $"'crypto' must be \"auto\", \"gnutls\" or \"ipsec-mb\", not \"{text.Value.Value}\"");
                return null;
        }
    }

    private TrustMode? Trust(Located? text)
    {
        switch (text?.Value)
        {
            case null:
                return null;
            case "pinned":
                return TrustMode.Pinned;
            case "tofu":
                return TrustMode.FirstUse;
            default:
                errors.Add(text.Value.At, $"'trust' must be \"pinned\" or \"tofu\", not \"{text.Value.Value}\"");
                return null;
        }
    }

    private IPEndPoint? EndPoint(Located? text, string example)
    {
        if (text is not { } located)
        {
            return null;
        }

        if (IpText.TryParseEndPoint(located.Value, out IPEndPoint? endPoint))
        {
            return endPoint;
        }

        errors.Add(located.At, $"'{located.Value}' is no address and port; write one like {example}");
        return null;
    }

    private string? SocketPath(Located? text)
    {
        string? socket = NonEmptyPath(text, "socket");
        if (socket is null || Encoding.UTF8.GetByteCount(socket) <= MaxSocketPathBytes)
        {
            return socket;
        }

        errors.Add(text!.Value.At, $"the socket's path is longer than {MaxSocketPathBytes} bytes, which the kernel does not take");
        return null;
    }

    private string? NonEmptyPath(Located? text, string key)
    {
        switch (text?.Value)
        {
            case null:
                return null;
            case "":
                errors.Add(text.Value.At, $"'{key}' is empty");
                return null;
            case { } value:
                return Absolute(value);
        }
    }

    private string Absolute(string value) => Path.GetFullPath(value, Path.GetDirectoryName(path)!);
}
