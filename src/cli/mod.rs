//! The command line: one file a subcommand.

pub mod args;
pub mod exit;
pub mod shell;
