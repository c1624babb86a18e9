//! The front end without a terminal: JSON lines.
