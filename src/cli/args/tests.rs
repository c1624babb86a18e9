//! The command line read from outside: what is taken, what is refused, what it sets.

use rstest::rstest;

use super::*;
use crate::config::{ConfigError, FLAG_VARIABLES, Loaded, Sources, Speed};
use crate::domain::{KillLevel, Mode};

fn read(line: &str) -> Result<Cli, clap::Error> {
    Cli::read(std::iter::once("tradeterm").chain(line.split_whitespace()))
}

fn load(line: &str) -> Result<Loaded, ConfigError> {
    read(line).unwrap().apply(Sources::new()).unwrap().load()
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[rstest]
#[case("")]
#[case("--demo")]
#[case("--demo --speed max --no-tui --json")]
#[case("--home h -c a.toml -c b.toml --set a.b=1 --set c=2 --theme dark --ascii --fps 20 -q")]
#[case("run --config F --no-tui --set k=v --mode replay --model DIR --symbol S --bars F --speed 3")]
#[case("run -vv --demo --yes --no-input")]
#[case("run --config F --live")]
#[case("run --config F --no-tui --live --confirm-live 4821:25000 --mode live --symbol S --model D")]
#[case("backtest --bars F --bars G --model DIR --symbol A --symbol B --funding X --out D --json")]
#[case("backtest --bars F --rule ma-cross:10,30")]
#[case("replay J --check")]
#[case("report J --format json")]
#[case("model check A B")]
#[case("model eval D --bars F --out O --episode-start 1 --episode-start 2")]
#[case("synth --seed 7 --symbols BTCUSDT,ETHUSDT --days 3 --interval 1m --books --out D")]
#[case("kill")]
#[case("kill --level flatten --reason drill")]
#[case("resume --reason ok")]
#[case("status --json")]
#[case("config show --origin")]
#[case("config validate a b")]
#[case("config path --home x")]
#[case("theme list")]
#[case("theme validate")]
#[case("keys list")]
#[case("keys check f")]
#[case("screenshots --check --out d")]
#[case("completions zsh")]
#[case("man --out d")]
#[case("journal verify j")]
fn is_taken(#[case] line: &str) {
    let cli = read(line);
    assert!(cli.is_ok(), "{}", cli.unwrap_err());
}

#[rstest]
#[case("frobnicate", "unrecognized subcommand")]
#[case("--speed 0", "not a speed")]
#[case("--demo run", "belong behind the subcommand")]
#[case("--speed 3 status", "belong behind the subcommand")]
#[case("--theme a --no-color", "cannot be used with")]
#[case("-q -v", "cannot be used with")]
#[case("--log-level loud", "use error, warn, info, debug or trace")]
#[case("run --mode real", "use replay, paper, demo, testnet or live")]
#[case("run --live --demo", "cannot be used with")]
#[case("run --live --confirm-live", "a value is required")]
#[case("run --live --confirm-live 4821", "such as 4821:25000")]
#[case("run --live --confirm-live 14821:25000", "the last four digits")]
#[case("run --live --confirm-live 4821:-1", "is not UID4:CAP")]
#[case("--live", "unexpected argument")]
#[case("backtest --live --bars F --rule flat", "unexpected argument")]
#[case("run --symbol B/U", "is not a symbol")]
#[case("backtest --bars F --model M --rule flat", "cannot be used with")]
#[case("backtest --bars F --funding A --funding B", "more --funding files")]
#[case("backtest --bars F --rule ma-cross:10", "is not a rule")]
#[case("backtest --bars F --rule ma-cross:a,b", "is not a rule")]
#[case("backtest --interval 7m --bars F", "unknown interval")]
#[case("model check", "required")]
#[case("synth --seed 1 --symbols A --days 0 --out d", "is not in 1..=3660")]
#[case("synth --seed 1 --symbols A,,B --days 1 --out d", "is not a symbol")]
#[case("kill --level all", "possible values: reduce, halt, flatten")]
#[case("resume", "required")]
#[case("replay", "required")]
fn is_refused(#[case] line: &str, #[case] part: &str) {
    let error = read(line).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn a_reason_is_one_line_that_says_something() {
    for reason in ["", "  ", "a\nb", "\u{1b}[2J", &"x".repeat(201)] {
        assert!(
            Cli::read(["tradeterm", "resume", "--reason", reason]).is_err(),
            "{reason:?}"
        );
    }
    let cli = Cli::read(["tradeterm", "resume", "--reason", " feed is back "]).unwrap();
    let Some(Command::Resume(args)) = cli.command else {
        panic!("{cli:?}");
    };
    assert_eq!(args.reason, "feed is back");
}

#[test]
fn kill_halts_unless_told_otherwise() {
    let level = |line: &str| match read(line).unwrap().command {
        Some(Command::Kill(args)) => KillLevel::from(args.level),
        other => panic!("{other:?}"),
    };
    assert_eq!(level("kill"), KillLevel::Halted);
    assert_eq!(level("kill --level reduce"), KillLevel::ReduceOnly);
    assert_eq!(level("kill --level flatten"), KillLevel::Flatten);
}

#[rstest]
#[case("--speed max", "feed.speed", "\"max\"", "--speed")]
#[case("run --speed 7", "feed.speed", "7.0", "--speed")]
#[case("run --theme dark", "ui.theme", "\"dark\"", "--theme")]
#[case("--no-color", "ui.theme", "\"mono\"", "--no-color")]
#[case("--ascii", "ui.symbols", "\"ascii\"", "--ascii")]
#[case("status --fps 12", "ui.fps", "12", "--fps")]
#[case("-q", "log.level", "\"warn\"", "--quiet")]
#[case("-v", "log.level", "\"debug\"", "--verbose")]
#[case("-vv run", "log.level", "\"trace\"", "--verbose")]
#[case("--log-level error", "log.level", "\"error\"", "--log-level")]
#[case("--set ui.fps=9 --fps 8", "ui.fps", "8", "--fps")]
#[case("run --mode replay", "mode", "\"replay\"", "--mode")]
#[case(
    "run --mode paper --set feed.kind=bybit --model m",
    "mode",
    "\"paper\"",
    "--mode"
)]
#[case("run --demo", "mode", "\"replay\"", "--demo")]
#[case("backtest --bars x --model m", "mode", "\"replay\"", "backtest")]
#[case("backtest --bars x --model m", "feed.speed", "\"max\"", "backtest")]
#[case("backtest --bars x --model m", "feed.kind", "\"bars\"", "--bars")]
#[case("backtest --bars x --model m", "legs.0.model", "\"m\"", "--model")]
#[case(
    "backtest --bars x --rule flat",
    "legs.0.strategy",
    "\"flat\"",
    "--rule"
)]
#[case(
    "backtest --bars x --rule ma-cross:5,9,long-short",
    "legs.0.long_short",
    "true",
    "--rule"
)]
#[case(
    "backtest --bars x --bars y --model m --funding f",
    "feed.bars.0.funding",
    "\"f\"",
    "--bars"
)]
fn flags_become_settings(
    #[case] line: &str,
    #[case] key: &str,
    #[case] value: &str,
    #[case] flag: &str,
) {
    let loaded = load(line).unwrap();
    assert_eq!(loaded.settings.flat()[key], value);
    assert_eq!(loaded.origin(key), flag);
}

#[test]
fn symbols_go_to_legs_and_to_files_in_their_place() {
    let line = "backtest --bars a --bars b --symbol AUSDT --symbol BUSDT --interval 15m --model m";
    let settings = load(line).unwrap().settings;
    let symbols = |list: Vec<Option<_>>| {
        list.into_iter()
            .map(|symbol: Option<crate::domain::Symbol>| symbol.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let files = settings.feed.bars.iter().map(|file| file.symbol.clone());
    let legs = settings.legs.iter().map(|leg| leg.symbol.clone());
    assert_eq!(symbols(files.collect()), ["AUSDT", "BUSDT"]);
    assert_eq!(symbols(legs.collect()), ["AUSDT", "BUSDT"]);
    assert_eq!(settings.legs[1].interval.unwrap().name(), "15m");
    assert_eq!(settings.feed.speed, Speed::Max);
}

#[test]
fn demo_and_bars_replace_whatever_feed_the_files_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("market.toml");
    let text = "[feed]\nkind = \"market\"\nmarket = \"rec\"\n\
                [[legs]]\nstrategy = \"agent\"\nmodel = \"m\"\n";
    std::fs::write(&path, text).unwrap();
    for line in ["--demo", "run --demo", "run --bars b --model n"] {
        let sources = Sources::new().file(&path);
        let loaded = read(line).unwrap().apply(sources).unwrap().load();
        assert_eq!(loaded.unwrap().settings.feed.market, None, "{line}");
    }
}

#[test]
fn real_money_is_never_a_matter_of_the_environment() {
    let run = command()
        .get_subcommands()
        .find(|sub| sub.get_name() == "run")
        .cloned()
        .unwrap();
    for name in ["live", "confirm_live"] {
        let arg = run.get_arguments().find(|arg| arg.get_id() == name);
        assert_eq!(arg.unwrap().get_env(), None, "{name}");
    }
    let Some(Command::Run(args)) = read("run --live --confirm-live 4821:17500.5")
        .unwrap()
        .command
    else {
        panic!("it is the subcommand run");
    };
    assert!(args.live);
    assert_eq!(args.confirm_live.unwrap().to_string(), "4821:17500.5");
}

#[test]
fn a_backtest_of_live_settings_is_a_replay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.toml");
    let text = "mode = \"live\"\n[feed]\nkind = \"bybit\"\n\
                [[legs]]\nstrategy = \"agent\"\nmodel = \"m\"\n";
    std::fs::write(&path, text).unwrap();
    let load = |line: &str| {
        let sources = Sources::new().file(&path);
        read(line).unwrap().apply(sources).unwrap().load()
    };
    for line in ["backtest --bars b", "run --demo"] {
        assert_eq!(load(line).unwrap().settings.mode, Mode::Replay, "{line}");
    }
    // A session with recordings is none of real money, and is not quietly turned into one.
    for (line, part) in [
        ("run --bars b", "mode = \"live\""),
        ("backtest", "name another feed"),
    ] {
        let error = load(line).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn every_variable_of_a_flag_is_known_to_the_settings() {
    fn walk(command: &clap::Command, found: &mut Vec<String>) {
        for arg in command.get_arguments() {
            found.extend(
                arg.get_env()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
        for sub in command.get_subcommands() {
            walk(sub, found);
        }
    }
    let mut found = Vec::new();
    walk(&command(), &mut found);
    assert!(found.len() >= 6, "{found:?}");
    for name in found {
        assert!(FLAG_VARIABLES.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn help_starts_with_examples_and_every_flag_has_a_line() {
    let help = command().render_help().to_string();
    assert!(help.starts_with("Examples:"), "{help}");
    let shown = help.lines().skip_while(|line| line.is_empty()).count();
    assert!(shown <= 68, "{shown} lines");
    every_flag_has_a_line(&command());
}

fn every_flag_has_a_line(command: &clap::Command) {
    for arg in command.get_arguments() {
        assert!(
            arg.get_help().is_some(),
            "{} {}",
            command.get_name(),
            arg.get_id()
        );
    }
    for sub in command.get_subcommands() {
        assert!(sub.get_about().is_some(), "{}", sub.get_name());
        every_flag_has_a_line(sub);
    }
}

#[test]
fn console_flags_count_on_either_side_of_the_subcommand() {
    for line in [
        "--no-tui --json",
        "--no-tui --json run",
        "run --no-tui --json",
        "--json run --no-tui",
    ] {
        let cli = read(line).unwrap();
        assert!(cli.is_no_tui() && cli.is_json(), "{line}");
    }
    assert!(read("backtest --bars x --json").unwrap().is_json());
    assert!(read("status --json").unwrap().is_json());
    for line in ["", "run", "backtest --bars x", "status"] {
        let cli = read(line).unwrap();
        assert!(!cli.is_no_tui() && !cli.is_json(), "{line}");
    }
}
