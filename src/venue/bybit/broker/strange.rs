//! What the venue said and this program has no word for.
//!
//! It is handed on as it came, so that a person can look at it and a session can pause.

use crate::domain::{InstrumentId, Timestamp};

/// Why something is strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrangeKind {
    /// An execution of a kind that nobody here knows, or without what every execution has: the
    /// position may have moved.
    Execution,
    /// A fee in a coin without a price: the fill counts, its fee does not.
    Fee,
    /// An order of ours in a state that nobody here knows.
    OrderStatus,
    /// Something traded that is not in this session.
    Elsewhere,
    /// A symbol of this session is in hedge mode: no order of ours would be right.
    HedgeMode,
}

/// Something that the venue said and that is no event of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrangeEvent {
    /// Why it is strange.
    pub kind: StrangeKind,
    /// Instrument; `None` when the session does not trade it.
    pub instrument: Option<InstrumentId>,
    /// The venue's symbol.
    pub symbol: String,
    /// What was said, in the venue's names; without control characters.
    pub text: String,
    /// The venue's time, where it gives one.
    pub at: Option<Timestamp>,
}
