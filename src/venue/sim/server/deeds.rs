//! What faults and drills do at once: sockets end or fall silent, odd frames, the status topic.

use serde_json::json;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::fault::{Fault, Shape};
use super::force::Deed;
use super::hub::Hub;
use super::socket::Socket;
use crate::domain::Timestamp;
use crate::venue::sim::exchange::Drill;

impl Hub {
    /// Adds a fault, which may begin at once.
    ///
    /// # Errors
    ///
    /// When it is a drill that names what the venue does not have.
    pub(super) fn add_fault(&mut self, now: Timestamp, fault: Fault) -> Result<(), String> {
        let deeds = self.faults.add(fault, now);
        deeds
            .into_iter()
            .try_for_each(|deed| self.carry_out(now, deed))
    }

    /// Begins and ends what is due.
    pub(super) fn run_faults(&mut self, now: Timestamp) {
        let n_requests = self.counters.n_requests();
        let elapsed_ms = now.since(self.started);
        for deed in self.faults.tick(now, elapsed_ms, n_requests) {
            if let Err(error) = self.carry_out(now, deed) {
                self.counters.trouble(error);
            }
        }
    }

    fn carry_out(&mut self, now: Timestamp, deed: Deed) -> Result<(), String> {
        match deed {
            Deed::Close(sockets, code) => {
                for id in self.ids(|socket| sockets.has(socket.kind)) {
                    if let Some(socket) = self.sockets.remove(&id) {
                        socket.end(code);
                    }
                }
            }
            Deed::HalfOpen(sockets) => {
                for socket in self.sockets.values_mut() {
                    if sockets.has(socket.kind) {
                        socket.half_open();
                    }
                }
            }
            Deed::EndHalfOpen => {
                for id in self.ids(|socket| socket.is_half_open) {
                    if let Some(socket) = self.sockets.remove(&id) {
                        socket.end(None);
                    }
                }
            }
            Deed::Unshuffle => self.unshuffle(),
            Deed::Frame(sockets, shape, bytes, text) => {
                let message = odd_frame(shape, bytes, text);
                for id in self.ids(|socket| sockets.has(socket.kind)) {
                    if let Some(Err(why)) = self.sockets.get(&id).map(|s| s.say(message.clone())) {
                        self.lose(id, why);
                    }
                }
            }
            Deed::Drill(drill) => return self.drill(now, &drill),
        }
        Ok(())
    }

    /// Sends what was held back for shuffling.
    pub(super) fn unshuffle(&mut self) {
        for id in self.ids(|_| true) {
            if let Some(Err(why)) = self.sockets.get_mut(&id).map(Socket::unshuffle) {
                self.lose(id, why);
            }
        }
    }

    /// Carries out a drill and tells the sockets what came of it.
    ///
    /// # Errors
    ///
    /// When it names what the venue does not have.
    pub(super) fn drill(&mut self, now: Timestamp, drill: &Drill) -> Result<(), String> {
        self.exchange.drill(now, drill)?;
        if let Drill::Maintenance { on } = drill {
            self.tell_status(now, *on);
        }
        self.dispatch();
        Ok(())
    }

    /// `system.status`, as the venue tells maintenance.
    fn tell_status(&mut self, now: Timestamp, is_on: bool) {
        let state = if is_on { "ongoing" } else { "completed" };
        let frame = json!({
            "topic": "system.status",
            "ts": now.millis(),
            "data": [{
                "id": "sim-maintenance", "title": "System maintenance", "state": state,
                "begin": now.millis().to_string(), "end": now.millis().to_string(), "href": "",
                "serviceTypes": [2, 3, 4, 5], "product": [1, 2], "uidSuffix": [],
                "maintainType": 1, "env": 1,
            }],
        });
        let text = Utf8Bytes::from(frame.to_string());
        for id in self.ids(|socket| socket.topics.contains("system.status")) {
            self.push(id, "system.status", &text);
        }
    }
}

/// A frame that no venue should send.
fn odd_frame(shape: Shape, bytes: usize, text: String) -> Message {
    match shape {
        Shape::Giant => Message::text("x".repeat(bytes)),
        Shape::Binary => Message::binary(vec![0_u8; bytes.min(64)]),
        Shape::InvalidUtf8 => Message::Frame(Frame::message(
            &b"{\"topic\":\"\xff\xfe\"}"[..],
            OpCode::Data(Data::Text),
            true,
        )),
        Shape::Text => Message::text(text),
    }
}
