using System.Buffers.Binary;
using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>
/// The connection-id table. Ids issued here are 8 bytes and random but for the first, so a number is the key and nobody outside can
/// choose them; ids that dialers made up live in a table of their own.
/// </content>
public sealed unsafe partial class QuicEndpoint
{
    private readonly Dictionary<ulong, QuicConnection> _byId = [];
    private readonly Dictionary<ConnectionId, QuicConnection> _byFirstId = [];

    /// <summary>Stateless resets carry a random id: they are known by their last 16 bytes (RFC 9000 §10.3.1).</summary>
    private readonly Dictionary<UInt128, QuicConnection> _byResetToken = [];

    internal int IdCount => _byId.Count + _byFirstId.Count + _byResetToken.Count;

    /// <summary>A fresh id that leads to the connection from now on.</summary>
    internal void IssueId(QuicConnection connection, ngtcp2_cid* id)
    {
        var bytes = new Span<byte>(id->data, QuicLimits.ConnectionIdBytes);
        ulong key;
        do
        {
            TlsPrimitives.FillRandom(bytes);
            bytes[0] = _loopNumber;
            key = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        }
        while (!_byId.TryAdd(key, connection));
        id->datalen = QuicLimits.ConnectionIdBytes;
        connection.OwnIds.Add(key);
    }

    internal void ForgetId(QuicConnection connection, ngtcp2_cid* id)
    {
        if (id->datalen == QuicLimits.ConnectionIdBytes)
        {
            var key = BinaryPrimitives.ReadUInt64BigEndian(new ReadOnlySpan<byte>(id->data, QuicLimits.ConnectionIdBytes));
            if (connection.OwnIds.Remove(key))
            {
                _byId.Remove(key);
            }
        }
    }

    internal void ForgetIds(QuicConnection connection)
    {
        foreach (var key in connection.OwnIds)
        {
            _byId.Remove(key);
        }

        connection.OwnIds.Clear();
        foreach (var token in connection.PeerResetTokens)
        {
            ForgetResetToken(connection, token);
        }

        connection.PeerResetTokens.Clear();
        ForgetFirstId(connection);
    }

    private void ForgetFirstId(QuicConnection connection)
    {
        if (connection.FirstId is { } first)
        {
            _byFirstId.Remove(first);
            connection.FirstId = null;
        }
    }

    /// <summary>16 bytes derived from the secret and the id: the same after a restart.</summary>
    internal void ResetTokenOf(ngtcp2_cid* id, byte* token)
    {
        fixed (byte* secret = _resetSecret)
        {
            if (NgTcp2Crypto.ngtcp2_crypto_generate_stateless_reset_token(token, secret, (nuint)_resetSecret.Length, id) != 0)
            {
                throw new QuicException("ngtcp2: cannot derive a stateless reset token");
            }
        }
    }

    internal void OnPeerResetToken(QuicConnection connection, bool activated, ReadOnlySpan<byte> bytes)
    {
        var token = BinaryPrimitives.ReadUInt128BigEndian(bytes);
        if (activated)
        {
            // The first owner keeps it: a peer cannot take over another's by sending a copy.
            if (_byResetToken.TryAdd(token, connection))
            {
                connection.PeerResetTokens.Add(token);
            }
        }
        else if (connection.PeerResetTokens.Remove(token))
        {
            ForgetResetToken(connection, token);
        }
    }

    private void ForgetResetToken(QuicConnection connection, UInt128 token)
    {
        if (_byResetToken.TryGetValue(token, out var owner) && owner == connection)
        {
            _byResetToken.Remove(token);
        }
    }
}
