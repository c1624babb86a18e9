//! One connection of a socket: reads frames, writes what its queue holds, answers pings.
//!
//! Everything a client is told goes through the queue, so that answers and pushes keep the
//! venue's order. Protocol pings are answered by the WebSocket library.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Shared;
use super::socket::{Fate, Line, Out, QUEUE};

/// Largest frame that a client may send.
const MOST_READ: usize = 1 << 20;
/// Frames that are written before the socket is flushed and read again.
const BATCH: usize = 64;
/// How often idle connections are looked for (Bybit v5, websocket/connect).
const IDLE_EVERY: Duration = Duration::from_secs(30);
/// How long an idle private or order-entry connection lives (Bybit v5, websocket/connect).
const MAX_ACTIVE: Duration = Duration::from_mins(10);
/// How long a client may take to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(1);

/// Settings of the WebSocket protocol.
pub(super) fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MOST_READ))
        .max_frame_size(Some(MOST_READ))
}

/// `max_active_time` of a query such as `max_active_time=1m`: 30 s to 600 s. Anything else is
/// ten minutes.
pub(super) fn max_active(query: &str) -> Duration {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("max_active_time="))
        .and_then(|text| {
            let (number, factor) = match (text.strip_suffix('m'), text.strip_suffix('s')) {
                (Some(minutes), _) => (minutes, 60),
                (None, Some(seconds)) => (seconds, 1),
                (None, None) => (text, 1),
            };
            let seconds = number.parse::<u64>().ok()?.checked_mul(factor)?;
            (30..=600)
                .contains(&seconds)
                .then(|| Duration::from_secs(seconds))
        })
        .unwrap_or(MAX_ACTIVE)
}

/// Why a connection is not served any more.
enum Over {
    /// The client is gone, or broke the protocol.
    Gone,
    /// It ends in order.
    Done,
    /// Its fate has changed.
    Fated,
}

/// A connection that is served.
struct Connection<S> {
    stream: WebSocketStream<S>,
    line: Line,
    late: VecDeque<(Instant, Message)>,
    heard: Instant,
    idle_after: Option<Duration>,
}

/// Serves a connection to its end.
pub(super) async fn serve<S>(
    shared: Arc<Shared>,
    id: u64,
    stream: WebSocketStream<S>,
    line: Line,
    idle_after: Option<Duration>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection {
        stream,
        line,
        late: VecDeque::new(),
        heard: Instant::now(),
        idle_after,
    };
    loop {
        let fate = *connection.line.fate.borrow_and_update();
        match fate {
            Fate::Served => {
                // A write that the client does not read must not outlive a change of fate.
                let mut fate = connection.line.fate.clone();
                let over = tokio::select! {
                    // The end comes before whatever else could be done.
                    biased;
                    changed = fate.changed() => match changed {
                        Ok(()) => Over::Fated,
                        Err(_) => Over::Done,
                    },
                    over = connection.run(&shared, id) => over,
                };
                match over {
                    Over::Fated => {}
                    Over::Gone => break,
                    Over::Done => {
                        connection.goodbye(None).await;
                        break;
                    }
                }
            }
            Fate::HalfOpen => {
                if connection.line.fate.changed().await.is_err() {
                    break;
                }
            }
            Fate::Ends(code) => {
                if let Some(code) = code {
                    connection.goodbye(Some(code)).await;
                }
                break;
            }
        }
    }
    shared.hub().closed(id);
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self, shared: &Shared, id: u64) -> Over {
        let mut idle = interval(IDLE_EVERY);
        idle.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let late = self.late.front().map(|(due, _)| *due);
            tokio::select! {
                // What clients say comes first: a flood of pushes must not starve their pings.
                // Then late frames, which have waited longest.
                biased;
                message = self.stream.next() => match message {
                    Some(Ok(message)) => {
                        self.heard = Instant::now();
                        if let Message::Text(text) = message {
                            shared.hear(id, &text);
                        }
                    }
                    Some(Err(_)) | None => return Over::Gone,
                },
                () = sleep_until(late.unwrap_or_else(Instant::now)), if late.is_some() => {
                    if let Some((_, message)) = self.late.pop_front()
                        && self.stream.send(message).await.is_err()
                    {
                        return Over::Gone;
                    }
                }
                out = self.line.out.recv() => {
                    if let Err(over) = self.write(out).await {
                        return over;
                    }
                }
                _ = idle.tick() => {
                    if self.idle_after.is_some_and(|limit| limit <= self.heard.elapsed()) {
                        return Over::Done;
                    }
                }
            }
        }
    }

    /// Writes what waits, up to a batch, and flushes.
    async fn write(&mut self, first: Option<Out>) -> Result<(), Over> {
        // The hub has let go of the socket: its fate says why, or it just ends.
        let mut next = Some(first.ok_or(Over::Done)?);
        let mut barriers = Vec::new();
        let mut is_end = false;
        let mut left = BATCH;
        while let Some(out) = next.take() {
            match out {
                Out::Frame(message, delay) if delay.is_zero() => {
                    self.stream.feed(message).await.map_err(|_| Over::Gone)?;
                }
                Out::Frame(message, delay) => self.put_off(message, delay)?,
                Out::Barrier(done) => barriers.push(done),
                Out::End => {
                    is_end = true;
                    break;
                }
            }
            left -= 1;
            if 0 < left {
                next = self.line.out.try_recv().ok();
            }
        }
        self.stream.flush().await.map_err(|_| Over::Gone)?;
        for done in barriers {
            let _gave_up = done.send(()).is_err();
        }
        if is_end { Err(Over::Done) } else { Ok(()) }
    }

    /// Keeps a frame for later; never before one that was kept earlier.
    fn put_off(&mut self, message: Message, delay: Duration) -> Result<(), Over> {
        if QUEUE <= self.late.len() {
            return Err(Over::Gone);
        }
        let due = Instant::now() + delay;
        let due = self.late.back().map_or(due, |(last, _)| due.max(*last));
        self.late.push_back((due, message));
        Ok(())
    }

    /// Says goodbye and waits a moment for the same.
    async fn goodbye(&mut self, code: Option<u16>) {
        let frame = code.map(|code| CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        });
        let parting = async {
            self.stream.close(frame).await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<_, Error>(())
        };
        // A client that does not answer is left.
        drop(timeout(GOODBYE, parting).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idle_limit_is_read_within_its_bounds() {
        for (query, seconds) in [
            ("", 600),
            ("max_active_time=30s", 30),
            ("a=b&max_active_time=1m", 60),
            ("max_active_time=45", 45),
            ("max_active_time=29s", 600),
            ("max_active_time=11m", 600),
            ("max_active_time=x", 600),
        ] {
            assert_eq!(max_active(query), Duration::from_secs(seconds), "{query}");
        }
    }
}
