//! Sockets that stay connected.
//!
//! One task per connection dials, logs in, subscribes, pings, notices silence and starts again
//! after a growing wait. Connections and their losses are values in the stream of events, so a
//! reader sees them in their place among the frames. [`shards`] spreads topics over few
//! connections, [`trade`] carries orders and matches their answers.
//!
//! Nothing here understands what a frame says beyond its topic, and nothing is replayed: what
//! was missed while a socket was down has to be read over REST. Whoever opens a socket owns its
//! task and ends it with `close`.

pub mod backoff;
mod cause;
pub mod connection;
pub mod connector;
mod control;
mod event;
mod link;
mod login;
mod mailbox;
mod pace;
pub mod shards;
mod subscriptions;
pub mod timing;
pub mod topics;
pub mod trade;

pub use cause::DownCause;
pub use connection::{Socket, SocketOptions};
pub use event::{SocketEvent, SocketEvents};
pub use login::{SocketAuth, VenueNow};
pub use mailbox::SocketHandle;
pub use timing::Timing;
pub use tokio_tungstenite::tungstenite::Utf8Bytes;
pub use topics::{RequestLimits, SubscribeError, Topic};
