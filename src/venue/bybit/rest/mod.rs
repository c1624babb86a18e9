//! Calls over HTTPS: written, signed, sent once and read.
//!
//! Each call is admitted by the budgets, stamped with the venue's time, signed over the bytes
//! that go out, and ends as an [`Answer`] or as a [`RestError`] that says whether the request
//! may have arrived. Nothing is repeated here and no code is judged: whoever calls decides.
//! Source: Bybit v5, guide.

mod answer;
mod call;
mod client;
mod error;
mod pages;
mod query;
mod resolver;
mod settings;
mod tls;
mod transport;

pub use answer::Answer;
pub use client::RestClient;
pub use error::{BuildError, RestError, Step};
pub use pages::PageEnd;
pub use query::Query;
pub use settings::{RestSettings, Timeouts};
pub use tls::{TlsError, client_config};

/// How long a signed read stays valid, in ms.
pub const READ_WINDOW_MS: u32 = 5_000;
/// How long an order stays valid, in ms: short, so that one that got stuck does not come late.
pub const ORDER_WINDOW_MS: u32 = 3_000;

/// Whether a call needs the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody may ask.
    Public,
    /// Only the account.
    Signed,
}
