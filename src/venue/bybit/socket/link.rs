//! One open socket: frames in, frames out, pings and signs of life.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::cause::{DownCause, shown};
use super::connector::{Dial, Io};
use super::timing::Timing;

/// Largest frame and largest message taken from the venue.
const MAX_MESSAGE: usize = 1 << 20;
/// Bytes read at once.
const READ_BUFFER: usize = 64 << 10;
/// Bytes gathered before they are written.
const WRITE_BUFFER: usize = 16 << 10;
/// Bytes that may wait for the venue to read.
const MAX_WRITE_BUFFER: usize = 512 << 10;

const PING: &str = r#"{"op":"ping"}"#;

/// An open socket.
pub(super) struct Link {
    socket: WebSocketStream<Box<dyn Io>>,
    timing: Timing,
    last_life: Instant,
    last_ping: Option<Instant>,
    next_ping: Instant,
}

impl Link {
    /// Dials and makes the handshake, both within the time allowed for connecting.
    pub(super) async fn open(dial: &dyn Dial, timing: &Timing) -> Result<Self, DownCause> {
        let connecting = async {
            let stream = dial.dial().await.map_err(|e| DownCause::Unreachable {
                host: host_of(dial.url()).to_owned(),
                message: shown(&e.to_string()),
            })?;
            let config = WebSocketConfig::default()
                .read_buffer_size(READ_BUFFER)
                .write_buffer_size(WRITE_BUFFER)
                .max_write_buffer_size(MAX_WRITE_BUFFER)
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            let (socket, _) = client_async_with_config(dial.url(), stream, Some(config)).await?;
            Ok(socket)
        };
        let socket = timeout(timing.connect, connecting)
            .await
            .unwrap_or(Err(DownCause::ConnectTimeout(timing.connect)))?;
        let now = Instant::now();
        Ok(Self {
            socket,
            timing: *timing,
            last_life: now,
            last_ping: None,
            next_ping: now + timing.ping_every,
        })
    }

    /// Writes one text frame.
    ///
    /// After an error it is unknown how much of it left; the socket is of no use any more.
    pub(super) async fn send(&mut self, text: String) -> Result<(), DownCause> {
        let wait = self.timing.write;
        match timeout(wait, self.socket.send(Message::text(text))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(DownCause::WriteTimeout(wait)),
        }
    }

    /// The next frame: its text, or `None` for a sign of life without one.
    ///
    /// May be dropped at any await without losing a frame. Pings of the protocol are answered by
    /// the socket itself.
    pub(super) async fn next(&mut self) -> Result<Option<Utf8Bytes>, DownCause> {
        let message = match self.socket.next().await {
            Some(message) => message?,
            None => return Err(closed(None, "")),
        };
        self.last_life = Instant::now();
        match message {
            Message::Text(text) => Ok(Some(text)),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(Some(frame)) => Err(closed(Some(frame.code.into()), &frame.reason)),
            Message::Close(None) => Err(closed(None, "")),
            Message::Binary(_) | Message::Frame(_) => {
                Err(DownCause::BadFrame("binary where text is due".to_owned()))
            }
        }
    }

    /// Moment of the next ping.
    pub(super) const fn next_ping(&self) -> Instant {
        self.next_ping
    }

    /// Sends a ping when it is time for one.
    pub(super) async fn ping_if_due(&mut self, now: Instant) -> Result<(), DownCause> {
        if now < self.next_ping {
            return Ok(());
        }
        self.next_ping = now + self.timing.ping_every;
        self.send(PING.to_owned()).await?;
        self.last_ping = Some(now);
        Ok(())
    }

    /// Tells whether the other side has been silent for too long.
    ///
    /// Only to be asked when there is nothing left to read.
    pub(super) fn check_life(&self, now: Instant) -> Result<(), DownCause> {
        let silence = now.saturating_duration_since(self.last_life);
        let was_asked = self.last_ping.is_some_and(|ping| ping >= self.last_life);
        if was_asked && silence >= self.timing.silence {
            return Err(DownCause::Silent(silence));
        }
        Ok(())
    }

    /// Says goodbye if that is possible at once, and hangs up.
    pub(super) async fn close(mut self) {
        let wait: Duration = self.timing.close;
        // Whether the other side hears it makes no difference any more.
        let said = timeout(wait, self.socket.close(None)).await;
        tracing::trace!(is_heard = said.is_ok(), "socket closed");
    }
}

fn closed(code: Option<u16>, reason: &str) -> DownCause {
    DownCause::Closed {
        code,
        reason: if reason.is_empty() {
            "no reason given".to_owned()
        } else {
            shown(reason)
        },
    }
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}
