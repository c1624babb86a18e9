//! Book frames in exactly the shape that the venue sends: one pass, no choices.
//!
//! The recorded order of keys, no white space, short plain numbers. Whatever is different in any
//! way, valid or not, is left to the reader of any order.

use std::borrow::Cow;

use super::frame::{Body, BookHead, Frame, FrameKind, Levels};
use super::number::{Plain, digits_16};
use super::parse::{MAX_LEVELS, is_book};
use super::scan::plain_len;
use crate::domain::{Level, Timestamp};

/// Reads a frame of a book; `None` when it has another shape. `levels` must be empty, and hold
/// no meaning then.
#[inline]
pub(super) fn frame<'a>(bytes: &'a [u8], levels: &mut Levels) -> Option<Frame<'a>> {
    let rest = bytes.strip_prefix(b"{\"topic\":\"")?;
    let (topic, rest) = text(rest)?;
    if !is_book(topic) {
        return None;
    }
    // Linear tells the type first, spot the time.
    let (kind, ts, rest) = if let Some(rest) = rest.strip_prefix(b",\"type\":\"") {
        let (kind, rest) = kind(rest)?;
        let (ts, rest) = whole(rest.strip_prefix(b",\"ts\":")?)?;
        (kind, ts, rest)
    } else {
        let (ts, rest) = whole(rest.strip_prefix(b",\"ts\":")?)?;
        let (kind, rest) = kind(rest.strip_prefix(b",\"type\":\"")?)?;
        (kind, ts, rest)
    };
    let (symbol, rest) = text(rest.strip_prefix(b",\"data\":{\"s\":\"")?)?;
    let rest = side(rest.strip_prefix(b",\"b\":[")?, &mut levels.bids)?;
    let rest = side(rest.strip_prefix(b",\"a\":[")?, &mut levels.asks)?;
    let (update_id, rest) = whole(rest.strip_prefix(b",\"u\":")?)?;
    let (seq, rest) = whole(rest.strip_prefix(b",\"seq\":")?)?;
    let (cts, rest) = whole(rest.strip_prefix(b"},\"cts\":")?)?;
    if rest != b"}" {
        return None;
    }
    Some(Frame {
        topic: Cow::Borrowed(topic),
        kind: Some(kind),
        ts: time(ts)?,
        cts: Some(time(cts)?),
        cs: None,
        body: Body::Book(BookHead {
            symbol: Cow::Borrowed(symbol),
            update_id,
            seq: Some(seq),
        }),
    })
}

/// A text up to its closing quote, and what is behind that.
#[inline]
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = bytes.split_at_checked(plain_len(bytes))?;
    let rest = rest.strip_prefix(b"\"")?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[inline]
fn kind(bytes: &[u8]) -> Option<(FrameKind, &[u8])> {
    if let Some(rest) = bytes.strip_prefix(b"delta\"") {
        return Some((FrameKind::Delta, rest));
    }
    let rest = bytes.strip_prefix(b"snapshot\"")?;
    Some((FrameKind::Snapshot, rest))
}

/// A whole number, and what is behind it: whoever reads on sees whether it has ended.
#[inline]
fn whole(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut n) = (0_u64, 0);
    if let Some((read, len)) = bytes.first_chunk().and_then(digits_16) {
        (value, n) = (read, len);
    } else {
        // The last number of a frame has fewer than 16 bytes left.
        while let Some(byte @ b'0'..=b'9') = bytes.get(n)
            && n < 16
        {
            value = value * 10 + u64::from(byte - b'0');
            n += 1;
        }
    }
    let is_plain = n == 1 || bytes.first() != Some(&b'0');
    (is_plain && n != 0).then(|| (value, &bytes[n..]))
}

#[inline]
fn time(ms: u64) -> Option<Timestamp> {
    i64::try_from(ms).ok().map(Timestamp::from_millis)
}

/// The levels of a side, behind their opening bracket, and what is behind the closing one.
#[inline]
fn side<'a>(mut bytes: &'a [u8], levels: &mut Vec<Level>) -> Option<&'a [u8]> {
    if let Some(rest) = bytes.strip_prefix(b"]") {
        return Some(rest);
    }
    while levels.len() < MAX_LEVELS {
        let (read, len) = level(bytes)?;
        levels.push(read);
        match bytes.get(len..)? {
            [b',', rest @ ..] => bytes = rest,
            [b']', rest @ ..] => return Some(rest),
            _ => return None,
        }
    }
    None
}

/// A level without white space and with short plain numbers, and its length in bytes.
#[inline]
pub(super) fn level(bytes: &[u8]) -> Option<(Level, usize)> {
    let bytes = bytes.strip_prefix(b"[\"")?;
    let price = Plain::read(bytes.first_chunk()?)?;
    let behind = bytes.get(price.len..)?.strip_prefix(b"\",\"")?;
    let qty = Plain::read(behind.first_chunk()?)?;
    if !behind.get(qty.len..)?.starts_with(b"\"]") {
        return None;
    }
    let level = Level {
        price: price.price()?,
        qty: qty.qty()?,
    };
    Some((level, 7 + price.len + qty.len))
}
