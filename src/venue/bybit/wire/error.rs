//! Why a message cannot be read, with the field and the value that are to blame.

use serde::Deserialize;
use serde_json::error::Category;

/// Longest part of a message that an error carries, in characters.
const SHOWN: usize = 64;

/// Why a text is not the message it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON at all: a page of a proxy, or half a message.
    #[error("not json ({problem}): {start:?}")]
    NotJson {
        /// What the reader stumbled over.
        problem: String,
        /// Where the text begins.
        start: String,
    },
    /// A field that cannot be used.
    #[error("{field}: {problem}")]
    Field {
        /// Path of the field, such as `data[0].price`.
        field: String,
        /// The value as it was written, cut to a few characters; empty when it is missing.
        value: String,
        /// What is wrong with it; names the value.
        problem: String,
    },
    /// JSON that is neither a push, nor an answer, nor a control frame.
    #[error("unknown kind of message: {start:?}")]
    Unclassified {
        /// Where the text begins.
        start: String,
    },
}

impl WireError {
    /// Error about one field whose value is at hand.
    #[must_use]
    pub fn field(field: &str, value: &str, problem: &str) -> Self {
        WireError::Field {
            field: shown(field),
            value: shown(value),
            problem: shown(problem),
        }
    }

    pub(super) fn unclassified(text: &str) -> Self {
        WireError::Unclassified { start: shown(text) }
    }
}

/// Reads one message or one part of a message.
///
/// # Errors
///
/// When the text is not JSON, or when a field cannot be used; the error names field and value.
pub fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, WireError> {
    from_part("", text)
}

/// Reads a part of a message that lies at `path` in the whole.
pub(super) fn from_part<'a, T: Deserialize<'a>>(path: &str, text: &'a str) -> Result<T, WireError> {
    serde_json::from_str(text).map_err(|error| explain(path, text, &error))
}

fn explain(path: &str, text: &str, error: &serde_json::Error) -> WireError {
    let whole = error.to_string();
    let problem = whole.rsplit_once(" at line ").map_or(&*whole, |(p, _)| p);
    // A number beyond every float counts as bad syntax there; here it is a bad value.
    let is_value = error.classify() == Category::Data || problem == "number out of range";
    if !is_value {
        return WireError::NotJson {
            problem: shown(problem),
            start: shown(text),
        };
    }
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let (below, value) = locate(text, line_start + error.column());
    let field = match (path, &*below) {
        ("", "") => "message".to_owned(),
        ("", below) => below.to_owned(),
        (path, "") => path.to_owned(),
        (path, below) if below.starts_with('[') => format!("{path}{below}"),
        (path, below) => format!("{path}.{below}"),
    };
    let problem = if problem.contains(value) || value.is_empty() {
        shown(problem)
    } else {
        format!("{} ({})", shown(problem), shown(value))
    };
    WireError::Field {
        field,
        value: shown(value),
        problem,
    }
}

/// One step from a value to a part of it.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Path of the value that ends at `offset` or lies around it, and the value when it is a single
/// one. Knows only as much of JSON as the reader has accepted already.
fn locate(text: &str, offset: usize) -> (String, &str) {
    let bytes = text.as_bytes();
    let end = offset.min(bytes.len());
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut value = "";
    let mut wants_key = false;
    let mut at = 0;
    while at < end {
        let from = at;
        at += 1;
        match bytes[from] {
            b'{' => {
                steps.push(Step::Key(""));
                wants_key = true;
            }
            b'[' => {
                steps.push(Step::Index(0));
                wants_key = false;
            }
            b'}' | b']' => {
                steps.pop();
                value = "";
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                _ => wants_key = true,
            },
            b'"' => {
                at = end_of_string(bytes, at);
                let inner = text.get(from + 1..at - 1).unwrap_or_default();
                match steps.last_mut() {
                    Some(Step::Key(key)) if wants_key => {
                        *key = inner;
                        wants_key = false;
                        value = "";
                    }
                    _ => value = inner,
                }
            }
            b':' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                while at < bytes.len() && !b",]} \n\r\t".contains(&bytes[at]) {
                    at += 1;
                }
                value = text.get(from..at).unwrap_or_default();
            }
        }
    }
    (path_of(&steps), value)
}

/// First byte behind the string whose content begins at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn path_of(steps: &[Step<'_>]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key("") => {}
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&shown(key));
            }
            Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    path
}

/// The beginning of a text from outside, fit for a log and a terminal.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}
