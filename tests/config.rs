//! The settings from the outside: defaults, layers, origins, mistakes and what is said about them.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rstest::rstest;
use serde_json::json;
use tradeterm::config::keys::locate;
use tradeterm::config::{
    ConfigError, DEFAULT_TOML, FeedKind, LimitAction, Loaded, MarginMode, OrderEntry, Reaction,
    Settings, Sources, Speed, StrategyKind, SymbolSet, Unattended,
};
use tradeterm::domain::{Mode, Rate};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Settings over the defaults from one file with that text.
fn load_text(text: &str) -> Result<Loaded, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my.toml");
    std::fs::write(&path, text).unwrap();
    Sources::new().file(&path).load()
}

fn env(pairs: &[(&str, &str)]) -> Sources {
    Sources::new().env(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

#[test]
fn the_default_file_equals_the_defaults() {
    let loaded = Sources::new().load().unwrap();
    assert_eq!(loaded.settings, Settings::default());
    // Not only by leaving keys out: each one is there, with a comment somewhere above it.
    let file: toml::Table = DEFAULT_TOML.parse().unwrap();
    let mut keys = BTreeSet::new();
    for (section, value) in &file {
        match value {
            toml::Value::Table(table) => {
                keys.extend(table.keys().map(|key| format!("{section}.{key}")));
            }
            _ => {
                keys.insert(section.clone());
            }
        }
    }
    let flat: BTreeSet<_> = Settings::default().flat().into_keys().collect();
    assert_eq!(keys, flat);
    for optional in [
        "market",
        "warmup_bars",
        "key_file",
        "rest_url",
        "ws_url",
        "tls_root",
        "maker_bps",
        "taker_bps",
        "slippage_bps",
        "onnxruntime",
        "dir",
    ] {
        assert!(
            DEFAULT_TOML.contains(&format!("\n# {optional} = ")),
            "{optional} is not explained"
        );
    }
}

#[test]
fn the_shipped_defaults_are_the_documented_limits() {
    let risk = Settings::default().risk;
    for (found, expected) in [
        (risk.max_position_pct, "0.10"),
        (risk.max_exposure_pct, "0.70"),
        (risk.stop_loss_pct, "0.08"),
        (risk.day_loss_pct, "0.02"),
        (risk.week_loss_pct, "0.05"),
        (risk.max_drawdown_pct, "0.15"),
    ] {
        assert_eq!(found, rate(expected));
    }
    let reaction = risk.day_loss_action.with_pause(risk.day_loss_pause);
    let Reaction::Pause(span) = reaction else {
        panic!("{reaction:?}");
    };
    assert_eq!(span.millis(), 24 * 3_600_000);
    assert_eq!(risk.week_loss_pause.millis(), 7 * 24 * 3_600_000);
    assert_eq!(risk.max_drawdown_action, LimitAction::Kill);
    assert_eq!(risk.min_trade, "500".parse().unwrap());
}

#[test]
fn every_sample_loads() {
    let mut samples = Vec::new();
    for folder in ["config", "config/live", "config/risk", "config/strategy"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let is_settings = path.extension().is_some_and(|ext| ext == "toml")
                && path.file_name().is_some_and(|name| name != "keymap.toml");
            if is_settings {
                samples.push(path);
            }
        }
    }
    assert!(samples.len() >= 11, "{samples:?}");
    for sample in &samples {
        let loaded = Sources::new().file(sample).load();
        assert!(loaded.is_ok(), "{}", loaded.unwrap_err());
    }
    // They are made to be combined, too.
    let config = root().join("config");
    let loaded = Sources::new()
        .file(config.join("demo.toml"))
        .file(config.join("risk/conservative.toml"))
        .load()
        .unwrap();
    assert_eq!(loaded.settings.legs.len(), 3);
    assert_eq!(loaded.settings.risk.max_exposure_pct, rate("0.15"));
    assert_eq!(loaded.settings.risk.min_trade, "500".parse().unwrap());
}

/// The samples of the venue differ in what they risk, and say which mode they are.
#[test]
fn the_samples_of_the_venue_are_small_and_of_their_mode() {
    let load = |mode: Mode| {
        let path = root().join(format!("config/live/bybit_{mode}.toml"));
        Sources::new().file(path).load().unwrap()
    };
    for mode in [Mode::Paper, Mode::Demo, Mode::Testnet, Mode::Live] {
        let loaded = load(mode);
        let settings = &loaded.settings;
        assert_eq!((settings.mode, settings.feed.kind), (mode, FeedKind::Bybit));
        assert_eq!(loaded.live_file().is_some(), mode == Mode::Live);
        assert_eq!(settings.venue.rest_url, None);
        assert!(settings.venue.allow_permissions.is_empty());
        assert!(settings.venue.accept_values.is_empty());
        assert!(!settings.venue.accept_unbound_ip);
    }
    let live = load(Mode::Live).settings;
    let exposure = live.account.capital * live.risk.max_exposure_pct;
    assert_eq!(exposure, "200".parse().unwrap());
    assert_eq!(live.venue.leverage, 1);
    assert_eq!(live.venue.margin_mode, MarginMode::Isolated);
    assert_eq!(live.venue.unattended, Unattended::Hold);
    assert_eq!(
        load(Mode::Demo).settings.venue.order_entry,
        OrderEntry::Rest
    );
    // The figure that the comment of the file confirms is the one of its settings.
    let text = std::fs::read_to_string(root().join("config/live/bybit_live.toml")).unwrap();
    assert!(text.contains(&format!("--confirm-live 4821:{exposure} ")));
}

#[test]
fn the_example_environment_names_every_variable_of_a_key() {
    let text = std::fs::read_to_string(root().join("config/env.example")).unwrap();
    let names: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.to_owned())
        .collect();
    for mode in [Mode::Live, Mode::Testnet, Mode::Demo] {
        let asked = std::cell::RefCell::new(BTreeSet::new());
        let found = locate(mode, &Settings::default().venue, &|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        });
        assert!(found.is_err());
        for name in asked.into_inner() {
            assert!(names.contains(&name), "{name} is not in env.example");
        }
    }
}

#[test]
fn keys_are_no_settings_and_are_never_shown() {
    let canaries = [
        ("BYBIT_API_KEY", "canaryA"),
        ("BYBIT_API_SECRET", "canaryB"),
        ("BYBIT_TESTNET_API_SECRET", "canaryC"),
        ("BYBIT_DEMO_API_SECRET_FILE", "canaryD"),
    ];
    let sources = env(&canaries);
    let loaded = sources.load().unwrap();
    assert_eq!(loaded.settings, Settings::default());
    let listing: Vec<_> = loaded.effective().iter().map(ToString::to_string).collect();
    let shown = format!("{sources:?} {loaded:?} {}", listing.join("\n"));
    assert!(!shown.contains("canary"), "{shown}");
    // Nor does a mistake about them say them aloud.
    for key in [
        "venue.api_key",
        "venue.secret",
        "venue.api_secret",
        "api_key",
    ] {
        let error = Sources::new()
            .set(&format!("{key}=canaryE"))
            .unwrap()
            .load()
            .unwrap_err()
            .to_string();
        assert!(!error.contains("canary"), "{error}");
        assert!(error.contains("did you mean venue.key_file?"), "{error}");
    }
}

#[test]
fn the_example_environment_names_only_what_exists() {
    let text = std::fs::read_to_string(root().join("config/env.example")).unwrap();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.split_once('=').unwrap();
        assert_eq!(value, "", "{name} has a value");
        // An unknown name is an error of the key; an empty value at most one of the value.
        let result = env(&[(name, "")]).load();
        let is_known = !matches!(result, Err(ConfigError::UnknownKey { .. }));
        assert!(is_known, "{name}");
    }
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, fps: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("[ui]\nfps = {fps}\n")).unwrap();
        path
    };
    let (user, project) = (file("user.toml", 11), file("project.toml", 12));
    let (first, second) = (file("first.toml", 13), file("second.toml", 14));
    let fps = |sources: &Sources| {
        let loaded = sources.load().unwrap();
        (loaded.settings.ui.fps, loaded.origin("ui.fps"))
    };
    let name = |path: &Path| path.display().to_string();

    let mut sources = Sources::new();
    assert_eq!(fps(&sources), (10, "default".to_owned()));
    sources = sources
        .optional_file(folder.path().join("missing.toml"))
        .optional_file(&user);
    assert_eq!(fps(&sources), (11, name(&user)));
    sources = sources.optional_file(&project);
    assert_eq!(fps(&sources), (12, name(&project)));
    sources = sources.file(&first);
    assert_eq!(fps(&sources), (13, name(&first)));
    sources = sources.file(&second);
    assert_eq!(fps(&sources), (14, name(&second)));
    sources = sources.env([("TRADETERM_UI__FPS".to_owned(), "15".to_owned())]);
    assert_eq!(fps(&sources), (15, "env TRADETERM_UI__FPS".to_owned()));
    sources = sources.set("ui.fps=16").unwrap();
    assert_eq!(fps(&sources), (16, "--set ui.fps".to_owned()));
    sources = sources.flag("ui.fps", &json!(17), "--fps");
    assert_eq!(fps(&sources), (17, "--fps".to_owned()));
}

#[test]
fn order_of_building_does_not_matter_between_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    std::fs::write(&path, "[ui]\nfps = 10\n").unwrap();
    let loaded = Sources::new()
        .set("ui.fps=20")
        .unwrap()
        .file(&path)
        .load()
        .unwrap();
    assert_eq!(loaded.settings.ui.fps, 20);
}

#[rstest]
#[case("TRADING_INITIAL_CAPITAL", "12345.67", "account.capital", "10000")]
#[case("TRADING_MAX_POSITION_PCT", "0.2", "risk.max_position_pct", "0.3")]
#[case("TRADING_MAX_DRAWDOWN_PCT", "0.25", "risk.max_drawdown_pct", "0.3")]
fn older_names_still_work(
    #[case] name: &str,
    #[case] value: &str,
    #[case] key: &str,
    #[case] other: &str,
) {
    let loaded = env(&[(name, value)]).load().unwrap();
    assert_eq!(loaded.settings.flat()[key], value);
    assert_eq!(loaded.origin(key), format!("env {name}"));
    // The current name wins, although it comes first in the alphabet.
    let current = format!("TRADETERM_{}", key.to_uppercase().replace('.', "__"));
    let loaded = env(&[(name, value), (&current, other)]).load().unwrap();
    assert_eq!(loaded.settings.flat()[key], other);
    assert_eq!(loaded.origin(key), format!("env {current}"));
}

#[test]
fn paper_variables_only_ever_make_it_safer() {
    for (name, value) in [
        ("TRADING_PAPER_MODE", "true"),
        ("TRADETERM_FORCE_PAPER", "1"),
        ("TRADETERM_FORCE_PAPER", "0"),
    ] {
        assert_eq!(
            env(&[(name, value)]).load().unwrap().settings,
            Settings::default()
        );
    }
    for (name, value) in [
        ("TRADING_PAPER_MODE", "false"),
        ("TRADING_PAPER_MODE", "maybe"),
    ] {
        let error = env(&[(name, value)]).load().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    let error = env(&[("TRADETERM_MODE", "live"), ("TRADETERM_FORCE_PAPER", "1")])
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("env TRADETERM_FORCE_PAPER: mode = \"paper\""),
        "{error}"
    );
    for mode in ["live", "testnet", "demo", "paper"] {
        let sample = root().join(format!("config/live/bybit_{mode}.toml"));
        let loaded = env(&[("TRADETERM_FORCE_PAPER", "1")])
            .file(sample)
            .load()
            .unwrap();
        assert_eq!(loaded.settings.mode, Mode::Paper, "{mode}");
    }
    let loaded = env(&[("TRADETERM_FORCE_PAPER", "1")]).load().unwrap();
    assert_eq!(loaded.settings.mode, Mode::Replay);
}

#[test]
fn a_variable_alone_selects_every_mode_but_live() {
    let bybit = [
        ("TRADETERM_FEED__KIND", "bybit"),
        ("TRADETERM_LEGS", "[{strategy=\"agent\", model=\"m\"}]"),
    ];
    for mode in [Mode::Paper, Mode::Demo, Mode::Testnet] {
        let sources = env(&[bybit[0], bybit[1], ("TRADETERM_MODE", mode.name())]);
        assert_eq!(sources.load().unwrap().settings.mode, mode);
    }
    let live = env(&[bybit[0], bybit[1], ("TRADETERM_MODE", "live")]);
    let error = live.load().unwrap_err().to_string();
    assert!(
        error.starts_with("env TRADETERM_MODE: mode = \"live\""),
        "{error}"
    );
    assert!(error.contains("in a file"), "{error}");
    // Over a file that says so it repeats what is there.
    let sample = root().join("config/live/bybit_live.toml");
    let loaded = live.clone().file(&sample).load().unwrap();
    assert_eq!(loaded.settings.mode, Mode::Live);
    assert_eq!(
        loaded.live_file(),
        Some(sample.display().to_string().as_str())
    );
    // A later file that says otherwise takes it back.
    let other = root().join("config/live/bybit_testnet.toml");
    let loaded = Sources::new().file(&sample).file(other).load().unwrap();
    assert_eq!(
        (loaded.settings.mode, loaded.live_file()),
        (Mode::Testnet, None)
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    let sources = env(&[
        ("PATH", "/bin"),
        ("TRADETERMINAL_X", "1"),
        ("TRADETERM_HOME", "/somewhere"),
        ("TRADETERM_NO_TUI", "1"),
        ("TRADING_OTHER", "x"),
    ]);
    assert_eq!(sources.load().unwrap().settings, Settings::default());
}

#[rstest]
#[case("risk.day_loss_pct=0.01", "risk.day_loss_pct", "0.01")]
#[case(" risk.day_loss_pct = 1e-2 ", "risk.day_loss_pct", "0.01")]
#[case("account.capital=1000000", "account.capital", "1000000")]
#[case(
    "account.capital=\"0.1234567890123456789\"",
    "account.capital",
    "\"0.1234567890123456789\""
)]
#[case("feed.speed=max", "feed.speed", "\"max\"")]
#[case("feed.speed=2", "feed.speed", "2.0")]
#[case("risk.day_loss_pause=48h", "risk.day_loss_pause", "\"2d\"")]
#[case("risk.day_loss_action=kill", "risk.day_loss_action", "\"kill\"")]
#[case("ui.mouse=false", "ui.mouse", "false")]
#[case("log.dir=/tmp/a=b", "log.dir", "\"/tmp/a=b\"")]
#[case("ui.theme=", "ui.theme", "\"\"")]
#[case("execution.tif=IOC", "execution.tif", "\"IOC\"")]
fn overrides_are_read(#[case] text: &str, #[case] key: &str, #[case] expected: &str) {
    let loaded = Sources::new()
        .set("risk.min_trade=0")
        .and_then(|sources| sources.set(text))
        .unwrap()
        .load();
    match loaded {
        Ok(loaded) => assert_eq!(loaded.settings.flat()[key], expected),
        // The empty theme is read and then refused by its own rule.
        Err(error) => assert!(expected == "\"\"" && error.to_string().contains("ui.theme")),
    }
}

#[test]
fn an_override_reaches_into_a_list() {
    let text = "[[legs]]\nstrategy = \"agent\"\nmodel = \"a\"\n\
                [[legs]]\nstrategy = \"agent\"\nmodel = \"b\"\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("legs.toml");
    std::fs::write(&path, text).unwrap();
    let sources = Sources::new().file(&path);
    let loaded = sources
        .clone()
        .set("legs.1.max_position_pct=0.03")
        .unwrap()
        .load()
        .unwrap();
    assert_eq!(loaded.settings.legs[1].max_position_pct, Some(rate("0.03")));
    assert_eq!(loaded.settings.legs[0].max_position_pct, None);
    assert_eq!(
        loaded.origin("legs.1.max_position_pct"),
        "--set legs.1.max_position_pct"
    );
    assert_eq!(loaded.origin("legs.1.model"), path.display().to_string());
    let error = sources.set("legs.2.model=c").unwrap().load().unwrap_err();
    assert!(
        error.to_string().contains("the list has 2 elements"),
        "{error}"
    );
    let legs = json!([{"strategy": "flat", "symbol": "BTCUSDT", "interval": "5m"}]);
    let loaded = Sources::new()
        .file(&path)
        .flag("legs", &legs, "--rule")
        .load()
        .unwrap();
    assert_eq!(loaded.settings.legs.len(), 1);
    assert_eq!(loaded.settings.legs[0].strategy, StrategyKind::Flat);
    assert_eq!(loaded.origin("legs.0.symbol"), "--rule");
}

#[test]
fn an_override_has_to_be_a_pair() {
    for text in ["", "risk", "=1", "  =1"] {
        let error = Sources::new().set(text).unwrap_err().to_string();
        assert!(error.contains("key=value"), "{error}");
    }
}

#[rstest]
#[case(
    "[risk]\nday_los_pct = 0.01",
    "risk.day_los_pct",
    Some("risk.day_loss_pct")
)]
#[case("[rsik]\nday_loss_pct = 0.01", "rsik", Some("risk"))]
#[case("day_loss_pct = 0.01", "day_loss_pct", Some("risk.day_loss_pct"))]
#[case("[risk]\ncapital = 1", "risk.capital", Some("account.capital"))]
#[case("[risk]\nzzzzzzzz = 1", "risk.zzzzzzzz", None)]
#[case(
    "[[legs]]\nstrateg = \"flat\"",
    "legs.0.strateg",
    Some("legs.0.strategy")
)]
#[case(
    "[feed]\nbars = [{ pth = \"x\" }]",
    "feed.bars.0.pth",
    Some("feed.bars.0.path")
)]
fn an_unknown_key_is_named_with_its_file(
    #[case] text: &str,
    #[case] key: &str,
    #[case] nearest: Option<&str>,
) {
    let error = load_text(text).unwrap_err();
    let ConfigError::UnknownKey {
        key: found,
        origin,
        nearest: hint,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!((found.as_str(), hint.as_deref()), (key, nearest));
    assert!(origin.ends_with("my.toml"), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[rstest]
#[case("TRADETERM_RISK__DAY_LOS_PCT", "risk.day_loss_pct")]
#[case("TRADETERM_RISK_DAY_LOSS_PCT", "risk.day_loss_pct")]
#[case("TRADETERM_THEME", "ui.theme")]
#[case("TRADETERM_PAPER__MAKR_BPS", "paper.maker_bps")]
fn an_unknown_variable_is_named(#[case] name: &str, #[case] nearest: &str) {
    let error = env(&[(name, "1")]).load().unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("env {name}: unknown key ")),
        "{error}"
    );
    assert!(
        error.ends_with(&format!("did you mean {nearest}?")),
        "{error}"
    );
}

#[rstest]
#[case("risk.max_position_pct=abc", &["--set risk.max_position_pct", "\"abc\" is not a decimal number"])]
#[case("ui.fps=fast", &["--set ui.fps: ui.fps: ", "\"fast\""])]
#[case("ui.fps=-1", &["ui.fps"])]
#[case("mode=papper", &["\"papper\" is none of", "did you mean \"paper\"?"])]
#[case("risk.day_loss_action=stop", &["risk.day_loss_action", "block, pause, kill"])]
#[case("risk.pause=soon", &["risk.pause", "24h or 7d"])]
#[case("feed.speed=0", &["feed.speed", "max"])]
#[case("legs.0.model=x", &["the list has 0 elements"])]
#[case("risk=1", &["risk"])]
fn a_value_of_the_wrong_kind_is_named(#[case] text: &str, #[case] parts: &[&str]) {
    let error = Sources::new().set(text).unwrap().load().unwrap_err();
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
    assert!(!message.contains('\n'), "{message}");
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let error = load_text("[ui]\nfps = \n").unwrap_err().to_string();
    assert!(
        error.contains("my.toml") && error.contains("line 2"),
        "{error}"
    );
    let error = Sources::new().file("no/such.toml").load().unwrap_err();
    assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    let error = load_text("[[legs]]\nmodel = \"x\"")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("my.toml: legs.0: strategy is missing"),
        "{error}"
    );
}

const PAPER: &str = "mode = \"paper\"\n[feed]\nkind = \"bybit\"\n";
const LIVE: &str = "mode = \"live\"\n[feed]\nkind = \"bybit\"\n";
const CROSS: &str = "[[legs]]\nstrategy=\"ma-cross\"\nsymbol=\"BTCUSDT\"\ninterval=\"5m\"\n";

#[rstest]
#[case("mode = \"live\"", "mode", "set feed.kind = \"bybit\"")]
#[case("mode = \"paper\"", "mode", "use replay")]
#[case("mode = \"testnet\"", "mode", "use replay")]
#[case("[feed]\nkind = \"bybit\"", "feed.kind", "mode = \"paper\"")]
#[case(&format!("{PAPER}depth = 25"), "feed.depth", "1, 50, 200 or 1000")]
#[case(&format!("{PAPER}depth = 500"), "feed.depth", "1, 50, 200 or 1000")]
#[case(&format!("{PAPER}history_bars = 0"), "feed.history_bars", "from 1 to 10000")]
#[case(&format!("{PAPER}stale_ms = 3000"), "feed.stale_ms", "from 3500 to 600000")]
#[case(&format!("{PAPER}fallback_poll_ms = 1"), "feed.fallback_poll_ms", "from 250 to 60000")]
#[case(&format!("{PAPER}bars = [{{ path = \"x\" }}]"), "feed.bars", "is given")]
#[case(
    "[venue]\nrecv_window_ms = 5001",
    "venue.recv_window_ms",
    "from 500 to 5000"
)]
#[case(
    "[venue]\nrecv_window_ms = 100",
    "venue.recv_window_ms",
    "from 500 to 5000"
)]
#[case(
    "[venue]\nack_deadline_ms = 0",
    "venue.ack_deadline_ms",
    "from 50 to 30000"
)]
#[case(
    "[venue]\nvisibility_lag_ms = 600001",
    "venue.visibility_lag_ms",
    "from 0 to 600000"
)]
#[case("[venue]\nleverage = 0", "venue.leverage", "from 1 to 100")]
#[case("[venue]\nleverage = 101", "venue.leverage", "from 1 to 100")]
#[case(
    "[venue]\nreconcile_fast_s = 0",
    "venue.reconcile_fast_s",
    "from 1 to 600"
)]
#[case(
    "[venue]\nreconcile_full_s = 0",
    "venue.reconcile_full_s",
    "from 1 to 3600"
)]
#[case(
    "[venue]\nreconcile_fast_s = 61",
    "venue.reconcile_fast_s",
    "venue.reconcile_full_s, which is 60"
)]
#[case(
    "[venue]\nposition_mode = \"hedge\"",
    "venue.position_mode",
    "use one-way"
)]
#[case("[venue]\naccount = \"\"", "venue.account", "such as bot-1")]
#[case("[venue]\naccount = \"a/b\"", "venue.account", "such as bot-1")]
#[case(
    "[venue]\nallow_permissions = [\"Wallet.withdraw\"]",
    "venue.allow_permissions.0",
    "never used"
)]
#[case(
    "[venue]\nallow_permissions = [\"Earn.Earn\", \"Wallet\"]",
    "venue.allow_permissions.1",
    "Wallet.AccountTransfer"
)]
#[case(
    "[venue]\naccept_values = [\"risk.x\"]",
    "venue.accept_values.0",
    "no band belongs"
)]
#[case(
    "[venue]\nrest_url = \"http://127.0.0.1:1\"",
    "venue.ws_url",
    "it is missing"
)]
#[case(
    "[venue]\nws_url = \"ws://127.0.0.1:1\"",
    "venue.rest_url",
    "it is missing"
)]
#[case(
    "[venue]\nrest_url = \"https://api.bybit.com\"\nws_url = \"ws://127.0.0.1:1\"",
    "venue.rest_url",
    "on this machine"
)]
#[case(
    "[venue]\nrest_url = \"http://127.0.0.1:1\"\nws_url = \"http://127.0.0.1:1\"",
    "venue.ws_url",
    "start with ws://"
)]
#[case("[venue]\ntls_root = \"root.pem\"", "venue.tls_root", "https://")]
#[case(
    "[venue]\ntls_root = \"root.pem\"\nrest_url = \"https://127.0.0.1:1\"\nws_url = \"ws://127.0.0.1:1\"",
    "venue.tls_root",
    "wss://"
)]
#[case(&format!("{LIVE}[venue]\nrest_url = \"http://127.0.0.1:1\""), "venue.rest_url", "own hosts only")]
#[case(&format!("{LIVE}[venue]\nws_url = \"ws://127.0.0.1:1\""), "venue.ws_url", "own hosts only")]
#[case(&format!("{LIVE}[venue]\ntls_root = \"root.pem\""), "venue.tls_root", "own hosts only")]
#[case(&format!("{LIVE}[risk]\nmax_position_pct = 0.3"), "risk.max_position_pct", "that is 30 percent")]
#[case(
    "mode = \"demo\"\n[feed]\nkind = \"bybit\"\n[venue]\norder_entry = \"socket\"",
    "venue.order_entry",
    "by REST only"
)]
#[case(
    "[risk]\nmax_position_pct = 10",
    "risk.max_position_pct",
    "0.10 means ten percent"
)]
#[case("[risk]\nmax_position_pct = 0", "risk.max_position_pct", "above 0")]
#[case("[risk]\nmax_position_pct = -0.1", "risk.max_position_pct", "above 0")]
#[case(
    "[risk]\nmax_position_pct = 0.8",
    "risk.max_position_pct",
    "larger than all together"
)]
#[case(
    "[risk]\nmax_exposure_pct = 70",
    "risk.max_exposure_pct",
    "ten percent"
)]
#[case("[risk]\nstop_loss_pct = 8", "risk.stop_loss_pct", "ten percent")]
#[case("[risk]\nstop_loss_pct = 0", "risk.stop_loss_pct", "above 0")]
#[case("[risk]\nday_loss_pct = 2", "risk.day_loss_pct", "ten percent")]
#[case("[risk]\nday_loss_pct = 0.06", "risk.day_loss_pct", "never be reached")]
#[case("[risk]\nweek_loss_pct = 1.5", "risk.week_loss_pct", "ten percent")]
#[case(
    "[risk]\nmax_drawdown_pct = 15",
    "risk.max_drawdown_pct",
    "ten percent"
)]
#[case("[risk]\nmin_trade = -1", "risk.min_trade", "negative")]
#[case(
    "[risk]\nmin_trade = 2501",
    "risk.min_trade",
    "every order would be refused"
)]
#[case(
    "[account]\ncapital = 4999",
    "risk.min_trade",
    "every order would be refused"
)]
#[case("[account]\ncapital = 0", "account.capital", "above 0")]
#[case("[account]\ncapital = -5", "account.capital", "above 0")]
#[case("[account]\ncoin = \"usdt!\"", "account.coin", "USDT")]
#[case("[risk]\nprice_band_pct = 2", "risk.price_band_pct", "ten percent")]
#[case("[risk]\nstale_ms = 0", "risk.stale_ms", "from 100 to 600000")]
#[case(
    "[risk]\nmax_orders_per_minute = 0",
    "risk.max_orders_per_minute",
    "from 1 to 6000"
)]
#[case(
    "[risk]\nday_loss_pause = \"0s\"",
    "risk.day_loss_pause",
    "from 1s to 366d"
)]
#[case("[risk]\npause = \"400d\"", "risk.pause", "from 1s to 366d")]
#[case("[execution]\ndead_band_pct = 1", "execution.dead_band_pct", "below 1")]
#[case("[execution]\nshrink_pct = 0", "execution.shrink_pct", "above 0")]
#[case(
    "[execution]\norder = \"limit-post-only\"\ntif = \"IOC\"",
    "execution.tif",
    "has to rest"
)]
#[case("[paper]\ntaker_bps = -1.0", "paper.taker_bps", "from 0 to 200")]
#[case("[paper]\nmaker_bps = nan", "paper.maker_bps", "from -50 to 200")]
#[case("[paper]\nslippage_bps = inf", "paper.slippage_bps", "from 0 to 1000")]
#[case("[paper]\nparticipation = 10", "paper.participation", "ten percent")]
#[case("[paper]\nlatency_ms = 70000", "paper.latency_ms", "from 0 to 60000")]
#[case("[agent]\ndeadline_ms = 0", "agent.deadline_ms", "from 1 to 60000")]
#[case(
    "[agent]\nmax_model_errors = 0",
    "agent.max_model_errors",
    "from 1 to 1000"
)]
#[case("[ui]\nfps = 0", "ui.fps", "from 1 to 60")]
#[case("[ui]\nfps = 1000", "ui.fps", "from 1 to 60")]
#[case("[feed]\nspeed = 1e9", "feed.speed", "at most 1000000")]
#[case("[feed]\nkind = \"bars\"", "feed.bars", "is missing")]
#[case("[feed]\nbars = [{ path = \"x\" }]", "feed.bars", "is given")]
#[case("[feed]\nkind = \"market\"", "feed.market", "is missing")]
#[case(
    "[feed]\nkind = \"market\"\nmarket = \"x\"",
    "legs",
    "nothing would trade"
)]
#[case(
    "[[legs]]\nstrategy = \"agent\"",
    "legs.0.model",
    "folder of its bundle"
)]
#[case(
    "[[legs]]\nstrategy = \"flat\"\ninterval = \"5m\"",
    "legs.0.symbol",
    "its symbol"
)]
#[case(
    "[[legs]]\nstrategy = \"flat\"\nsymbol = \"X\"",
    "legs.0.interval",
    "its interval"
)]
#[case(
    "[[legs]]\nstrategy = \"agent\"\nmodel = \"m\"\nfast = 3",
    "legs.0.fast",
    "ma-cross"
)]
#[case(
    "[[legs]]\nstrategy = \"agent\"\nmodel = \"m\"\nmax_position_pct = 5",
    "legs.0.max_position_pct",
    "ten percent"
)]
#[case(
    "[[legs]]\nstrategy = \"agent\"\nmodel = \"m\"\n[[legs]]\nstrategy = \"agent\"\nmodel = \"m\"",
    "legs.1",
    "same as legs.0"
)]
#[case(&format!("{CROSS}fast = 10"), "legs.0.slow", "needs fast and slow")]
#[case(&format!("{CROSS}fast = 30\nslow = 30"), "legs.0.slow", "above fast = 30")]
#[case(&format!("{CROSS}fast = 0\nslow = 30"), "legs.0.fast", "from 1 to")]
#[case(&format!("{CROSS}fast = 1\nslow = 3\nmodel = \"m\""), "legs.0.model", "only the strategy")]
#[case(
    &format!("[feed]\ncategory = \"spot\"\n{CROSS}fast = 1\nslow = 3\nlong_short = true"),
    "legs.0.long_short",
    "spot cannot be short"
)]
fn what_cannot_work_is_refused(#[case] text: &str, #[case] key: &str, #[case] part: &str) {
    let error = load_text(text).unwrap_err();
    let ConfigError::Invalid(problems) = &error else {
        panic!("{error}");
    };
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    let at = keys.iter().position(|found| *found == key);
    let problem = &problems[at.unwrap_or_else(|| panic!("{key} is not among {keys:?}"))];
    assert!(problem.message.contains(part), "{problem}");
    assert!(!problem.message.contains('\n'), "{problem}");
}

#[test]
fn edges_of_the_limits_are_allowed() {
    for text in [
        "[risk]\nmax_position_pct = 1\nmax_exposure_pct = 1",
        "[risk]\nday_loss_pct = 0.05\nweek_loss_pct = 0.05",
        "[risk]\nmin_trade = 2500",
        "[risk]\nmin_trade = 0",
        "[account]\ncapital = 5000",
        "[risk]\nstale_ms = 100\nmax_orders_per_minute = 1",
        "[paper]\nmaker_bps = -50\ntaker_bps = 0\nparticipation = 1\nlatency_ms = 0",
        "[ui]\nfps = 60\nsymbols = \"ascii\"",
        "[venue]\nrecv_window_ms = 5000\nack_deadline_ms = 50\nvisibility_lag_ms = 0\nleverage = 100",
        "[venue]\nreconcile_fast_s = 60\nreconcile_full_s = 60\naccount = \"a\"",
        "[venue]\nrest_url = \"http://127.0.0.1:1\"\nws_url = \"ws://[::1]:1\"",
        "[venue]\nrest_url = \"https://localhost:1\"\nws_url = \"wss://localhost:1\"\ntls_root = \"r\"",
        "[venue]\nallow_permissions = [\"Wallet.AccountTransfer\"]",
        "[feed]\ndepth = 1000\nstale_ms = 3500\nhistory_bars = 10000\nfallback_poll_ms = 250",
    ] {
        let loaded = load_text(text);
        assert!(loaded.is_ok(), "{text}: {}", loaded.unwrap_err());
    }
    assert_eq!(Settings::default().ui.symbols, SymbolSet::Unicode);
}

#[test]
fn all_problems_are_told_at_once_with_their_origin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, "[risk]\nday_loss_pct = 2\nstop_loss_pct = 8\n").unwrap();
    let error = Sources::new()
        .file(&path)
        .set("ui.fps=0")
        .unwrap()
        .load()
        .unwrap_err()
        .to_string();
    let name = path.display();
    for line in [
        format!("{name}: risk.stop_loss_pct = 8: it is a part and may not be above 1"),
        format!("{name}: risk.day_loss_pct = 2: it is a part"),
        "--set ui.fps: ui.fps = 0: it has to be from 1 to 60".to_owned(),
    ] {
        assert!(
            error.lines().any(|found| found.starts_with(&line)),
            "{error}"
        );
    }
}

#[test]
fn the_listing_names_each_origin_and_can_be_read_back() {
    let loaded = env(&[("TRADETERM_RISK__DAY_LOSS_PCT", "0.015")])
        .set("feed.speed=max")
        .unwrap()
        .load()
        .unwrap();
    let lines: Vec<_> = loaded.effective().iter().map(ToString::to_string).collect();
    for line in [
        "risk.day_loss_pct = 0.015   # env TRADETERM_RISK__DAY_LOSS_PCT",
        "feed.speed = \"max\"   # --set feed.speed",
        "risk.week_loss_pct = 0.05   # default",
        "account.capital = 25000   # default",
        "legs = []   # default",
    ] {
        assert!(
            lines.iter().any(|found| found == line),
            "{line} is not in {lines:#?}"
        );
    }
    let text = lines.join("\n");
    assert_eq!(load_text(&text).unwrap().settings, loaded.settings);
}

#[test]
fn settings_survive_the_journal_header() {
    let loaded = Sources::new()
        .file(root().join("config/demo.toml"))
        .set("account.capital=\"98765.4321098765432\"")
        .unwrap()
        .load()
        .unwrap();
    let value = serde_json::to_value(&loaded.settings).unwrap();
    let back: Settings = serde_json::from_value(value).unwrap();
    assert_eq!(back, loaded.settings);
    assert_eq!(back.hash(), loaded.settings.hash());
    assert_eq!(back.feed.kind, FeedKind::SyntheticDemo);
}

#[test]
fn the_hash_changes_with_every_value_and_only_then() {
    let base = Settings::default();
    assert_eq!(base.hash().len(), 64);
    assert_eq!(base.hash(), Settings::default().hash());
    let hash = |text: &str| load_text(text).unwrap().settings.hash();
    assert_eq!(hash("[feed]\nspeed = 150"), base.hash());
    assert_eq!(hash("[risk]\nmax_position_pct = \"0.100\""), base.hash());
    let mut hashes: BTreeSet<_> = [
        "[feed]\nspeed = 151",
        "[risk]\nmax_position_pct = 0.11",
        "[risk]\nday_loss_action = \"kill\"",
        "[paper]\nmaker_bps = 2.0",
        "[ui]\ntheme = \"dark\"",
        "[venue]\nunattended = \"close\"",
    ]
    .iter()
    .map(|text| hash(text))
    .collect();
    hashes.insert(base.hash());
    assert_eq!(hashes.len(), 7);
    assert_eq!(base.feed.speed, Speed::Times(150.0));
}
