//! Reads faults: from a table of a script or the body of a control call to [`Fault`].

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::fault::{Act, Fault, RequestAct, SocketAct, Sockets, When};

/// Largest frame that a fault may make.
const MOST_BYTES: usize = 64 << 20;
/// Longest run of pushes that can change places.
const MOST_WINDOW: usize = 64;

const REQUEST_KINDS: [&str; 8] = [
    "drop-request",
    "drop-reply",
    "delay",
    "truncate",
    "html",
    "status",
    "duplicate",
    "hold",
];
const SOCKET_KINDS: [&str; 10] = [
    "close",
    "mute",
    "half-open",
    "delay-pushes",
    "duplicate-pushes",
    "reorder-pushes",
    "drop-pushes",
    "frame",
    "close-after-auth",
    "refuse-connects",
];
const SERVER_KINDS: [&str; 4] = ["offline", "ban", "drill", "heal"];

impl Fault {
    /// Reads a fault from the object that a script's table or a control call holds.
    ///
    /// # Errors
    ///
    /// What is wrong, with the key it is about.
    pub fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(mut rest) = value else {
            return Err("a fault is a table with a kind".to_owned());
        };
        let kinds = || {
            let all = [&REQUEST_KINDS[..], &SOCKET_KINDS[..], &SERVER_KINDS[..]].concat();
            all.join(", ")
        };
        let kind = match rest.get("kind") {
            Some(Value::String(kind)) => kind.clone(),
            _ => return Err(format!("key kind is missing: use one of {}", kinds())),
        };
        let when: When = split(&mut rest, &["at_ms", "after_requests", "for_ms"])?;
        let kind = kind.as_str();
        let act = if REQUEST_KINDS.contains(&kind) {
            let pick = split(&mut rest, &["path", "nth", "times"])?;
            Act::Request(pick, read(rest)?)
        } else if SOCKET_KINDS.contains(&kind) {
            let sockets = match rest.remove("socket") {
                Some(value) => {
                    serde_json::from_value(value).map_err(|error| format!("socket: {error}"))?
                }
                None => Sockets::All,
            };
            Act::Socket(sockets, read(rest)?)
        } else if SERVER_KINDS.contains(&kind) {
            Act::Server(read(rest)?)
        } else {
            return Err(format!("kind {kind:?} is unknown: use one of {}", kinds()));
        };
        let fault = Self { when, act };
        fault.check()?;
        Ok(fault)
    }

    fn check(&self) -> Result<(), String> {
        if self.when.at_ms.is_some() && self.when.after_requests.is_some() {
            return Err("at_ms and after_requests exclude each other: keep one".to_owned());
        }
        let status = |status: u16| {
            if (200..=599).contains(&status) {
                Ok(())
            } else {
                Err(format!("status {status} is none of 200 to 599"))
            }
        };
        match &self.act {
            Act::Request(pick, _) if pick.nth == 0 => {
                Err("nth counts from 1: 0 is no request".to_owned())
            }
            Act::Request(
                _,
                RequestAct::Html { status: code, .. } | RequestAct::Status { status: code, .. },
            )
            | Act::Socket(
                _,
                SocketAct::RefuseConnects {
                    status: Some(code), ..
                },
            ) => status(*code),
            Act::Socket(_, SocketAct::DuplicatePushes { p, .. }) if !(0.0..=1.0).contains(p) => {
                Err(format!("p {p} is outside of 0 to 1"))
            }
            Act::Socket(_, SocketAct::ReorderPushes { window, .. })
                if !(2..=MOST_WINDOW).contains(window) =>
            {
                Err(format!("window {window} is outside of 2 to {MOST_WINDOW}"))
            }
            Act::Socket(_, SocketAct::Frame { bytes, .. }) if MOST_BYTES < *bytes => {
                Err(format!("bytes {bytes} is above {MOST_BYTES}"))
            }
            Act::Socket(_, SocketAct::DropPushes { nth: 0, .. }) => {
                Err("nth counts from 1: 0 is no push".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// Takes some keys out of an object and reads them as a value of their own.
fn split<T: DeserializeOwned>(from: &mut Map<String, Value>, keys: &[&str]) -> Result<T, String> {
    let taken: Map<String, Value> = keys
        .iter()
        .filter_map(|key| from.remove_entry(*key))
        .collect();
    read(taken)
}

fn read<T: DeserializeOwned>(from: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(from)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_read_and_told_by_its_name() {
        let more = |kind: &str| match kind {
            "delay" | "hold" | "delay-pushes" => json!({"ms": 5}),
            "truncate" => json!({"bytes": 5}),
            "status" => json!({"status": 503}),
            "duplicate-pushes" => json!({"p": 0.5}),
            "reorder-pushes" => json!({"window": 4}),
            "frame" => json!({"shape": "invalid-utf8"}),
            "drill" => json!({"drill": {"drill": "restart"}}),
            _ => json!({}),
        };
        for kind in [&REQUEST_KINDS[..], &SOCKET_KINDS[..], &SERVER_KINDS[..]].concat() {
            let mut value = more(kind);
            value["kind"] = json!(kind);
            value["at_ms"] = json!(7);
            let fault = Fault::parse(value.clone()).unwrap_or_else(|e| panic!("{kind}: {e}"));
            assert_eq!((fault.act.name(), fault.when.at_ms), (kind, Some(7)));
            value["surplus"] = json!(1);
            let error = Fault::parse(value).unwrap_err();
            assert!(error.contains("unknown field `surplus`"), "{kind}: {error}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_key() {
        for (value, part) in [
            (json!([]), "a table"),
            (json!({"at_ms": 1}), "kind is missing"),
            (json!({"kind": "explode"}), "\"explode\" is unknown"),
            (json!({"kind": "delay"}), "missing field `ms`"),
            (json!({"kind": "delay", "ms": -1}), "-1"),
            (json!({"kind": "drop-reply", "nth": 0}), "nth counts from 1"),
            (json!({"kind": "html", "status": 99}), "status 99"),
            (json!({"kind": "duplicate-pushes", "p": 1.5}), "p 1.5"),
            (json!({"kind": "reorder-pushes", "window": 1}), "window 1"),
            (json!({"kind": "close", "socket": "misc"}), "socket: "),
            (
                json!({"kind": "heal", "at_ms": 1, "after_requests": 1}),
                "exclude each other",
            ),
        ] {
            let error = Fault::parse(value.clone()).unwrap_err();
            assert!(error.contains(part), "{value}: {error}");
        }
    }
}
