//! The command line: one file a subcommand.

pub mod args;
mod backtest;
mod config;
mod doctor;
mod download;
pub mod exit;
mod failure;
mod kill;
mod live;
mod log;
mod model;
mod record;
mod replay;
mod run;
mod screen;
mod screenshots;
pub mod shell;
mod sim_exchange;
mod synth;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use args::{Cli, Command, JournalCommand, ManArgs};
pub use exit::Exit;
pub use failure::{Failure, Outcome};

use crate::config::{Folders, Loaded};

/// Carries out a command line and returns the exit code of the process.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::read(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with 0, anything else to standard error.
            let code = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
            return match error.print() {
                Ok(()) => code,
                Err(unsaid) if unsaid.kind() == std::io::ErrorKind::BrokenPipe => code,
                Err(_) => Exit::Unexpected,
            };
        }
    };
    match dispatch(&cli) {
        Ok(exit) => exit,
        Err(failure) if failure.text.is_empty() => failure.exit,
        Err(failure) => {
            // The one line that says what is wrong; nothing is left to do when it cannot be said.
            let written = writeln!(std::io::stderr(), "tradeterm: {}", failure.text);
            if written.is_ok() {
                failure.exit
            } else {
                Exit::Unexpected
            }
        }
    }
}

fn dispatch(cli: &Cli) -> Outcome {
    match &cli.command {
        None => run::run(cli, &cli.console),
        Some(Command::Run(args)) => run::run(cli, &args.console),
        Some(Command::Backtest(args)) => backtest::backtest(cli, args),
        Some(Command::Replay(args)) => replay::replay(args),
        Some(Command::Report(args)) => replay::report(args),
        Some(Command::Journal(JournalCommand::Verify { file })) => replay::verify(file),
        Some(Command::Model(command)) => model::model(cli, command),
        Some(Command::Synth(args)) => synth::synth(args),
        Some(Command::SimExchange(args)) => sim_exchange::sim_exchange(cli, args),
        Some(Command::Doctor(args)) => doctor::doctor(cli, args),
        Some(Command::Download(args)) => download::download(cli, args),
        Some(Command::Record(args)) => record::record(cli, args),
        Some(Command::Kill(args)) => kill::kill(cli, args),
        Some(Command::Resume(args)) => kill::resume(cli, args),
        Some(Command::Status(args)) => kill::status(cli, args),
        Some(Command::Config(command)) => config::config(cli, command),
        Some(Command::Theme(command)) => config::theme(cli, command),
        Some(Command::Keys(command)) => config::keys(cli, command),
        Some(Command::Screenshots(args)) => screenshots::screenshots(args),
        Some(Command::Completions(args)) => {
            shell::completions(args.shell, &mut std::io::stdout())?;
            Ok(Exit::Done)
        }
        Some(Command::Man(args)) => man(args),
    }
}

fn man(args: &ManArgs) -> Outcome {
    let mut out = std::io::stdout();
    if let Some(dir) = &args.out {
        let pages = shell::man_pages(dir)?;
        writeln!(out, "{} pages written to {}", pages.len(), dir.display())?;
    } else {
        shell::man_page(&mut out)?;
    }
    Ok(Exit::Done)
}

/// Settings of a command line, with their folders.
fn load(cli: &Cli) -> Result<(Loaded, Folders), Failure> {
    let folders = Folders::locate(cli.global.home.as_deref())?;
    let loaded = cli.sources(&folders)?.load()?;
    Ok((loaded, folders))
}

/// Whether a person sits at both ends.
fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}
