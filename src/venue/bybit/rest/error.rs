//! Why there is no answer, told apart by what may have happened to the request.
//!
//! What an answer means for an order is not decided here.

use std::error::Error as StdError;

use crate::domain::Timestamp;
use crate::venue::bybit::credentials::Credentials;
use crate::venue::bybit::hosts::HostError;

use super::resolver::ResolveError;

/// Characters of a body that an error repeats.
const EXCERPT: usize = 200;
/// Bytes of a body that are looked at for it.
const LOOKED_AT: usize = 4_096;

/// How far a request came that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It could not even be written down.
    Prepare,
    /// The host's address is not known.
    Resolve,
    /// There is no connection.
    Connect,
    /// The host could not prove who it is.
    Secure,
}

impl Step {
    const fn remedy(self) -> &'static str {
        match self {
            Step::Prepare => "this is a mistake in the request",
            Step::Resolve => "check the network and its name server",
            Step::Connect => "check the network, or wait for the venue to be back",
            Step::Secure => "check this machine's clock and who is between here and the venue",
        }
    }
}

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// Nothing of the request left this machine.
    #[error("nothing was sent to {host}: {cause}; {}", step.remedy())]
    NotSent {
        /// Host that was meant.
        host: String,
        /// How far it came.
        step: Step,
        /// What went wrong.
        cause: String,
    },
    /// The request may have arrived, and the answer did not: its outcome is unknown.
    #[error("{host} gave no whole answer: {cause}; ask what became of the request")]
    NoAnswer {
        /// Host that was asked.
        host: String,
        /// What went wrong.
        cause: String,
    },
    /// A status other than success. Says nothing about the outcome by itself.
    #[error("{host} answered with status {status}: {}; {}", or_none(body), status_remedy(*status))]
    Http {
        /// Host that was asked.
        host: String,
        /// HTTP status.
        status: u16,
        /// Start of the body, without control characters.
        body: String,
    },
    /// An answer of another shape: the outcome is unknown.
    #[error(
        "{host} gave an answer that cannot be read ({cause}): {}; \
             ask what became of the request",
        or_none(body)
    )]
    Unparsable {
        /// Host that was asked.
        host: String,
        /// What is wrong with it.
        cause: String,
        /// Start of the body, without control characters.
        body: String,
    },
    /// Our own budget is used up, or the venue asked for a pause. Nothing was sent.
    #[error("no room for {endpoint} at {host} before {until}; wait until then")]
    Limited {
        /// Host that was meant.
        host: String,
        /// Budget without room.
        endpoint: String,
        /// When there will be some.
        until: Timestamp,
    },
    /// The address is locked out. Nothing was sent.
    #[error("{host} has locked this address out: nothing is sent before {until}; wait until then")]
    Banned {
        /// Host that was meant.
        host: String,
        /// When the silence ends.
        until: Timestamp,
    },
}

impl RestError {
    /// Whether the request may have reached the venue. `false` is certain.
    #[must_use]
    pub const fn may_have_arrived(&self) -> bool {
        match self {
            RestError::NotSent { .. } | RestError::Limited { .. } | RestError::Banned { .. } => {
                false
            }
            RestError::NoAnswer { .. } | RestError::Http { .. } | RestError::Unparsable { .. } => {
                true
            }
        }
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An address that is not to be used.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A certificate that cannot be used.
    #[error(transparent)]
    Tls(#[from] super::tls::TlsError),
    /// The HTTP client would not start.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

fn or_none(body: &str) -> &str {
    if body.is_empty() { "empty body" } else { body }
}

const fn status_remedy(status: u16) -> &'static str {
    match status {
        401 => "check the API key",
        403 => {
            "either too many requests, or a country the venue does not serve: \
                nothing is sent for ten minutes"
        }
        404 => "the venue does not know this path",
        429 => "the venue is busy: nothing more is sent there for a while",
        300..=399 => "redirects are not followed",
        _ => "ask what became of the request",
    }
}

/// What became of a request that has no answer. Only a failure to connect proves that nothing
/// was sent; whatever else may have happened afterwards.
pub(super) fn of_failure(host: &str, error: reqwest::Error) -> RestError {
    // The address of a request holds names of orders; errors end up in logs.
    let error = error.without_url();
    let host = host.to_owned();
    let cause = chain(&error);
    if error.is_builder() {
        let step = Step::Prepare;
        return RestError::NotSent { host, step, cause };
    }
    if !error.is_connect() {
        return RestError::NoAnswer { host, cause };
    }
    let step = if any_source(&error, &|source| source.is::<ResolveError>()) {
        Step::Resolve
    } else if any_source(&error, &|source| source.is::<rustls::Error>()) {
        Step::Secure
    } else {
        Step::Connect
    };
    RestError::NotSent { host, step, cause }
}

/// An error with everything behind it, without repeating what a source says again.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    clean(&text, 2 * EXCERPT)
}

type Is<'a> = &'a dyn Fn(&(dyn StdError + 'static)) -> bool;

/// Looks through all sources of an error, and into I/O errors, which hide theirs.
fn any_source(error: &(dyn StdError + 'static), is: Is<'_>) -> bool {
    if is(error) {
        return true;
    }
    let hidden = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    if hidden.is_some_and(|inner| any_source(inner, is)) {
        return true;
    }
    error.source().is_some_and(|source| any_source(source, is))
}

/// Start of a body for an error: one line, nothing that moves a cursor, no key.
pub(super) fn excerpt(body: &[u8], credentials: Option<&Credentials>) -> String {
    let start = &body[..body.len().min(LOOKED_AT)];
    clean(
        &redact(&String::from_utf8_lossy(start), credentials),
        EXCERPT,
    )
}

/// A text of the venue's without our key.
pub(super) fn redact(text: &str, credentials: Option<&Credentials>) -> String {
    match credentials {
        Some(credentials) => text
            .replace(credentials.secret(), "[secret]")
            .replace(credentials.key(), &credentials.key_hint()),
        None => text.to_owned(),
    }
}

/// At most `most` characters, none of which a terminal would act on.
pub(super) fn clean(text: &str, most: usize) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(most)
        .collect()
}

/// Marks that turn or hide text.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_harmless_and_short() {
        let body = format!("<html>\r\n\u{1b}[2J\u{7}\u{202e}{}", "x".repeat(9_000));
        let text = excerpt(body.as_bytes(), None);
        assert_eq!(text.chars().count(), EXCERPT);
        assert!(text.starts_with("<html>  [2Jxx"), "{text}");
        assert_eq!(excerpt(&[0xff, b'a'], None), "\u{fffd}a");
    }

    #[test]
    fn a_key_is_not_repeated() {
        let credentials = Credentials::new("CANARYkey0123456789", "CANARYsecret").unwrap();
        let body = "error sign! origin_string[1700000000000CANARYkey01234567895000] CANARYsecret";
        let text = excerpt(body.as_bytes(), Some(&credentials));
        assert_eq!(
            text,
            "error sign! origin_string[1700000000000CANA…5000] [secret]"
        );
    }

    #[test]
    fn every_error_names_host_and_remedy() {
        let host = || "api.bybit.com".to_owned();
        let cause = || "why".to_owned();
        let until = Timestamp::from_millis(1_700_000_000_000);
        let not_sent = |step| RestError::NotSent {
            host: host(),
            step,
            cause: cause(),
        };
        let http = |status| RestError::Http {
            host: host(),
            status,
            body: String::new(),
        };
        let no_answer = RestError::NoAnswer {
            host: host(),
            cause: cause(),
        };
        let unparsable = RestError::Unparsable {
            host: host(),
            cause: cause(),
            body: String::new(),
        };
        let limited = RestError::Limited {
            host: host(),
            endpoint: "order/create".to_owned(),
            until,
        };
        let banned = RestError::Banned {
            host: host(),
            until,
        };
        for (error, remedy, arrived) in [
            (not_sent(Step::Resolve), "name server", false),
            (not_sent(Step::Secure), "clock", false),
            (no_answer, "ask what became", true),
            (http(403), "ten minutes", true),
            (http(502), "502: empty body; ask what became", true),
            (unparsable, "(why): empty body; ask what became", true),
            (limited, "before 2023-11-14T22:13:20Z", false),
            (banned, "wait until then", false),
        ] {
            let text = error.to_string();
            assert!(text.contains("api.bybit.com"), "{text}");
            assert!(text.contains(remedy), "{text}");
            assert_eq!(error.may_have_arrived(), arrived, "{text}");
        }
    }
}
