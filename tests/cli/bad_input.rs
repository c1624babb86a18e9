//! Everything a person can get wrong: one line that names the thing and the remedy, and the
//! documented exit code.

use std::path::Path;

use rstest::rstest;

use super::desk::{Desk, arg, demo, market};

const HEADER: &str = "ts_ms,open,high,low,close,volume";
const A: &str = "1767571200000,60000,60180,59901,60165,2337";
const B: &str = "1767571500000,60165,60203,60041,60148,163";
const C: &str = "1767571800000,60148,60203,60041,60100,99";
const BTC: &str = "models/ppo_btcusdt_5m";
const ETH: &str = "models/ppo_win16_ethusdt_5m";

/// Files of bars, by what is wrong with them.
#[rstest]
#[case("number", &[HEADER, A, "1767571500000,abc,60203,60041,60148,163", C], &["line 3", "open", "\"abc\"", "correct the row"])]
#[case("nan", &[HEADER, A, "1767571500000,NaN,60203,60041,60148,163", C], &["line 3", "\"NaN\"", "correct the row"])]
#[case("negative", &[HEADER, A, "1767571500000,60165,60203,60041,60148,-1", C], &["line 3", "volume", "negative"])]
#[case("high_low", &[HEADER, A, "1767571500000,60165,60003,60041,60148,163", C], &["line 3", "high 60003", "low 60041", "correct the row"])]
#[case("unsorted", &[HEADER, A, C, B], &["line 4", "sort the file"])]
#[case("duplicate", &[HEADER, A, B, B, C], &["line 4", "twice", "remove one"])]
#[case("empty", &[], &["no rows", "expected a header"])]
#[case("only_header", &[HEADER], &["no rows", "at least one row"])]
#[case("column", &["ts_ms,open,high,low,close", "1767571200000,60000,60180,59901,60165"], &["line 1", "column volume is missing", "ts_ms,open"])]
#[case("cut_row", &[HEADER, A, "1767571500000,60165", C], &["line 3", "2 fields", "cut off"])]
#[case("one_row", &[HEADER, A], &["one row only", "at least two"])]
#[case("seconds", &[HEADER, "1767571200,60000,60180,59901,60165,1", "1767571500,60000,60180,59901,60165,1"], &["300 ms apart", "in seconds?"])]
fn bars_that_are_wrong(#[case] name: &str, #[case] rows: &[&str], #[case] parts: &[&str]) {
    let desk = Desk::new();
    let file = desk.file(&format!("BTCUSDT_{name}.csv"), rows.join("\n"));
    for command in [&["backtest"][..], &["run", "--no-tui"]] {
        let args = [command, &["--bars", &file, "--model", BTC]].concat();
        let said = desk.run(&args);
        said.is_refused(5, parts);
        said.is_refused(5, &[&format!("BTCUSDT_{name}.csv")]);
    }
}

#[test]
fn bars_that_are_no_text_or_no_whole_file() {
    let desk = Desk::new();
    let junk: Vec<u8> = (0..4_000_u32)
        .map(|n| (n * 167 + n / 7).to_le_bytes()[0])
        .collect();
    let whole = std::fs::read(market("five/BTCUSDT_5m.csv.gz")).unwrap();
    for (name, bytes, part) in [
        ("BTCUSDT_junk.csv", &junk[..], "is this a CSV file?"),
        ("BTCUSDT_junk.csv.gz", &junk, "is the file whole?"),
        ("BTCUSDT_junk.csv.zst", &junk, "no zstandard file"),
        (
            "BTCUSDT_cut.csv.gz",
            &whole[..whole.len() / 2],
            "is the file whole?",
        ),
    ] {
        let file = desk.file(name, bytes);
        let said = desk.run(&["backtest", "--bars", &file, "--model", BTC]);
        said.is_refused(5, &[name, part]);
        assert_eq!(said.out, "", "{name}");
    }
}

#[test]
fn a_leg_that_waits_for_bars_the_feed_lacks() {
    let desk = Desk::new();
    let leg = |interval: &str| {
        let text = format!(
            "[[legs]]\nstrategy = \"ma-cross\"\nsymbol = \"BTCUSDT\"\nfast = 3\nslow = 9\n{interval}"
        );
        desk.file("leg.toml", text)
    };
    let (minutes, fives) = (
        market("one/BTCUSDT_1m.csv.gz"),
        market("five/BTCUSDT_5m.csv.gz"),
    );
    let missing = leg("interval = \"1h\"\n");
    let parts = ["ma-cross-3-9", "1h bars of BTCUSDT", "the feed has 5m only"];
    for command in [&["backtest"][..], &["run", "--no-tui"]] {
        let args = [command, &["--bars", &fives, "-c", &missing]].concat();
        desk.run(&args).is_refused(3, &parts);
    }
    let both = [
        "backtest", "-c", &missing, "--bars", &minutes, "--bars", &fives,
    ];
    desk.run(&both).is_refused(3, &["the feed has 1m, 5m only"]);
    desk.run(&["run", "--no-tui", "-c", &missing])
        .is_refused(3, &["ma-cross-3-9", "the feed has 5m only"]);
    // The second recording's bars are as good as the first one's.
    let second = leg("interval = \"5m\"\n");
    let args = [
        "run", "--no-tui", "-c", &second, "--bars", &minutes, "--bars", &fives,
    ];
    let out = desk.run(&args).ok();
    assert!(out.contains("\"type\":\"decision\""), "it never decided");
}

#[test]
fn bars_that_are_not_there() {
    let desk = Desk::new();
    for name in ["BTCUSDT_5m.csv", "prices.csv"] {
        let said = desk.run(&["run", "--no-tui", "--bars", name, "--model", BTC]);
        said.is_refused(5, &[name, "no such file", "check its path"]);
    }
    let folder = arg(&desk.path(""));
    let said = desk.run(&["backtest", "--bars", &folder, "--rule", "flat"]);
    said.is_refused(5, &["it is a folder"]);
    let unnamed = desk.file("prices.csv", [HEADER, A, B, C].join("\n"));
    let said = desk.run(&["backtest", "--bars", &unnamed, "--rule", "flat"]);
    said.is_refused(3, &["prices.csv", "--symbol"]);
}

/// Settings that are wrong, from a file and as an override.
#[rstest]
#[case("[risk]\nday_los_pct = 0.02", &["unknown key risk.day_los_pct", "did you mean risk.day_loss_pct"])]
#[case("[risk]\nday_loss_pct = -0.02", &["risk.day_loss_pct = -0.02", "above 0"])]
#[case("[risk]\nday_loss_pct = 1.5", &["risk.day_loss_pct = 1.5", "0.10 means ten percent"])]
#[case("[risk]\nday_loss_pct = \"x\"", &["risk.day_loss_pct", "\"x\" is not a decimal number"])]
#[case("[risk", &["line 1", "invalid table header"])]
#[case("a = 1\nb =", &["line 2"])]
#[case("[venue]\nleverage = 0", &["venue.leverage = 0", "from 1 to 100"])]
#[case("mode = \"real\"", &["mode", "real", "replay"])]
fn settings_that_are_wrong(#[case] text: &str, #[case] parts: &[&str]) {
    let desk = Desk::new();
    let file = desk.file("my.toml", text);
    for args in [
        &["config", "validate", &file][..],
        &["config", "show", "-c", &file],
        &["run", "--no-tui", "-c", &file],
        &["backtest", "--config", &file],
        &["status", "--config", &file],
    ] {
        let said = desk.run(args);
        said.is_refused(3, parts);
        said.is_refused(3, &["my.toml"]);
        assert_eq!(said.out, "");
    }
}

#[rstest]
#[case(&["backtest", "--set", "nonsense"], 3, &["\"nonsense\"", "key=value"])]
#[case(&["backtest", "--set", "risk.day_los_pct=1"], 3, &["did you mean risk.day_loss_pct"])]
#[case(&["backtest", "--set", "risk=1"], 3, &["--set risk", "expected the keys below"])]
#[case(&["backtest", "--set", "legs.0.fast=1"], 3, &["legs.0.fast", "0 elements"])]
#[case(&["run", "--no-tui", "--mode", "live"], 3, &["--mode", "live", "use replay"])]
#[case(&["config", "validate", "--set", "mode=testnet"], 3, &["mode = \"testnet\"", "feed.kind = \"bybit\""])]
#[case(&["config", "show", "--set", "venue.api_secret=abc"], 3, &["unknown key venue.api_secret", "did you mean venue.key_file"])]
#[case(&["run", "--no-tui", "-c", "none.toml"], 3, &["none.toml", "no such file"])]
#[case(&["run", "--no-tui", "--theme", "none"], 3, &["unknown theme \"none\"", "known: dark"])]
#[case(&["run", "--no-tui", "--theme", "none.toml"], 3, &["none.toml", "no such file"])]
#[case(&["theme", "validate", "none.toml"], 3, &["none.toml", "no such file"])]
#[case(&["keys", "check", "none.toml"], 3, &["none.toml", "no such file"])]
#[case(&["run"], 2, &["no terminal", "--no-tui"])]
#[case(&[], 2, &["no terminal", "--no-tui"])]
#[case(&["replay", "none.ttj"], 2, &["none.ttj", "no such file"])]
#[case(&["journal", "verify", "none.ttj"], 2, &["none.ttj", "no such file"])]
#[case(&["journal", "verify", "Cargo.toml"], 6, &["is not a journal", "journal.ttj"])]
#[case(&["replay", "Cargo.toml"], 6, &["is not a journal"])]
#[case(&["report", "Cargo.toml"], 6, &["is not a journal"])]
#[case(&["report", "src"], 2, &["src holds no journal", "journal.ttj"])]
#[case(&["replay", "src"], 2, &["src holds no journal"])]
#[case(&["synth", "--seed", "1", "--symbols", "FOOUSDT", "--days", "1", "--out", "x"], 3, &["unknown symbol FOOUSDT", "known: BTCUSDT"])]
fn calls_that_are_wrong(#[case] args: &[&str], #[case] code: i32, #[case] parts: &[&str]) {
    let said = Desk::new().run(args);
    said.is_refused(code, parts);
    assert_eq!(said.out, "");
}

#[test]
fn an_unknown_interval_is_refused_by_the_command_line_itself() {
    let said = Desk::new().run(&["backtest", "--interval", "7m", "--bars", "x"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("unknown interval \"7m\": use one of 1m"),
        "{}",
        said.err
    );
}

#[test]
fn a_bundle_for_another_market() {
    let desk = Desk::new();
    let (five, one) = (
        market("five/BTCUSDT_5m.csv.gz"),
        market("one/BTCUSDT_1m.csv.gz"),
    );
    let out = arg(&desk.path("decisions.csv"));
    for (args, parts) in [
        (
            vec!["backtest", "--bars", &five, "--model", ETH],
            ["trained for ETHUSDT linear 5m", "this is BTCUSDT linear 5m"],
        ),
        (
            vec!["run", "--no-tui", "--bars", &five, "--model", ETH],
            ["trained for ETHUSDT linear 5m", "another bundle"],
        ),
        (
            vec!["model", "eval", ETH, "--bars", &five, "--out", &out],
            ["trained for ETHUSDT linear 5m", "another bundle"],
        ),
        (
            vec!["backtest", "--bars", &one, "--model", BTC],
            ["trained for BTCUSDT linear 5m", "this is BTCUSDT linear 1m"],
        ),
        (
            vec!["run", "--no-tui", "--bars", &one, "--model", BTC],
            ["trained for BTCUSDT linear 5m", "use bars of its market"],
        ),
    ] {
        desk.run(&args).is_refused(7, &parts);
    }
    let said = desk.run(&[
        "backtest", "--bars", &five, "--symbol", "FOOUSDT", "--model", BTC,
    ]);
    said.is_refused(3, &["unknown symbol FOOUSDT", "known: BTCUSDT"]);
    let said = desk.run(&["backtest", "--bars", &five]);
    said.is_refused(3, &["nothing would trade", "--model", "--rule"]);
}

fn copy_bundle(desk: &Desk, name: &str) -> std::path::PathBuf {
    let to = desk.path(name);
    std::fs::create_dir_all(&to).unwrap();
    for file in ["meta.json", "model.onnx"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(BTC).join(file);
        std::fs::copy(from, to.join(file)).unwrap();
    }
    to
}

fn edit_meta(bundle: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let path = bundle.join("meta.json");
    let mut meta = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    edit(&mut meta);
    std::fs::write(&path, serde_json::to_vec(&meta).unwrap()).unwrap();
}

#[test]
fn a_bundle_that_is_damaged() {
    type Damage = fn(&Path);
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let cases: [(&str, Damage, &str); 6] = [
        (
            "no_meta",
            |b| std::fs::remove_file(b.join("meta.json")).unwrap(),
            "cannot read meta.json: there is no such file",
        ),
        (
            "no_model",
            |b| std::fs::remove_file(b.join("model.onnx")).unwrap(),
            "cannot read model.onnx: there is no such file",
        ),
        (
            "no_json",
            |b| std::fs::write(b.join("meta.json"), "{").unwrap(),
            "meta.json is not valid JSON",
        ),
        (
            "swapped",
            |b| {
                edit_meta(b, |meta| {
                    meta["feature_stats"]["columns"]
                        .as_array_mut()
                        .unwrap()
                        .swap(0, 1);
                });
            },
            "export the agent again",
        ),
        (
            "flipped",
            |b| {
                let mut bytes = std::fs::read(b.join("model.onnx")).unwrap();
                bytes[200] ^= 1;
                std::fs::write(b.join("model.onnx"), bytes).unwrap();
            },
            "copy it again",
        ),
        (
            "longer",
            |b| {
                let mut bytes = std::fs::read(b.join("model.onnx")).unwrap();
                bytes.push(0);
                std::fs::write(b.join("model.onnx"), bytes).unwrap();
            },
            "copy it again",
        ),
    ];
    for (name, damage, part) in cases {
        let bundle = copy_bundle(&desk, name);
        damage(&bundle);
        let bundle = arg(&bundle);
        desk.run(&["backtest", "--bars", &bars, "--model", &bundle])
            .is_refused(7, &[name, part]);
        let checked = desk.run(&["model", "check", &bundle, BTC]);
        assert_eq!(checked.code, 7);
        assert!(
            checked.out.contains("REFUSED") && checked.out.contains(part),
            "{}",
            checked.out
        );
        assert!(
            checked.out.contains("ok      ppo_btcusdt_5m"),
            "{}",
            checked.out
        );
    }
}

#[test]
fn an_episode_start_that_no_bar_has() {
    let desk = Desk::new();
    let bars = market("five/BTCUSDT_5m.csv.gz");
    let out = arg(&desk.path("decisions.csv"));
    let eval = ["model", "eval", BTC, "--bars", &bars, "--out", &out];
    let said = desk.run(&[&eval[..], &["--episode-start", "5"]].concat());
    said.is_refused(2, &["--episode-start 5"]);
    let said = desk.run(&eval).ok();
    assert!(said.starts_with("864 bars"), "{said}");
}

#[test]
fn a_theme_or_key_map_that_is_wrong() {
    let desk = Desk::new();
    let theme = desk.file("my.toml", "name = \"x\"\n[palette]\nbg = \"#zzz\"\n");
    for args in [
        &["theme", "validate", &theme][..],
        &["run", "--no-tui", "--theme", &theme],
        &["config", "validate", "--theme", &theme],
    ] {
        desk.run(args)
            .is_refused(3, &["palette.bg = \"#zzz\"", "use #RRGGBB"]);
    }
    for (text, parts) in [
        (
            "[keys]\nkill = []",
            ["no key is left on `kill`", "give it at least one"],
        ),
        (
            "[keys]\nup = [\"K\"]",
            ["`K` is both `kill` and `up`", "another key"],
        ),
        (
            "[keys]\nhelpp = [\"x\"]",
            ["unknown action `helpp`", "did you mean `help`"],
        ),
        (
            "[keys]\nup = [\"hyper-x\"]",
            ["unknown key `hyper-x`", "write a character"],
        ),
        ("[key]", ["line 1", "expected `keys`"]),
    ] {
        let own = desk.file("home/config/keymap.toml", text);
        for args in [
            &["keys", "check", &own][..],
            &["keys", "check"],
            &["keys", "list"],
            &["run", "--no-tui"],
        ] {
            desk.run(args).is_refused(3, &parts);
        }
    }
}

#[rstest]
#[case(&["run", "--no-tui"])]
#[case(&["status"])]
#[case(&["kill"])]
#[case(&["resume", "--reason", "ok"])]
fn a_home_that_cannot_be_written(#[case] args: &[&str]) {
    let desk = Desk::new();
    let home = desk.file("file", "") + "/home";
    let said = desk.run(&[args, &["--home", &home]].concat());
    said.is_refused(3, &[&home, "--home"]);
}

#[test]
fn a_journal_with_one_bit_flipped() {
    let (demo, _) = demo();
    let mut bytes = std::fs::read(demo.journal("0001")).unwrap();
    let at = bytes.len() / 3;
    bytes[at] ^= 1;
    let desk = Desk::new();
    let flipped = desk.file("flipped.ttj", &bytes);
    let mut places = Vec::new();
    for args in [
        &["journal", "verify", &flipped][..],
        &["replay", "--check", &flipped],
        &["replay", &flipped],
        &["report", &flipped],
    ] {
        let said = desk.run(args);
        said.is_refused(6, &["is damaged at byte", "record", "copy"]);
        let tail = said.err.split("at byte ").nth(1).unwrap();
        places.push(tail.split(',').next().unwrap().parse::<usize>().unwrap());
    }
    places.dedup();
    // The record that holds the flipped bit; records are short.
    assert_eq!(places.len(), 1, "{places:?}");
    assert!(
        places[0] <= at && at - places[0] < 100_000,
        "{places:?} {at}"
    );
}

#[test]
fn a_journal_cut_in_its_last_record() {
    let (demo, _) = demo();
    let bytes = std::fs::read(demo.journal("0001")).unwrap();
    let desk = Desk::new();
    let cut = desk.file("cut.ttj", &bytes[..bytes.len() - 7]);
    desk.run(&["journal", "verify", &cut])
        .is_refused(6, &["ends inside record", "tradeterm report"]);
    assert!(desk.run(&["report", &cut]).ok().starts_with("# Session"));
    let stub = desk.file("stub.ttj", &bytes[..20]);
    desk.run(&["replay", &stub])
        .is_refused(6, &["holds no session", "20 bytes"]);
}

#[test]
fn a_journal_whose_bundle_has_changed() {
    let desk = Desk::new();
    let bundle = copy_bundle(&desk, "agent");
    let (bars, model) = (market("five/BTCUSDT_5m.csv.gz"), arg(&bundle));
    desk.run(&["run", "--no-tui", "--bars", &bars, "--model", &model])
        .ok();
    let journal = arg(&desk.journal("0001"));
    desk.run(&["replay", "--check", &journal]).ok();
    for file in ["meta.json", "model.onnx"] {
        let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/rppo_btcusdt_5m");
        std::fs::copy(other.join(file), bundle.join(file)).unwrap();
    }
    let said = desk.run(&["replay", "--check", &journal]);
    said.is_refused(
        7,
        &[
            "has hash",
            "the journal was made with",
            "restore that bundle",
        ],
    );
}
