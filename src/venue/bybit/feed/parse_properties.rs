//! The reader of frames against a plain one, on valid, mutated and arbitrary bytes.

use proptest::prelude::*;

use super::frame::Levels;
use super::parse::read_frame;
use super::parse_tests::{fast, reference};

/// A decimal as the venue writes it, or nearly so.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        60 => (0_u64..1_000_000, 0_usize..9).prop_map(|(value, places)| {
            let digits = format!("{value:0width$}", width = places + 1);
            let (whole, part) = digits.split_at(digits.len() - places);
            if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
        }),
        1 => "[0-9]{1,20}(\\.[0-9]{1,18})?",
        1 => prop::sample::select(vec![
            "NaN", "1e400", "-1", "", "0", "0.0", "1e3", "+5", " 7", "7 ", "Infinity", "1,5",
            "0x10", "9999999999999999999999999999999999999999", "1e-400", ".", "1.2.3",
            "٣", "1_000", "null", "1e2147483648", "0e99999",
        ])
        .prop_map(str::to_owned),
    ]
}

fn side() -> impl Strategy<Value = String> {
    prop::collection::vec((number(), number()), 0..12).prop_map(|rows| {
        let rows: Vec<_> = rows
            .iter()
            .map(|(price, qty)| format!("[\"{price}\",\"{qty}\"]"))
            .collect();
        format!("[{}]", rows.join(","))
    })
}

/// A frame of a book, as the venue writes it or otherwise.
fn frame() -> impl Strategy<Value = String> {
    prop_oneof![usual_frame(), any_frame()]
}

/// Keys in the order of the venue, no white space.
fn usual_frame() -> impl Strategy<Value = String> {
    (side(), side(), any::<u64>(), any::<u32>(), any::<bool>()).prop_map(
        |(bids, asks, u, ms, is_spot)| {
            let u = u >> (ms % 64);
            let (kind, ts) = ("\"type\":\"snapshot\"", format!("\"ts\":{ms}"));
            let head = if is_spot {
                format!("{ts},{kind}")
            } else {
                format!("{kind},{ts}")
            };
            format!(
                "{{\"topic\":\"orderbook.50.AUSDT\",{head},\"data\":{{\"s\":\"AUSDT\",\
                 \"b\":{bids},\"a\":{asks},\"u\":{u},\"seq\":{ms}}},\"cts\":{ms}}}"
            )
        },
    )
}

/// Keys in any order, with and without white space.
fn any_frame() -> impl Strategy<Value = String> {
    let order = |n: usize| Just((0..n).collect::<Vec<_>>()).prop_shuffle();
    let seq = prop::sample::select(vec!["7", "\"-1\"", "130020239261"]);
    (
        side(),
        side(),
        any::<u64>(),
        seq,
        order(5),
        order(6),
        any::<bool>(),
    )
        .prop_map(|(bids, asks, u, seq, inner, outer, spaced)| {
            let inner_all = [
                "\"s\":\"AUSDT\"".to_owned(),
                format!("\"b\":{bids}"),
                format!("\"a\":{asks}"),
                format!("\"u\":{u}"),
                format!("\"seq\":{seq}"),
            ];
            let data: Vec<_> = inner.iter().map(|n| inner_all[*n].clone()).collect();
            let outer_all = [
                "\"topic\":\"orderbook.50.AUSDT\"".to_owned(),
                "\"type\":\"delta\"".to_owned(),
                "\"ts\":1733011200693".to_owned(),
                "\"cts\":1733011200691".to_owned(),
                format!("\"data\":{{{}}}", data.join(",")),
                "\"new\":{\"x\":[1,\"]}\",null]}".to_owned(),
            ];
            let all: Vec<_> = outer.iter().map(|n| outer_all[*n].clone()).collect();
            let text = format!("{{{}}}", all.join(","));
            if spaced {
                text.replace("\":", "\" :\n ")
                    .replace(",\"", " ,\t\"")
                    .replace("],[", "] , [")
            } else {
                text
            }
        })
}

proptest! {
    #[test]
    fn both_readers_agree_on_frames(text in frame()) {
        prop_assert_eq!(fast(text.as_bytes()), reference(text.as_bytes()), "{}", text);
    }

    /// A frame with some bytes changed, removed or put in: nothing panics, and what the fast
    /// reader takes, the plain one takes as the same.
    #[test]
    fn nothing_is_accepted_that_the_plain_reader_refuses(
        text in frame(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<u8>()), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (at, what, byte) in edits {
            let at = at.index(bytes.len());
            let plain = b"0123456789.,:\"[]{}-e \\abstu"[usize::from(byte) % 27];
            match what {
                0 => bytes[at] = plain,
                1 => bytes.insert(at, plain),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        if let Some(said) = fast(&bytes) {
            prop_assert_eq!(Some(said), reference(&bytes), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut levels = Levels::default();
        let is_refused = read_frame(&bytes, &mut levels).is_err();
        let has_brace = bytes.contains(&b'{');
        prop_assert!(is_refused || has_brace);
    }

    /// A frame cut off or spoiled anywhere with any byte.
    #[test]
    fn any_spoiled_frame_is_read_or_refused(
        text in frame(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        prop_assert!(read_frame(&bytes[..at], &mut Levels::default()).is_err());
        bytes[at] = byte;
        if let Some(said) = fast(&bytes) {
            // An unknown key or value may hold bytes that are no text: they are not looked at.
            let plain = String::from_utf8_lossy(&bytes);
            prop_assert_eq!(Some(said), reference(plain.as_bytes()));
        }
    }
}
