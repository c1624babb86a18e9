//! Public frames from bytes: the hot path of the feed.
//!
//! Books are read straight into scaled integers, without allocating. The data of other topics is
//! handed on as the JSON it is. Books in exactly the shape that the venue sends are read by
//! `compact` in one go. Everything else is read here: keys may come in any order, unknown ones
//! are skipped. A frame with an escape where its exact text is needed, which the venue does not
//! send, is read by `serde_json` instead. No bytes make any of them panic.

use std::borrow::Cow;

use super::compact;
use super::error::{FrameError, FrameProblem};
use super::frame::{Body, BookHead, Frame, FrameKind, Levels};
use super::number;
use super::scan::{Fault, Scanner};
use super::slow;
use crate::domain::{Level, Timestamp};

/// Most levels of a side that are read; the deepest topic has 1000.
pub(super) const MAX_LEVELS: usize = 2_000;

/// Reads one text frame. A book's levels are put into `levels`.
///
/// `None` for frames that are about the connection and not the market: answers to subscriptions
/// and pings, which have no topic.
///
/// # Errors
///
/// When it is not JSON, or a field that is needed is missing or is not what it should be.
/// `levels` holds no meaning then.
pub fn read_frame<'a>(
    bytes: &'a [u8],
    levels: &mut Levels,
) -> Result<Option<Frame<'a>>, FrameError> {
    levels.clear();
    if let Some(frame) = compact::frame(bytes, levels) {
        return Ok(Some(frame));
    }
    levels.clear();
    let read = match any_order(bytes, levels) {
        Err(Fault::Escaped) => {
            levels.clear();
            slow::frame(bytes, levels)
        }
        read => read,
    };
    match read {
        Err(_) if is_bare_pong(bytes) => Ok(None),
        read => read.map_err(|fault| explained(bytes, fault)),
    }
}

/// Whether a frame is the bare word, which answers a ping and is no JSON.
#[cold]
fn is_bare_pong(bytes: &[u8]) -> bool {
    let word = bytes.trim_ascii();
    let word = word.strip_prefix(b"\"").unwrap_or(word);
    let word = word.strip_suffix(b"\"").unwrap_or(word);
    word.eq_ignore_ascii_case(b"pong")
}

/// The error of a frame, with its topic where one can be found.
#[cold]
fn explained(bytes: &[u8], fault: Fault) -> FrameError {
    let problem = match fault {
        Fault::Json(at) => FrameProblem::NotJson { at },
        Fault::Escaped => FrameProblem::BadData("has an escape in a number".to_owned()),
        Fault::Problem(problem) => *problem,
    };
    FrameError::new(topic_of(bytes), problem)
}

/// Topic of a text that may be anything: what stands behind the first `"topic":`.
pub(super) fn topic_of(bytes: &[u8]) -> Option<&str> {
    const KEY: &[u8] = b"\"topic\"";
    let at = bytes.windows(KEY.len()).position(|part| part == KEY)?;
    let mut scanner = Scanner::new(bytes.get(at + KEY.len()..)?);
    if !scanner.eat(b':') {
        return None;
    }
    std::str::from_utf8(scanner.string().ok()?).ok()
}

/// Fields of a frame as they come.
#[derive(Default)]
struct Fields<'a> {
    topic: Option<&'a str>,
    kind: Option<FrameKind>,
    ts: Option<u64>,
    cts: Option<u64>,
    cs: Option<u64>,
    body: Option<Body<'a>>,
    /// The data when it came before the topic.
    early: Option<&'a [u8]>,
    is_control: bool,
}

fn any_order<'a>(bytes: &'a [u8], levels: &mut Levels) -> Result<Option<Frame<'a>>, Fault> {
    let mut scanner = Scanner::new(bytes);
    let mut fields = Fields::default();
    scanner.expect(b'{')?;
    let mut is_first = true;
    while let Some(key) = scanner.key(&mut is_first)? {
        field(&mut scanner, key, &mut fields, levels)?;
    }
    scanner.end()?;
    let Some(topic) = fields.topic else {
        if fields.is_control {
            return Ok(None);
        }
        return Err(FrameProblem::Missing { field: "topic" }.into());
    };
    let body = match (fields.body, fields.early) {
        (Some(body), _) => body,
        (None, Some(raw)) if is_book(topic) => Body::Book(book(&mut Scanner::new(raw), levels)?),
        (None, Some(raw)) => Body::Raw(raw),
        (None, None) => return Err(FrameProblem::Missing { field: "data" }.into()),
    };
    if matches!(body, Body::Book(_)) && fields.kind.is_none() {
        return Err(FrameProblem::Missing { field: "type" }.into());
    }
    Ok(Some(Frame {
        topic: Cow::Borrowed(topic),
        kind: fields.kind,
        ts: time("ts", fields.ts)?.ok_or(FrameProblem::Missing { field: "ts" })?,
        cts: time("cts", fields.cts)?,
        cs: fields.cs,
        body,
    }))
}

/// Takes one field of a frame.
#[inline]
fn field<'a>(
    scanner: &mut Scanner<'a>,
    key: &[u8],
    fields: &mut Fields<'a>,
    levels: &mut Levels,
) -> Result<(), Fault> {
    match key {
        b"topic" => {
            let topic = std::str::from_utf8(scanner.string()?).map_err(|_| scanner.fault())?;
            once("topic", fields.topic.replace(topic).is_none())
        }
        b"type" => {
            let kind = kind_of(scanner.string()?)?;
            once("type", fields.kind.replace(kind).is_none())
        }
        b"ts" => once("ts", fields.ts.replace(whole(scanner, "ts")?).is_none()),
        b"cts" => once("cts", fields.cts.replace(whole(scanner, "cts")?).is_none()),
        b"cs" => once("cs", fields.cs.replace(whole(scanner, "cs")?).is_none()),
        b"data" => {
            once("data", fields.body.is_none() && fields.early.is_none())?;
            if fields.topic.is_some_and(is_book) {
                fields.body = Some(Body::Book(book(scanner, levels)?));
                return Ok(());
            }
            scanner.peek();
            let from = scanner.at();
            scanner.skip()?;
            fields.early = Some(scanner.since(from));
            Ok(())
        }
        b"op" | b"success" | b"ret_msg" | b"retCode" => {
            fields.is_control = true;
            scanner.skip()
        }
        _ => scanner.skip(),
    }
}

/// Whether the data of a topic are levels of `[price, size]`.
pub(super) fn is_book(topic: &str) -> bool {
    topic
        .strip_prefix("orderbook.")
        .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

pub(super) fn kind_of(text: &[u8]) -> Result<FrameKind, Fault> {
    match text {
        b"delta" => Ok(FrameKind::Delta),
        b"snapshot" => Ok(FrameKind::Snapshot),
        _ => {
            let text = String::from_utf8_lossy(text);
            Err(FrameProblem::value("type", &text, "snapshot or delta").into())
        }
    }
}

/// A field may be there once: two values would leave open which one counts.
#[inline]
fn once(field: &'static str, is_new: bool) -> Result<(), Fault> {
    if is_new {
        Ok(())
    } else {
        Err(FrameProblem::Twice { field }.into())
    }
}

#[inline]
fn whole(scanner: &mut Scanner<'_>, field: &'static str) -> Result<u64, Fault> {
    match scanner.integer() {
        Some(value) => Ok(value),
        None => Err(not_whole(scanner, field)),
    }
}

#[cold]
fn not_whole(scanner: &mut Scanner<'_>, field: &'static str) -> Fault {
    let from = scanner.at();
    if let Err(fault) = scanner.skip() {
        return fault;
    }
    let text = String::from_utf8_lossy(scanner.since(from));
    FrameProblem::value(field, &text, "a whole number from zero").into()
}

pub(super) fn time(field: &'static str, ms: Option<u64>) -> Result<Option<Timestamp>, Fault> {
    let Some(ms) = ms else {
        return Ok(None);
    };
    match i64::try_from(ms) {
        Ok(ms) => Ok(Some(Timestamp::from_millis(ms))),
        Err(_) => Err(FrameProblem::value(field, &ms.to_string(), "a time in milliseconds").into()),
    }
}

/// Reads the data of a book.
fn book<'a>(scanner: &mut Scanner<'a>, levels: &mut Levels) -> Result<BookHead<'a>, Fault> {
    let mut symbol = None;
    let mut update_id = None;
    let mut seq = None;
    let (mut has_bids, mut has_asks) = (false, false);
    scanner.expect(b'{')?;
    let mut is_first = true;
    while let Some(key) = scanner.key(&mut is_first)? {
        match key {
            b"s" => {
                let text = std::str::from_utf8(scanner.string()?).map_err(|_| scanner.fault())?;
                once("s", symbol.replace(text).is_none())?;
            }
            b"b" => {
                once("b", !has_bids)?;
                has_bids = true;
                side(scanner, "b", &mut levels.bids)?;
            }
            b"a" => {
                once("a", !has_asks)?;
                has_asks = true;
                side(scanner, "a", &mut levels.asks)?;
            }
            b"u" => once("u", update_id.replace(whole(scanner, "u")?).is_none())?,
            b"seq" => {
                // Also seen as the text "-1".
                seq = scanner.integer();
                if seq.is_none() {
                    scanner.skip()?;
                }
            }
            _ => scanner.skip()?,
        }
    }
    let missing = |field| FrameProblem::Missing { field };
    if !has_bids || !has_asks {
        return Err(missing(if has_bids { "a" } else { "b" }).into());
    }
    Ok(BookHead {
        symbol: Cow::Borrowed(symbol.ok_or(missing("s"))?),
        update_id: update_id.ok_or(missing("u"))?,
        seq,
    })
}

/// Reads the levels of one side.
#[inline]
fn side(
    scanner: &mut Scanner<'_>,
    field: &'static str,
    levels: &mut Vec<Level>,
) -> Result<(), Fault> {
    scanner.expect(b'[')?;
    if scanner.eat(b']') {
        return Ok(());
    }
    loop {
        if levels.len() == MAX_LEVELS {
            let limit = MAX_LEVELS;
            return Err(FrameProblem::TooMany { field, limit }.into());
        }
        levels.push(level(scanner)?);
        if scanner.eat(b']') {
            return Ok(());
        }
        scanner.expect(b',')?;
    }
}

/// Reads `["price","size"]`.
#[inline]
fn level(scanner: &mut Scanner<'_>) -> Result<Level, Fault> {
    if let Some((level, len)) = compact::level(scanner.rest()) {
        scanner.advance(len);
        return Ok(level);
    }
    any_level(scanner)
}

/// A level in any form.
#[cold]
fn any_level(scanner: &mut Scanner<'_>) -> Result<Level, Fault> {
    scanner.expect(b'[')?;
    let price = number::text("price", scanner.string()?)?;
    let price = number::price("price", price)?;
    scanner.expect(b',')?;
    let qty = number::text("size", scanner.string()?)?;
    let qty = number::qty("size", qty)?;
    scanner.expect(b']')?;
    Ok(Level { price, qty })
}
