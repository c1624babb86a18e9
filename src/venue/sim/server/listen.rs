//! Listeners: accepts connections, with or without TLS, and serves HTTP on them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::http::{self, Door};
use super::{Shared, SimError};

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Header in which the venue reads the caller's address.
const REAL_IP: &str = "x-real-ip";

/// Bound listeners with their addresses.
pub(super) struct Listeners {
    list: Vec<(TcpListener, Door)>,
    pub(super) rest: SocketAddr,
    pub(super) ws: SocketAddr,
}

/// Binds one listener for everything, or one for REST and one for sockets.
pub(super) async fn bind(
    rest: SocketAddr,
    ws: SocketAddr,
    is_one: bool,
) -> Result<Listeners, SimError> {
    let first = bind_one(rest).await?;
    let rest = address(&first, rest)?;
    if is_one {
        let door = Door {
            rest: true,
            sockets: true,
        };
        return Ok(Listeners {
            list: vec![(first, door)],
            rest,
            ws: rest,
        });
    }
    let second = bind_one(ws).await?;
    let ws = address(&second, ws)?;
    let doors = [(true, false), (false, true)].map(|(rest, sockets)| Door { rest, sockets });
    Ok(Listeners {
        list: vec![(first, doors[0]), (second, doors[1])],
        rest,
        ws,
    })
}

async fn bind_one(addr: SocketAddr) -> Result<TcpListener, SimError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| SimError::Bind { addr, source })
}

fn address(listener: &TcpListener, addr: SocketAddr) -> Result<SocketAddr, SimError> {
    listener
        .local_addr()
        .map_err(|source| SimError::Bind { addr, source })
}

/// Accepts on every listener until the server ends.
pub(super) fn serve(shared: &Arc<Shared>, listeners: Listeners, tls: Option<&Arc<ServerConfig>>) {
    for (listener, door) in listeners.list {
        let owner = Arc::clone(shared);
        let tls = tls.cloned().map(TlsAcceptor::from);
        shared.spawn(async move { accept(owner, listener, door, tls).await });
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, door: Door, tls: Option<TlsAcceptor>) {
    let mut stop = shared.stop.subscribe();
    loop {
        let accepted = tokio::select! {
            // The end comes first.
            biased;
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = accepted else {
            // No descriptors, most likely: others have to end first.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let owner = Arc::clone(&shared);
        let tls = tls.clone();
        let caller = Caller {
            door,
            ip: peer.ip(),
        };
        shared.spawn(async move { connect(owner, stream, caller, tls).await });
    }
}

/// Who has come in, and where.
#[derive(Debug, Clone, Copy)]
struct Caller {
    door: Door,
    ip: IpAddr,
}

async fn connect(shared: Arc<Shared>, stream: TcpStream, caller: Caller, tls: Option<TlsAcceptor>) {
    // Small frames are sent as they come; a socket that is gone says so by itself.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else {
        return speak(shared, stream, caller).await;
    };
    match timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(shared, stream, caller).await,
        Ok(Err(_)) | Err(_) => shared.hub().counters.tls_failures += 1,
    }
}

async fn speak<S>(shared: Arc<Shared>, stream: S, caller: Caller)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stop = shared.stop.subscribe();
    let service = service_fn(move |mut request: Request<Incoming>| {
        // Keys may be bound to addresses; what the client says about its own is not believed.
        let headers = request.headers_mut();
        headers.remove(REAL_IP);
        if let Ok(ip) = HeaderValue::try_from(caller.ip.to_string()) {
            headers.insert(REAL_IP, ip);
        }
        http::serve(Arc::clone(&shared), caller.door, request)
    });
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        // The end comes first.
        biased;
        _ = stop.changed() => {}
        // An error is a client that went away, or a fault that ended the connection.
        _ = connection => {}
    }
}
