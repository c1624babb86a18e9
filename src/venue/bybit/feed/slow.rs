//! Public frames by `serde_json`: for texts with escapes, which the fast way does not decode.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::FrameProblem;
use super::frame::{Body, BookHead, Frame, Levels};
use super::number;
use super::parse::{MAX_LEVELS, is_book, kind_of, time};
use super::scan::Fault;
use crate::domain::Level;

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    ts: Option<u64>,
    cts: Option<u64>,
    cs: Option<u64>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    ret_msg: Option<&'a RawValue>,
    #[serde(borrow, rename = "retCode")]
    ret_code: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BookData<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow)]
    b: Vec<[Text<'a>; 2]>,
    #[serde(borrow)]
    a: Vec<[Text<'a>; 2]>,
    u: u64,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
}

/// A text that is borrowed unless it has escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads a frame as [`super::parse::read_frame`] does.
pub(super) fn frame<'a>(bytes: &'a [u8], levels: &mut Levels) -> Result<Option<Frame<'a>>, Fault> {
    let message: Message<'a> = json(bytes)?;
    let is_control = [
        message.op,
        message.success,
        message.ret_msg,
        message.ret_code,
    ]
    .iter()
    .any(Option::is_some);
    let Some(topic) = message.topic else {
        if is_control {
            return Ok(None);
        }
        return Err(FrameProblem::Missing { field: "topic" }.into());
    };
    let data = message
        .data
        .ok_or(FrameProblem::Missing { field: "data" })?;
    let kind = message
        .kind
        .map(|kind| kind_of(kind.as_bytes()))
        .transpose()?;
    let body = if is_book(&topic) {
        Body::Book(book(data.get().as_bytes(), levels)?)
    } else {
        Body::Raw(data.get().as_bytes())
    };
    if matches!(body, Body::Book(_)) && kind.is_none() {
        return Err(FrameProblem::Missing { field: "type" }.into());
    }
    Ok(Some(Frame {
        topic,
        kind,
        ts: time("ts", message.ts)?.ok_or(FrameProblem::Missing { field: "ts" })?,
        cts: time("cts", message.cts)?,
        cs: message.cs,
        body,
    }))
}

fn book<'a>(bytes: &'a [u8], levels: &mut Levels) -> Result<BookHead<'a>, Fault> {
    let data: BookData<'a> = json(bytes)?;
    fill("b", &data.b, &mut levels.bids)?;
    fill("a", &data.a, &mut levels.asks)?;
    Ok(BookHead {
        symbol: data.s,
        update_id: data.u,
        seq: data.seq.and_then(|seq| seq.get().parse().ok()),
    })
}

fn fill(field: &'static str, rows: &[[Text<'_>; 2]], levels: &mut Vec<Level>) -> Result<(), Fault> {
    if MAX_LEVELS < rows.len() {
        let limit = MAX_LEVELS;
        return Err(FrameProblem::TooMany { field, limit }.into());
    }
    for [price, qty] in rows {
        levels.push(Level {
            price: number::price("price", &price.0)?,
            qty: number::qty("size", &qty.0)?,
        });
    }
    Ok(())
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| FrameProblem::data(&error).into())
}
