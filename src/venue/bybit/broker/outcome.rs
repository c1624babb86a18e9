//! What became of a request, from what came back.
//!
//! Pure. The classes of answer codes are those of [`codes`](crate::venue::bybit::codes): what is
//! not listed there is unknown, never refused.

use super::words::{of_code, plain, rejection};
use crate::domain::{OrderSpec, RejectReason, Timestamp};
use crate::venue::broker::{CancelSent, Submitted};
use crate::venue::bybit::codes::{AnswerClass, HttpClass, class_of_write, http_class};
use crate::venue::bybit::rest::RestError;

/// An answer with a code, whichever way it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) code: i64,
    pub(super) message: String,
    /// The venue's name of the order, where it was taken.
    pub(super) order_id: Option<String>,
    /// When there is room again, by the local clock, should this be a refusal by a limiter.
    pub(super) until: Timestamp,
}

impl Verdict {
    pub(super) const fn class(&self) -> AnswerClass {
        class_of_write(self.code)
    }

    fn text(&self) -> String {
        of_code(self.code, &self.message)
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// A code.
    Answer(Verdict),
    /// The request never left.
    NotSent(String),
    /// The venue has locked the address out instead of reading the request.
    LockedOut(Timestamp),
    /// The venue has refused us before reading the request.
    Refused(String),
    /// The venue has no place for such a request.
    NoPlace(String),
    /// Nobody knows.
    Unknown(String),
}

/// What a call without an answer leaves; a lock-out ends at `until`.
pub(super) fn of_error(error: &RestError, until: Timestamp) -> Reply {
    let text = plain(&error.to_string());
    match error {
        RestError::NotSent { .. } | RestError::Limited { .. } | RestError::Banned { .. } => {
            Reply::NotSent(text)
        }
        RestError::NoAnswer { .. } | RestError::Unparsable { .. } => Reply::Unknown(text),
        RestError::Http { status, body, .. } => match http_class(*status, body) {
            HttpClass::Banned => Reply::LockedOut(until),
            HttpClass::Refused => Reply::Refused(text),
            HttpClass::NotFound => Reply::NoPlace(text),
            // A status of success is never an error; were it one, nothing would be known.
            HttpClass::Ok | HttpClass::Limited | HttpClass::Ambiguous => Reply::Unknown(text),
        },
    }
}

/// What became of a create.
pub(super) fn submitted(reply: &Reply, spec: &OrderSpec) -> Submitted {
    let verdict = match reply {
        Reply::Answer(verdict) => verdict,
        Reply::NotSent(text) => return Submitted::NotSent(text.clone()),
        Reply::LockedOut(until) => return Submitted::Limited { until: *until },
        Reply::Refused(text) => return Submitted::Refused(text.clone()),
        Reply::NoPlace(text) => return Submitted::Rejected(RejectReason::Rule(text.clone())),
        Reply::Unknown(text) => return Submitted::Unknown(text.clone()),
    };
    match verdict.class() {
        AnswerClass::Accepted => Submitted::Accepted,
        AnswerClass::Exists => Submitted::Exists,
        AnswerClass::Limited => Submitted::Limited {
            until: verdict.until,
        },
        AnswerClass::Authority => Submitted::Refused(verdict.text()),
        // The clock was measured again before it came to this: the refusal stands.
        AnswerClass::Funds => Submitted::Rejected(RejectReason::Funds(verdict.text())),
        AnswerClass::Structure | AnswerClass::VenueState | AnswerClass::Clock => {
            Submitted::Rejected(rejection(verdict.code, &verdict.message, spec))
        }
        // No answer to a create: whatever it means, it proves nothing.
        AnswerClass::Ambiguous | AnswerClass::Gone | AnswerClass::Unchanged => {
            Submitted::Unknown(verdict.text())
        }
    }
}

/// What became of a cancel.
pub(super) fn cancelled(reply: &Reply) -> CancelSent {
    let verdict = match reply {
        Reply::Answer(verdict) => verdict,
        Reply::NotSent(text) | Reply::NoPlace(text) => return CancelSent::NotSent(text.clone()),
        Reply::LockedOut(until) => {
            let text = format!("the address is locked out until {until}");
            return CancelSent::NotSent(text);
        }
        Reply::Refused(text) => return CancelSent::Refused(text.clone()),
        Reply::Unknown(text) => return CancelSent::Unknown(text.clone()),
    };
    match verdict.class() {
        AnswerClass::Accepted | AnswerClass::Unchanged => CancelSent::Accepted,
        AnswerClass::Gone => CancelSent::Gone,
        AnswerClass::Authority => CancelSent::Refused(verdict.text()),
        AnswerClass::Limited => {
            let (text, until) = (verdict.text(), verdict.until);
            CancelSent::NotSent(format!("{text}; not before {until}"))
        }
        // Refused for certain: it is as if it had never left.
        AnswerClass::Clock
        | AnswerClass::Funds
        | AnswerClass::Structure
        | AnswerClass::VenueState => CancelSent::NotSent(verdict.text()),
        AnswerClass::Ambiguous | AnswerClass::Exists => CancelSent::Unknown(verdict.text()),
    }
}
