//! Messages of the venue as they are written on the wire.
//!
//! Types with the venue's field names, read tolerantly (unknown fields are ignored, unknown names
//! are kept as text, what is missing is `None`) and strictly where it counts: a number that is
//! none makes an error that names the field and the value. Nothing here sends, signs, waits or
//! decides; classes of answer codes are in [`super::codes`].
//!
//! The same types write the messages back, so that a simulated venue speaks as the real one does.

pub mod account;
pub mod control;
pub mod envelope;
pub mod error;
pub mod execution;
mod head;
pub mod instrument;
pub mod levels;
pub mod market;
pub mod names;
pub mod number;
pub mod order;
pub mod position;
pub mod private;
pub mod public;
pub mod request;
pub mod trade;

#[cfg(test)]
mod tests;

pub use control::{Control, Refusal, RefusalReason, SocketRequest};
pub use envelope::{Answer, Envelope, Page};
pub use error::{WireError, from_json};
pub use number::Field;
pub use private::{PrivateFrame, Push, parse_private};
pub use public::{PublicFrame, parse_public};
pub use trade::{TradeFrame, TradeReply, TradeRequest, parse_trade};
