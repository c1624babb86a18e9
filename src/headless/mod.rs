//! The front end without a terminal: one JSON object a line.
//!
//! It prints what the session tells and knows nothing else. Numbers of money are strings, so that
//! no reader rounds them.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;

use crate::control::Line;

/// Prints lines until the session ends; flushes whenever it has caught up.
///
/// # Errors
///
/// When the output is closed; the session learns it from its next line.
pub fn print(lines: &Receiver<Line>, out: &mut dyn Write) -> io::Result<u64> {
    let mut n_lines = 0;
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(line) = next {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
            n_lines += 1;
            next = lines.try_recv().ok();
        }
        out.flush()?;
    }
    Ok(n_lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::LineKind;
    use crate::domain::Timestamp;

    #[test]
    fn each_line_is_one_json_object_with_version_time_and_type() {
        let (sender, receiver) = std::sync::mpsc::sync_channel(4);
        let kind = LineKind::Status {
            status: "started",
            detail: "two\nlines".to_owned(),
            equity: Some("25000.5".parse().unwrap()),
            trades: None,
            level: None,
        };
        sender
            .send(Line::new(Timestamp::from_millis(7), kind))
            .unwrap();
        drop(sender);
        let mut out = Vec::new();
        assert_eq!(print(&receiver, &mut out).unwrap(), 1);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"v\":1,\"ts\":7,\"type\":\"status\",\"status\":\"started\",\"detail\":\"two\\nlines\",\
             \"equity\":\"25000.5\"}\n"
        );
    }
}
