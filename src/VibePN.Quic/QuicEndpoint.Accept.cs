using VibePN.Quic.Native;

namespace VibePN.Quic;

/// <content>Strangers' first packets: bounded per second and in number; above a rate only for those who prove their address.</content>
public sealed unsafe partial class QuicEndpoint
{
    private const ulong TransportInvalidToken = 0xb;

    private RateWindow _initialRate;
    private RateWindow _badTokenRate;

    private void ReceiveInitial(in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, byte* data, Instant now)
    {
        ngtcp2_pkt_hd initial;
        if (NgTcp2.ngtcp2_accept(&initial, data, (nuint)datagram.Length) != 0)
        {
            _stats = _stats with { DroppedUnknownConnection = _stats.DroppedUnknownConnection + 1 };
            return;
        }

        if (AcceptAlpn.Count == 0)
        {
            _stats = _stats with { DroppedNotAccepting = _stats.DroppedNotAccepting + 1 };
            return;
        }

        ngtcp2_cid original = initial.dcid;
        var token = new ReadOnlySpan<byte>(initial.token, (int)initial.tokenlen);
        if (!token.IsEmpty && token[0] == NgTcp2Crypto.TokenMagicRegular && VerifyNewToken(path, token, now))
        {
            // Was connected from this address before: served however many strangers knock.
        }
        else if (token.IsEmpty || token[0] != NgTcp2Crypto.TokenMagicRetry2)
        {
            // No token, or one of another kind: unvalidated.
            token = default;
            var rate = _initialRate.Count(now.Nanos);
            if (rate > _dropAbovePerSecond || initial.dcid.datalen < QuicLimits.ConnectionIdBytes)
            {
                _stats = _stats with { DroppedInitialRate = _stats.DroppedInitialRate + 1 };
                return;
            }

            if (rate > _retryAbovePerSecond)
            {
                AnswerWithRetry(path, &initial, now);
                return;
            }
        }
        else if (!VerifyRetryToken(path, &initial, token, &original, now))
        {
            AnswerInvalidToken(path, &initial, now);
            return;
        }

        // Whoever proved an address has as many places again.
        if (_handshakes >= (token.IsEmpty ? _maxHandshakes : 2 * _maxHandshakes))
        {
            _stats = _stats with { DroppedHandshakeLimit = _stats.DroppedHandshakeLimit + 1 };
            return;
        }

        Accept(path, ecn, datagram, &initial, &original, token, now);
    }

    private void Accept(
        in QuicPath path, byte ecn, ReadOnlySpan<byte> datagram, ngtcp2_pkt_hd* initial, ngtcp2_cid* original, ReadOnlySpan<byte> token, Instant now)
    {
        QuicConnection connection;
        try
        {
            connection = QuicConnection.Accept(this, path, initial, original, token, now);
        }
        catch (QuicException)
        {
            // Memory or the library: the dialer tries again.
            _stats = _stats with { DroppedHandshakeLimit = _stats.DroppedHandshakeLimit + 1 };
            return;
        }

        connection.IsHalfOpen = true;
        _handshakes++;
        var firstId = new ConnectionId(new ReadOnlySpan<byte>(initial->dcid.data, (int)initial->dcid.datalen));
        connection.FirstId = firstId;
        _byFirstId[firstId] = connection;
        var result = connection.Receive(_receivePath, ecn, datagram, now);
        if (result is NgTcp2Error.Retry or NgTcp2Error.DropConn)
        {
            // Not the start of a handshake, or not all of it: no connection came of it.
            connection.ListIndex = -1;
            connection.Leave();
            if (result == NgTcp2Error.Retry)
            {
                AnswerWithRetry(path, initial, now);
            }
            else
            {
                _stats = _stats with { DroppedMalformed = _stats.DroppedMalformed + 1 };
            }

            return;
        }

        Add(connection);
        _stats = _stats with { Accepted = _stats.Accepted + 1 };
        connection.TellAccepted();
        EndDelivery(path);
        if (result != 0)
        {
            connection.CloseAfterError(result);
        }
        else
        {
            _delivered = connection;
        }
    }

    private void AnswerWithRetry(in QuicPath path, ngtcp2_pkt_hd* initial, Instant now)
    {
        var slot = _stateless.Reserve();
        if (slot.IsEmpty)
        {
            _stats = _stats with { DroppedStatelessLimit = _stats.DroppedStatelessLimit + 1 };
            return;
        }

        ngtcp2_cid id;
        id.datalen = QuicLimits.ConnectionIdBytes;
        TlsPrimitives.FillRandom(new Span<byte>(id.data, QuicLimits.ConnectionIdBytes));
        id.data[0] = _loopNumber;
        var remote = path.Remote;
        var token = stackalloc byte[NgTcp2Crypto.MaxRetryTokenBytes];
        fixed (byte* secret = _tokenSecret, address = remote.Bytes, destination = slot)
        {
            var tokenBytes = NgTcp2Crypto.ngtcp2_crypto_generate_retry_token2(
                token, secret, (nuint)_tokenSecret.Length, initial->version, address, (uint)remote.Length, &id, &initial->dcid, now.Nanos);
            if (tokenBytes <= 0)
            {
                return;
            }

            var written = NgTcp2Crypto.ngtcp2_crypto_write_retry(
                destination, (nuint)slot.Length, initial->version, &initial->scid, &id, &initial->dcid, token, (nuint)tokenBytes);
            if (written > 0)
            {
                _stateless.Commit((int)written, path);
                _stats = _stats with { RetriesSent = _stats.RetriesSent + 1 };
            }
        }
    }

    private bool VerifyRetryToken(in QuicPath path, ngtcp2_pkt_hd* initial, ReadOnlySpan<byte> token, ngtcp2_cid* original, Instant now)
    {
        var remote = path.Remote;
        fixed (byte* secret = _tokenSecret, address = remote.Bytes, bytes = token)
        {
            return NgTcp2Crypto.ngtcp2_crypto_verify_retry_token2(
                original, bytes, (nuint)token.Length, secret, (nuint)_tokenSecret.Length, initial->version, address, (uint)remote.Length,
                &initial->dcid, QuicLimits.RetryTokenLifetimeNanos, now.Nanos) == 0;
        }
    }

    /// <summary>Makes the token that the peer at the other end of a path may dial with next time.</summary>
    /// <returns>Its length; 0: none could be made.</returns>
    internal int WriteNewToken(in QuicPath path, Span<byte> token, Instant now)
    {
        var remote = path.Remote;
        fixed (byte* secret = _tokenSecret, address = remote.Bytes, destination = token)
        {
            var bytes = NgTcp2Crypto.ngtcp2_crypto_generate_regular_token(
                destination, secret, (nuint)_tokenSecret.Length, address, (uint)remote.Length, UtcNanos(now));
            return Math.Max(0, (int)bytes);
        }
    }

    private bool VerifyNewToken(in QuicPath path, ReadOnlySpan<byte> token, Instant now)
    {
        var remote = path.Remote;
        fixed (byte* secret = _tokenSecret, address = remote.Bytes, bytes = token)
        {
            return NgTcp2Crypto.ngtcp2_crypto_verify_regular_token(
                bytes, (nuint)token.Length, secret, (nuint)_tokenSecret.Length, address, (uint)remote.Length,
                QuicLimits.NewTokenLifetimeNanos, UtcNanos(now)) == 0;
        }
    }

    /// <summary>Tokens outlive a reboot, which the time since boot does not.</summary>
    private static ulong UtcNanos(Instant now) => (ulong)Math.Max(0, now.UtcSeconds) * 1_000_000_000;

    /// <summary>A Retry token that is not ours, too old or from another address (RFC 9000 §8.1.2): the dialer learns it at once.</summary>
    private void AnswerInvalidToken(in QuicPath path, ngtcp2_pkt_hd* initial, Instant now)
    {
        _stats = _stats with { DroppedBadToken = _stats.DroppedBadToken + 1 };
        var slot = _stateless.Reserve();
        if (slot.IsEmpty || _badTokenRate.Count(now.Nanos) > QuicLimits.InvalidTokenAnswersPerSecond)
        {
            _stats = _stats with { DroppedStatelessLimit = _stats.DroppedStatelessLimit + 1 };
            return;
        }

        fixed (byte* destination = slot)
        {
            var written = NgTcp2Crypto.ngtcp2_crypto_write_connection_close(
                destination, (nuint)slot.Length, initial->version, &initial->scid, &initial->dcid, TransportInvalidToken, null, 0);
            if (written > 0)
            {
                _stateless.Commit((int)written, path);
            }
        }
    }
}
