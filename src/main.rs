//! The thin binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    tradeterm::cli::main(std::env::args_os()).into()
}
