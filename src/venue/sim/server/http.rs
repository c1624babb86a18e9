//! The HTTP side: REST requests with their faults, upgrades to sockets, the control plane's door.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    UPGRADE,
};
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::fault::{BanReason, RequestAct};
use super::force::Refusal;
use super::hub::{Later, OwnedCall};
use super::socket::SocketKind;
use super::{Shared, connection, control};
use crate::venue::sim::exchange::{Method, Reply};

/// Largest body of a request.
const MOST_BODY: usize = 1 << 20;

/// The page that stands in for an answer.
pub(super) const HTML: &str = "<html><head><title>502 Bad Gateway</title></head>\
    <body><center><h1>502 Bad Gateway</h1></center></body></html>";

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Door {
    /// REST and the control plane.
    pub(super) rest: bool,
    /// Sockets.
    pub(super) sockets: bool,
}

/// The connection ends without an answer.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the connection ends here")]
pub(super) struct Ended;

/// Body of an answer, perhaps one that breaks off.
#[derive(Debug)]
pub(super) struct Answer {
    data: Option<Bytes>,
    declared: u64,
    /// Polls until it breaks; `None` is a whole body.
    breaks_in: Option<u8>,
}

impl Answer {
    pub(super) fn whole(text: impl Into<Bytes>) -> Self {
        let data = text.into();
        Self {
            declared: data.len() as u64,
            data: (!data.is_empty()).then_some(data),
            breaks_in: None,
        }
    }

    /// The first `bytes` of a text, after which the connection breaks.
    fn broken(text: String, bytes: usize) -> Self {
        let mut data = Bytes::from(text);
        // One more byte is promised than comes, even where the cut lies behind the end.
        let declared = data.len() as u64 + u64::from(data.len() <= bytes);
        data.truncate(bytes);
        Self {
            data: (!data.is_empty()).then_some(data),
            declared,
            breaks_in: Some(2),
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Ended;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Ended>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.breaks_in {
            None => Poll::Ready(None),
            Some(0) => Poll::Ready(Some(Err(Ended))),
            // What is written so far is flushed while the body is not ready.
            Some(left) => {
                self.breaks_in = Some(left - 1);
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.breaks_in.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.declared)
    }
}

/// Serves one request of a door.
pub(super) async fn serve(
    shared: Arc<Shared>,
    door: Door,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Ended> {
    let path = request.uri().path();
    if let Some(kind) = SocketKind::of_path(path)
        && door.sockets
        && request.headers().contains_key(SEC_WEBSOCKET_KEY)
    {
        return upgrade(&shared, kind, request);
    }
    if !door.rest {
        return Ok(plain(StatusCode::NOT_FOUND, "no such socket"));
    }
    if path.starts_with("/sim/") || path == "/sim" {
        return Ok(control::serve(&shared, request).await);
    }
    rest(&shared, request).await
}

/// Reads a body of reasonable size.
pub(super) async fn read_body(body: Incoming) -> Result<Bytes, Ended> {
    let collected = Limited::new(body, MOST_BODY).collect().await;
    collected.map(Collected::to_bytes).map_err(|_| Ended)
}

async fn rest(shared: &Shared, request: Request<Incoming>) -> Result<Response<Answer>, Ended> {
    let (parts, body) = request.into_parts();
    let method = match parts.method {
        hyper::Method::GET => Method::Get,
        hyper::Method::POST => Method::Post,
        _ => return Ok(plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or POST")),
    };
    let call = OwnedCall {
        method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: read_body(body).await?,
        headers: parts.headers,
    };
    let (act, reply) = begin(shared, &call)?;
    finish(act, reply).await
}

/// What is known of an answer when the hub is released.
enum Begun {
    Whole(Reply),
    Broken(Reply, usize),
    /// Wait until it is let go.
    Late(Reply, oneshot::Receiver<()>),
    /// Wait for the venue.
    Held(oneshot::Receiver<Reply>),
    None,
}

/// Everything that happens to a request under the hub's mutex.
fn begin(shared: &Shared, call: &OwnedCall) -> Result<(Option<RequestAct>, Begun), Ended> {
    let mut hub = shared.hub();
    let now = hub.now();
    hub.settle(now, usize::MAX);
    hub.counters.request(&call.path);
    hub.counters.signed += u64::from(is_signed(&call.headers));
    if call.path.starts_with("/v5/order/create") {
        let body = String::from_utf8_lossy(&call.body).into_owned();
        hub.counters.create(&body);
    }
    if hub.faults.is_offline() {
        return Err(Ended);
    }
    if let Some(reason) = hub.faults.ban() {
        return Ok((None, Begun::Whole(forbidden(reason))));
    }
    let act = hub.faults.request(&call.path);
    let begun = match &act {
        None => Begun::Whole(hub.rest(now, call)),
        Some(RequestAct::DropRequest {}) => Begun::None,
        Some(RequestAct::DropReply {}) => {
            drop(hub.rest(now, call));
            Begun::None
        }
        Some(RequestAct::Delay { ms }) => {
            let reply = hub.rest(now, call);
            let (release, released) = oneshot::channel();
            hub.schedule(now, *ms, Later::Release(release));
            Begun::Late(reply, released)
        }
        Some(RequestAct::Truncate { bytes, clean }) => {
            let mut reply = hub.rest(now, call);
            if *clean {
                reply.body = reply.body.chars().take(*bytes).collect();
                Begun::Whole(reply)
            } else {
                Begun::Broken(reply, *bytes)
            }
        }
        Some(RequestAct::Html { status, effect }) => {
            if *effect {
                drop(hub.rest(now, call));
            }
            Begun::Whole(page(*status, HTML))
        }
        Some(RequestAct::Status {
            status,
            body,
            effect,
        }) => {
            if *effect {
                drop(hub.rest(now, call));
            }
            Begun::Whole(Reply {
                status: *status,
                headers: Vec::new(),
                body: body.clone(),
            })
        }
        Some(RequestAct::Duplicate { second }) => {
            let replies = [hub.rest(now, call), hub.rest(now, call)];
            let [first, again] = replies;
            Begun::Whole(if *second { again } else { first })
        }
        Some(RequestAct::Hold { ms }) => {
            let (answer, answered) = oneshot::channel();
            hub.schedule(now, *ms, Later::Call(Box::new(call.clone()), answer));
            Begun::Held(answered)
        }
    };
    Ok((act, begun))
}

/// Gives the answer, perhaps later or not at all.
async fn finish(act: Option<RequestAct>, begun: Begun) -> Result<Response<Answer>, Ended> {
    if let Some(act) = act {
        tracing::info!(kind = act.name(), "a fault hits a request");
    }
    match begun {
        Begun::Whole(reply) => Ok(response(reply)),
        Begun::Broken(reply, bytes) => {
            let (parts, _) = response(Reply {
                body: String::new(),
                ..reply.clone()
            })
            .into_parts();
            Ok(Response::from_parts(
                parts,
                Answer::broken(reply.body, bytes),
            ))
        }
        Begun::Late(reply, released) => {
            released.await.map_err(|_| Ended)?;
            Ok(response(reply))
        }
        Begun::Held(answered) => Ok(response(answered.await.map_err(|_| Ended)?)),
        Begun::None => Err(Ended),
    }
}

fn is_signed(headers: &HeaderMap) -> bool {
    headers.contains_key("x-bapi-api-key") || headers.contains_key("x-bapi-sign")
}

fn forbidden(reason: BanReason) -> Reply {
    let text = match reason {
        BanReason::Ip => "access too frequent",
        BanReason::Region => "access from your country is not allowed",
    };
    page(
        403,
        &format!("<html><head><title>403 Forbidden</title></head><body>{text}</body></html>"),
    )
}

fn page(status: u16, html: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: html.to_owned(),
    }
}

/// A reply of the venue as a response.
fn response(reply: Reply) -> Response<Answer> {
    let mut response = Response::new(Answer::whole(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// A status with a line of text.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Answer> {
    let body = json!({ "error": text }).to_string();
    json_response(status, body)
}

/// A status with JSON.
pub(super) fn json_response(status: StatusCode, body: String) -> Response<Answer> {
    response(Reply {
        status: status.as_u16(),
        headers: Vec::new(),
        body,
    })
}

/// Turns a request into a socket, unless a fault refuses it.
fn upgrade(
    shared: &Arc<Shared>,
    kind: SocketKind,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Ended> {
    let refusal = {
        let mut hub = shared.hub();
        let now = hub.now();
        hub.settle(now, usize::MAX);
        let refusal = hub.faults.connect(kind);
        if refusal.is_some() {
            *hub.counters.refused.entry(kind.name()).or_default() += 1;
        }
        refusal
    };
    match refusal {
        Some(Refusal::Ends) => return Err(Ended),
        Some(Refusal::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            return Ok(plain(status, "refused by a fault"));
        }
        None => {}
    }
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return Ok(plain(
            StatusCode::BAD_REQUEST,
            "sec-websocket-key is missing",
        ));
    };
    let accept = derive_accept_key(key.as_bytes());
    let idle_after = (!kind.is_public())
        .then(|| connection::max_active(request.uri().query().unwrap_or_default()));
    let owner = Arc::clone(shared);
    shared.spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let (id, line) = owner.hub().open(kind);
        let io = TokioIo::new(upgraded);
        let stream =
            WebSocketStream::from_raw_socket(io, Role::Server, Some(connection::settings())).await;
        connection::serve(owner, id, stream, line, idle_after).await;
    });
    let mut response = Response::new(Answer::whole(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::try_from(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}
