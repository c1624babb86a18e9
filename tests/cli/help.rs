//! Help, completions and manual pages.

use std::fmt::Write as _;

use super::desk::{Desk, program};

/// Every subcommand with its words.
const COMMANDS: [&str; 31] = [
    "",
    "run",
    "backtest",
    "replay",
    "report",
    "model",
    "model check",
    "model eval",
    "synth",
    "sim-exchange",
    "doctor",
    "download",
    "record",
    "kill",
    "resume",
    "status",
    "config",
    "config show",
    "config validate",
    "config path",
    "theme",
    "theme list",
    "theme validate",
    "keys",
    "keys list",
    "keys check",
    "screenshots",
    "completions",
    "man",
    "journal",
    "journal verify",
];

fn help(command: &str, flag: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().chain([flag]).collect();
    let output = program(&words).output().unwrap();
    assert!(output.status.success(), "{command} {flag}");
    assert!(output.stderr.is_empty(), "{command} {flag}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn short_help_reads_well() {
    insta::assert_snapshot!("short_help", help("", "-h"));
}

#[test]
fn long_help_reads_well() {
    insta::assert_snapshot!("long_help", help("", "--help"));
}

/// Help of every subcommand without the global flags, which the main help shows.
#[test]
fn help_of_every_subcommand_reads_well() {
    let mut all = String::new();
    for command in COMMANDS.iter().skip(1) {
        let text = help(command, "-h");
        let own = text.split("\nConfiguration:").next().unwrap();
        writeln!(all, "======== {command}\n{own}").unwrap();
    }
    insta::assert_snapshot!("subcommands", all);
}

#[test]
fn every_subcommand_that_help_lists_is_looked_at_here() {
    let listed = |text: &str| -> Vec<String> {
        text.lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_whitespace().next().unwrap().to_owned())
            .collect()
    };
    let mut found = vec![String::new()];
    for name in listed(&help("", "-h")) {
        let below = listed(&help(&name, "-h"));
        found.extend(
            below
                .iter()
                .filter(|sub| *sub != "help")
                .map(|sub| format!("{name} {sub}")),
        );
        found.push(name);
    }
    let mut known: Vec<String> = COMMANDS.map(str::to_owned).to_vec();
    known.sort();
    found.sort();
    assert_eq!(found, known);
}

#[test]
fn long_help_has_the_table_of_exit_codes() {
    let text = help("", "--help");
    for exit in tradeterm::cli::Exit::ALL {
        let row = format!("{:>3}  {}", exit.code(), exit.meaning());
        assert!(text.contains(&row), "{row}");
    }
}

/// Flags that stand for settings tell the settings' own defaults.
#[test]
fn defaults_in_help_are_those_of_the_settings() {
    let text = help("", "-h")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let settings = tradeterm::config::Settings::default().flat();
    for (key, variable) in [
        ("ui.fps", "TRADETERM_UI__FPS"),
        ("feed.speed", "TRADETERM_FEED__SPEED"),
        ("ui.theme", "TRADETERM_UI__THEME"),
        ("log.level", "TRADETERM_LOG__LEVEL"),
    ] {
        let value = settings[key].trim_matches('"').trim_end_matches(".0");
        let told = format!("{variable}] [default: {value}]");
        assert!(text.contains(&told), "{told}");
    }
}

#[test]
fn completions_are_scripts_of_their_shell() {
    for (shell, sign) in [
        ("bash", "complete -F _tradeterm"),
        ("zsh", "#compdef tradeterm"),
        ("fish", "complete -c tradeterm"),
    ] {
        let script = Desk::new().run(&["completions", shell]).ok();
        assert!(script.contains(sign), "{shell}");
        assert!(
            script.contains("backtest") && script.contains("no-tui"),
            "{shell}"
        );
    }
    // Where bash is, it can say whether its script is one.
    let desk = Desk::new();
    let script = desk.file("script.bash", desk.run(&["completions", "bash"]).ok());
    if let Ok(status) = std::process::Command::new("bash")
        .args(["-n", &script])
        .status()
    {
        assert!(status.success());
    }
}

#[test]
fn manual_pages_are_written_for_every_subcommand() {
    let desk = Desk::new();
    assert!(desk.run(&["man"]).ok().contains(".TH tradeterm 1"));
    let dir = desk.path("man");
    let said = desk.run(&["man", "--out", dir.to_str().unwrap()]).ok();
    assert!(
        said.starts_with(&format!("{} pages", COMMANDS.len())),
        "{said}"
    );
    for command in COMMANDS.iter().skip(1) {
        let page = dir.join(format!("tradeterm-{}.1", command.replace(' ', "-")));
        assert!(page.is_file(), "{}", page.display());
    }
}
