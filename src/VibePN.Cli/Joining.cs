using VibePN.Config;
using VibePN.Identity;

namespace VibePN.Cli;

/// <summary>
/// What <c>join</c> leaves on the host, in an order in which every step can be the last: identity, statement, config. Each is made if missing and
/// left alone if right, so that the same command leads on from wherever another one ended.
/// </summary>
internal sealed class Joining(Invite invite, TimeProvider clock)
{
    private const UnixFileMode ConfigMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Absolute, like all paths.</summary>
    public required string Config { get; init; }

    /// <summary>Null, here and below: what the config says, or the default.</summary>
    public string? Cert { get; init; }

    public string? Key { get; init; }

    public string? Name { get; init; }

    /// <summary>Own ones in the network; empty: automatic.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    public string? Listen { get; init; }

    public string? Socket { get; init; }

    public string? State { get; init; }

    /// <summary>The inviter may introduce the network's other members to this node. Said in a new entry; one that is there stays as it is.</summary>
    public bool TakesIntroductions { get; init; } = true;

    /// <exception cref="JoinException">The invite, the config and the arguments do not go together; nothing was written.</exception>
    /// <exception cref="ConfigException">The config is wrong, or would be; it was not written.</exception>
    /// <exception cref="IdentityException"/>
    /// <exception cref="IOException"/>
    /// <exception cref="UnauthorizedAccessException"/>
    public async Task WriteAsync(CancellationToken cancel)
    {
        DateTimeOffset expires = DateTimeOffset.FromUnixTimeSeconds(invite.ExpiresUtcSeconds);
        if (clock.GetUtcNow() > expires)
        {
            throw new JoinException($"the invite has expired (it was good until {expires.ToLocalTime():yyyy-MM-dd HH:mm}); ask for a new one");
        }

        if (Name is not null && invite.JoinerName is not null && Name != invite.JoinerName)
        {
            throw new JoinException($"the invite is for '{invite.JoinerName}', not for '{Name}'; leave --name out, or ask for another invite");
        }

        if (File.Exists(Config))
        {
            await AddAsync(cancel);
        }
        else
        {
            Create();
        }
    }

    /// <summary>What goes into the tunnel from now on: the inviter has chosen it.</summary>
    private string PrefixText => string.Join(", ", invite.Prefixes);

    private async Task AddAsync(CancellationToken cancel)
    {
        NodeConfig before = ConfigFile.Load(Config);
        Check("--cert", Cert, before.Identity.CertPath);
        Check("--key", Key, before.Identity.KeyPath);
        Check("--state", State, before.Node.State);
        if ((Name ?? invite.JoinerName) is { } name && name != before.Node.Name && before.Networks.All(network => network.Name != invite.Network))
        {
            throw new JoinException(invite.JoinerName is null
                ? $"this node is called '{before.Node.Name}' in {Config}, not '{name}'; leave --name out"
                : $"the invite is for '{invite.JoinerName}', and this node is called '{before.Node.Name}' in {Config}; ask for an invite with --for {before.Node.Name}");
        }

        // First whether it fits, before anything is written.
        _ = ConfigFileEdit.Plan(Config, Edit);
        PeerId self = Identify(before.Identity.CertPath, before.Identity.KeyPath, before.Node.Name);
        WriteStatement(self, before.Node.State);
        ConfigFileEdit edit = await ConfigFileEdit.ApplyAsync(Config, Edit, clock, cancel);
        Console.Out.WriteLine(edit.IsChange ? $"added network {invite.Network} ({PrefixText}) by way of {invite.InviterName} to {Config} (before: {edit.Backup})" : $"{Config} says so already");
        if (edit.IsChange && KnownPeers.Find(before, invite.Inviter, NodeLineages.Read(before.Node.State)) is null)
        {
            TellIntroductions();
        }
    }

    private void Create()
    {
        string directory = Path.GetDirectoryName(Config)!;
        NewNode node = new()
        {
            Config = Config,
            Cert = Cert ?? Path.Combine(directory, "node.crt"),
            Key = Key ?? Path.Combine(directory, "node.key"),
            Name = Name ?? invite.JoinerName ?? Names.Tame(Environment.MachineName),
            Network = invite.Network,
            Prefixes = [.. invite.Prefixes.Select(prefix => prefix.ToString())],
            Addresses = Addresses,
            Listen = Listen,
            Socket = Socket,
            State = State,
            Export = true,
        };
        if (node.Check() is { Count: > 0 } mistakes)
        {
            throw new JoinException(string.Join('\n', mistakes));
        }

        ConfigEdit edit = new(node.Render(), Config);
        Edit(edit);
        foreach (string file in new[] { Config, node.Cert, node.Key })
        {
            _ = Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        }

        PeerId self = Identify(node.Cert, node.Key, node.Name);
        WriteStatement(self, ConfigFile.Parse(edit.Text, Config).Node.State);
        AtomicFile.Write(Config, edit.Text, ConfigMode);
        Console.Out.WriteLine($"name         {node.Name}");
        Console.Out.WriteLine($"fingerprint  {self}");
        Console.Out.WriteLine($"config       {node.Config}");
        Console.Out.WriteLine($"identity     {node.Cert}, {node.Key}");
        Console.Out.WriteLine($"network      {invite.Network} ({PrefixText}) by way of {invite.InviterName}");
        TellIntroductions();
    }

    private void TellIntroductions() => Console.Out.WriteLine(TakesIntroductions
        ? $"members      {invite.InviterName} introduces the others of {invite.Network} ('introduces = true' in its entry; not with --no-introductions)"
        : $"members      {invite.InviterName} alone ('introduces = true' in its entry would make the others known)");

    /// <summary>Certificate and key as they are, or made. A key without a certificate is what a killed command has left.</summary>
    private PeerId Identify(string cert, string key, string name)
    {
        PeerId self = File.Exists(cert)
            ? NodeIdentity.Load(new IdentityConfig { CertPath = cert, KeyPath = key }).Id
            : IdentityFiles.Create(cert, key, name, clock, force: true);
        return self != invite.Inviter ? self : throw new JoinException("this invite was made by this very node; take it to another host");
    }

    private void WriteStatement(PeerId self, string state)
    {
        InviteProof proof = InviteProof.Make(invite.Id, invite.Secret.Span, self, invite.Inviter);
        new JoinFiles(state).Write(invite.Inviter, StatementCertificate.Make(proof, clock.GetUtcNow()));
    }

    /// <summary>The network if it is missing, and the inviter as a peer.</summary>
    private void Edit(ConfigEdit edit)
    {
        NodeConfig now = ConfigFile.Parse(edit.Text, Config);
        if (now.Networks.FirstOrDefault(network => network.Name == invite.Network) is not { } known)
        {
            edit.AddNetwork(invite.Network, [.. invite.Prefixes.Select(prefix => prefix.ToString())], Addresses);
        }
        else if (!known.Prefixes.Any(own => invite.Prefixes.Any(theirs => IpText.Overlap(own, theirs))))
        {
            throw new JoinException($"the network '{known.Name}' is {string.Join(", ", known.Prefixes)} in {Config} and {string.Join(", ", invite.Prefixes)} in the invite; one name, one network");
        }

        PeerConfig? present = KnownPeers.Find(now, invite.Inviter, NodeLineages.Read(now.Node.State));
        PeerConfig inviter = new()
        {
            Name = present?.Name ?? KnownPeers.FreeName(invite.InviterName, name => now.Peers.Any(peer => peer.Name == name)),
            Address = invite.Addresses[0],
            MoreAddresses = [.. invite.Addresses.Skip(1)],
            Fingerprint = present is null ? invite.Inviter : null,
            Introduces = present is null && TakesIntroductions,
            Networks = present is null || !present.Networks.Contains(invite.Network) ? [.. present?.Networks ?? [], invite.Network] : [],
        };
        if (present is null)
        {
            edit.AddPeer(inviter);
        }
        else
        {
            edit.UpdatePeer(inviter);
        }
    }

    private void Check(string option, string? given, string configured)
    {
        if (given is not null && given != configured)
        {
            throw new JoinException($"{Config} is there and says {configured}, not {given}; leave {option} out");
        }
    }
}

/// <summary>An invite that cannot be used here; the message says why, and the cure.</summary>
internal sealed class JoinException(string message) : Exception(message);
