//! Every recorded and documented message of the venue is read by the right type.
//!
//! The messages lie outside of the repository, in `TRADETERM_SHARED` or `../shared`. Each file is
//! in a table with its type, or in the list of those that are not read, with the reason; a file
//! in neither fails the test. The unit tests of the types prove the same with samples of their
//! own.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests count as outside of tests"
)]

#[path = "bybit_wire/rest.rs"]
mod rest;
#[path = "bybit_wire/sockets.rs"]
mod sockets;
#[path = "bybit_wire/values.rs"]
mod values;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tradeterm::venue::bybit::auth::{sign_rest, sign_socket};

/// Reads one message; says how many rows it had, or what is wrong.
type Reader = fn(&str) -> Result<usize, String>;

/// Files (without their ending) and how they are read.
type Table = &'static [(Reader, &'static [&'static str])];

/// Files that are not read, and why.
type Unread = &'static [(&'static str, &'static [&'static str])];

fn shared() -> PathBuf {
    let shared = std::env::var_os("TRADETERM_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    shared.join("bybit/fixtures")
}

/// Text of a shared file, or `None` with a line that tells.
fn fixture(name: &str) -> Option<String> {
    let text = fs::read_to_string(shared().join(name)).ok();
    if text.is_none() {
        eprintln!("skipped: {name} is not there");
    }
    text
}

/// The messages of one folder: name without ending, and text. Lines of a `.jsonl` are messages.
fn messages(folder: &str) -> Vec<(String, String)> {
    let Ok(dir) = fs::read_dir(shared().join(folder)) else {
        eprintln!("skipped: {folder} is not there");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = dir.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut messages = Vec::new();
    for path in paths {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            messages.extend(text.lines().map(|line| (stem.clone(), line.to_owned())));
        } else {
            messages.push((stem, text));
        }
    }
    messages
}

/// Reads everything in `folder`; every problem of every file is told at once.
fn check(folder: &str, table: Table, unread: Unread) {
    let readers: BTreeMap<&str, Reader> = table
        .iter()
        .flat_map(|(reader, names)| names.iter().map(|name| (*name, *reader)))
        .collect();
    let reasons: BTreeMap<&str, &str> = unread
        .iter()
        .flat_map(|(reason, names)| names.iter().map(|name| (*name, *reason)))
        .collect();
    let (mut n_read, mut n_rows, mut n_listed) = (0, 0, 0);
    let mut problems = Vec::new();
    for (name, text) in messages(folder) {
        match (readers.get(&*name), reasons.get(&*name)) {
            (Some(_), Some(_)) => problems.push(format!("{name}: read and listed as unread")),
            (Some(read), None) => match read(&text) {
                Ok(rows) => {
                    n_read += 1;
                    n_rows += rows;
                }
                Err(problem) => problems.push(format!("{name}: {problem}")),
            },
            (None, Some(_)) => n_listed += 1,
            (None, None) => problems.push(format!("{name}: in no table")),
        }
    }
    println!("{folder}: {n_read} messages read with {n_rows} rows, {n_listed} listed as unread");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn answers_over_rest() {
    check("rest", rest::TABLE, rest::UNREAD);
}

#[test]
fn frames_of_public_sockets() {
    check("ws_public", sockets::PUBLIC, sockets::PUBLIC_UNREAD);
}

#[test]
fn frames_of_private_sockets() {
    check("ws_private", sockets::PRIVATE, sockets::PRIVATE_UNREAD);
}

#[test]
fn signatures_equal_those_of_other_clients() {
    let Some(text) = fixture("signing.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let (mut n_rest, mut n_socket) = (0, 0);
    for vector in vectors {
        let field = |name: &str| vector[name].as_str().unwrap();
        let ms = |name: &str| vector[name].as_i64().unwrap();
        let (secret, key) = (field("api_secret"), field("api_key"));
        let signature = if field("kind") == "rest" {
            n_rest += 1;
            let payload = match field("method") {
                "GET" => field("query_on_wire"),
                _ => field("body_on_wire"),
            };
            let window = u32::try_from(ms("recv_window_ms")).unwrap();
            sign_rest(secret, ms("timestamp_ms"), key, window, payload)
        } else {
            n_socket += 1;
            sign_socket(secret, ms("expires_ms"))
        };
        assert_eq!(signature, field("expected_signature"), "{}", field("call"));
    }
    println!("signing.json: {n_rest} requests and {n_socket} sockets");
    assert!(0 < n_rest && 0 < n_socket);
}
