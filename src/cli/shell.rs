//! Shell completions and manual pages, made from the command line's own definition.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use super::args;

/// Writes the completion script of a shell.
///
/// # Errors
///
/// What the writer says.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // The generator itself cannot report an error, so it writes into memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "tradeterm", &mut script);
    out.write_all(&script)
}

/// Writes the manual page of the program itself.
///
/// # Errors
///
/// What the writer says.
pub fn man_page(out: &mut dyn Write) -> io::Result<()> {
    clap_mangen::Man::new(args::command()).render(out)
}

/// Writes the manual pages of the program and of each subcommand into a folder; returns them.
///
/// # Errors
///
/// What the file system says.
pub fn man_pages(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder)?;
    let mut command = args::command();
    command.build();
    let mut written = Vec::new();
    write_pages(&command, "tradeterm", folder, &mut written)?;
    Ok(written)
}

fn write_pages(
    command: &Command,
    name: &str,
    folder: &Path,
    written: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut page)?;
    std::fs::write(&path, page)?;
    written.push(path);
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help")
    {
        write_pages(sub, &format!("{name}-{}", sub.get_name()), folder, written)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_subcommands() {
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::Elvish,
            Shell::PowerShell,
        ] {
            let mut script = Vec::new();
            completions(shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["backtest", "journal", "verify", "no-tui"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn every_subcommand_gets_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let pages = man_pages(folder.path()).unwrap();
        for name in [
            "tradeterm.1",
            "tradeterm-run.1",
            "tradeterm-journal-verify.1",
        ] {
            assert!(
                pages.contains(&folder.path().join(name)),
                "{name} of {pages:?}"
            );
        }
        for page in pages {
            let text = std::fs::read_to_string(&page).unwrap();
            assert!(text.contains(".TH"), "{}", page.display());
        }
    }
}
