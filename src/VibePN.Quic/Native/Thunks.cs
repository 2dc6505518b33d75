using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace VibePN.Quic.Native;

/// <summary>
/// What ngtcp2 and GnuTLS call. Each recovers its connection from a GCHandle and calls one method; an exception is stored
/// there and the callback-failure code returned, for one that crossed native frames would end the process.
/// </summary>
internal static unsafe class Thunks
{
    private const int Failure = NgTcp2Error.CallbackFailure;

    public static QuicConnection Owner(void* userData) => Unsafe.As<QuicConnection>(GCHandle.FromIntPtr((nint)userData).Target!);

    /// <summary><c>ngtcp2_crypto_get_conn</c>: the helper asks for the connection of a TLS session.</summary>
    [UnmanagedCallersOnly]
    public static void* GetConn(ngtcp2_crypto_conn_ref* reference) => reference->user_data;

    /// <summary><c>gnutls_certificate_verify_function</c>: 0 goes on, else the handshake fails.</summary>
    [UnmanagedCallersOnly]
    public static int VerifyPeer(void* session)
    {
        var owner = ConnectionBlock.Owner((ConnectionBlock*)GnuTls.gnutls_session_get_ptr(session));
        try
        {
            return owner.JudgePeer(session) ? 0 : -1;
        }
        catch (Exception e)
        {
            return owner.Fail(e) == 0 ? 0 : -1;
        }
    }

    [UnmanagedCallersOnly]
    public static void Rand(byte* dest, nuint destlen, void* context)
    {
        if (GnuTls.gnutls_rnd(GnuTls.RndNonce, dest, destlen) != 0)
        {
            new Span<byte>(dest, checked((int)destlen)).Clear();
        }
    }

    [UnmanagedCallersOnly]
    public static int RecvCryptoData(void* conn, int level, ulong offset, byte* data, nuint datalen, void* userData)
    {
        try
        {
            return Owner(userData).OnCryptoData(level, offset, data, datalen);
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int HandshakeCompleted(void* conn, void* userData)
    {
        try
        {
            return Owner(userData).OnHandshakeCompleted();
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int HandshakeConfirmed(void* conn, void* userData)
    {
        Owner(userData).IsHandshakeConfirmed = true;
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int RecvStreamData(
        void* conn, uint flags, long streamId, ulong offset, byte* data, nuint datalen, void* userData, void* streamUserData)
    {
        try
        {
            return Owner(userData).OnStreamData(streamId, new ReadOnlySpan<byte>(data, checked((int)datalen)), (flags & NgTcp2.StreamDataFin) != 0);
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int AckedStreamDataOffset(void* conn, long streamId, ulong offset, ulong datalen, void* userData, void* streamUserData)
    {
        try
        {
            Owner(userData).OnStreamAcked(streamId, offset + datalen);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int StreamOpen(void* conn, long streamId, void* userData)
    {
        try
        {
            Owner(userData).OnStreamOpened(streamId);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int StreamClose(void* conn, uint flags, long streamId, ulong appErrorCode, void* userData, void* streamUserData)
    {
        try
        {
            Owner(userData).OnStreamClosed(streamId);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int StreamReset(void* conn, long streamId, ulong finalSize, ulong appErrorCode, void* userData, void* streamUserData)
    {
        try
        {
            Owner(userData).OnStreamReset(streamId, appErrorCode);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int StreamStopSending(void* conn, long streamId, ulong appErrorCode, void* userData, void* streamUserData)
    {
        try
        {
            Owner(userData).OnStreamStopSending(streamId, appErrorCode);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int RecvStatelessReset(void* conn, void* reset, void* userData)
    {
        Owner(userData).WasReset = true;
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int GetNewConnectionId(void* conn, ngtcp2_cid* cid, byte* token, nuint cidlen, void* userData)
    {
        try
        {
            return Owner(userData).OnNewConnectionId(cid, token, cidlen);
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int RemoveConnectionId(void* conn, ngtcp2_cid* cid, void* userData)
    {
        try
        {
            Owner(userData).OnConnectionIdRetired(cid);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int DcidStatus(void* conn, int type, ulong sequence, ngtcp2_cid* cid, byte* token, void* userData)
    {
        try
        {
            Owner(userData).OnPeerConnectionId(activated: type == 0, token);
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int PathValidation(void* conn, uint flags, void* path, void* oldPath, int result, void* userData)
    {
        Owner(userData).PathMayHaveChanged = true;
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int RecvDatagram(void* conn, uint flags, byte* data, nuint datalen, void* userData)
    {
        try
        {
            Owner(userData).OnDatagram(new ReadOnlySpan<byte>(data, checked((int)datalen)));
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int AckDatagram(void* conn, ulong id, void* userData)
    {
        Owner(userData).OnDatagramAcked(id);
        return 0;
    }

    [UnmanagedCallersOnly]
    public static int RecvNewToken(void* conn, byte* token, nuint tokenlen, void* userData)
    {
        try
        {
            Owner(userData).OnNewToken(new ReadOnlySpan<byte>(token, checked((int)tokenlen)));
            return 0;
        }
        catch (Exception e)
        {
            return Owner(userData).Fail(e);
        }
    }

    [UnmanagedCallersOnly]
    public static int LostDatagram(void* conn, ulong id, void* userData)
    {
        Owner(userData).OnDatagramLost(id);
        return 0;
    }
}
