//! `tradeterm doctor` from its command line, against a scripted venue on this machine.

#![allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test and its helpers"
)]

#[path = "cli/desk.rs"]
mod desk;
#[path = "scripted/mod.rs"]
mod scripted;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;

use desk::{Desk, Said};
use rstest::rstest;
use scripted::{Seen, Then, Venue, addresses, contract, dead_port, list, time};
use serde_json::Value;

const KEY: &str = "CANARYkey0123456789";
const SECRET: &str = "CANARYsecretabcdefghijklmnopqrstuvwx";

/// Two legs of one symbol that the venue's rules allow.
const SETTINGS: &str = "[feed]\nkind = \"bybit\"\ncategory = \"linear\"\n\
     [venue]\nleverage = 5\n[account]\ncapital = 25000\n\
     [[legs]]\nstrategy = \"flat\"\nsymbol = \"BTCUSDT\"\ninterval = \"5m\"\n";

/// One run of the doctor, with its object.
struct Told {
    said: Said,
    report: Value,
}

impl Told {
    /// Verdict and detail of a check; `subject` picks one of several.
    #[track_caller]
    fn check(&self, name: &str, subject: Option<&str>) -> (&str, &str) {
        let mut checks = self.report["checks"].as_array().unwrap().iter();
        let found = checks.find(|check| {
            check["name"] == name && subject.is_none_or(|wanted| check["subject"] == wanted)
        });
        let check = found.unwrap_or_else(|| panic!("no {name} in {:#}", self.report));
        let text = |key: &str| check[key].as_str().unwrap();
        (text("verdict"), text("detail"))
    }

    /// Checks verdict and exit code, and that the detail has the parts.
    #[track_caller]
    fn has(&self, name: &str, verdict: &str, part: &str) {
        let (found, detail) = self.check(name, None);
        assert_eq!(found, verdict, "{name}: {detail}");
        assert!(detail.contains(part), "{name}: {detail:?} without {part:?}");
    }

    /// Everything is well; a machine with little disk is not the test's business.
    #[track_caller]
    fn is_well(&self) {
        for check in self.report["checks"].as_array().unwrap() {
            let is_fine = matches!(check["verdict"].as_str(), Some("ok" | "skipped"));
            assert!(is_fine || check["name"] == "disk", "{check:#}");
        }
        assert!(matches!(self.said.code, 0 | 20), "{}", self.said.code);
    }
}

/// Runs a doctor; neither key nor secret may ever be in what it says.
fn run(mut command: Command) -> Said {
    let said: Said = command.output().unwrap().into();
    for secret in [KEY, SECRET, &KEY[..8], &SECRET[..8]] {
        assert!(!said.out.contains(secret), "{}", said.out);
        assert!(!said.err.contains(secret), "{}", said.err);
    }
    said
}

fn told(command: Command) -> Told {
    let said = run(command);
    assert_eq!(said.out.lines().count(), 1, "{} {}", said.out, said.err);
    let report: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["v"], 1);
    assert_eq!(report["exit"], said.code, "{report:#}");
    Told { said, report }
}

/// The doctor with settings for a mode and a venue at `sets`.
fn doctor(desk: &Desk, mode: &str, sets: &[String], extra: &[&str]) -> Command {
    let file = desk.file("run.toml", format!("mode = \"{mode}\"\n{SETTINGS}"));
    let mut args = vec!["doctor", "--json", "--config", &file];
    args.extend(sets.iter().map(String::as_str));
    args.extend(extra);
    desk.command(&args)
}

/// The same with key and secret in private files.
fn with_key(desk: &Desk, mut command: Command) -> Command {
    for (name, value) in [("KEY", KEY), ("SECRET", SECRET)] {
        let path = desk.file(&format!("{name}.txt"), value);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        command.env(format!("BYBIT_TESTNET_API_{name}_FILE"), path);
    }
    command
}

/// Answers of a venue where all is well.
fn well(seen: &Seen) -> Then {
    let heads = "X-Bapi-Limit: 50\r\nX-Bapi-Limit-Status: 48\r\n";
    let answer = match seen.path.as_str() {
        "/v5/market/time" => time(0),
        "/v5/market/instruments-info" => Then::ok(&list(&contract("BTCUSDT", "Trading", "0.10"))),
        "/v5/market/tickers" => Then::ok(&list(
            r#"{"symbol":"BTCUSDT","lastPrice":"60000.5","markPrice":"60000"}"#,
        )),
        "/v5/user/query-api" => Then::ok(&key_info("")),
        "/v5/account/info" => Then::ok(
            r#"{"marginMode":"ISOLATED_MARGIN","unifiedMarginStatus":6,"spotHedgingStatus":"OFF"}"#,
        ),
        "/v5/account/wallet-balance" => Then::ok(&wallet("30000")),
        "/v5/position/list" if seen.param("symbol").is_some() => {
            Then::ok(&list(&position(0, "", "0", "5")))
        }
        "/v5/position/list" | "/v5/order/realtime" => Then::ok(&list("")),
        "/v5/account/query-dcp-info" => Then::ok(r#"{"dcpInfos":[]}"#),
        _ => return Then::Answer(200, String::new(), String::new()),
    };
    answer.with_heads(heads)
}

/// What the venue says about a key, which it repeats; `more` are rights beyond the needed ones.
fn key_info(more: &str) -> String {
    format!(
        r#"{{"id":"1","note":"bot","apiKey":"{KEY}","secret":"","readOnly":0,"permissions":{{
        "ContractTrade":["Order","Position"],"Spot":[],"Wallet":[{more}],"Options":[]}},
        "ips":["192.0.2.7"],"type":1,"deadlineDay":-2,"expiredAt":"1970-01-01T00:00:00Z",
        "uta":1,"userID":24617703,"isMaster":false}}"#
    )
}

fn wallet(equity: &str) -> String {
    list(&format!(
        r#"{{"accountType":"UNIFIED","totalEquity":"{equity}","coin":[
        {{"coin":"USDT","equity":"{equity}","walletBalance":"{equity}"}}]}}"#
    ))
}

fn position(idx: i64, side: &str, held: &str, leverage: &str) -> String {
    format!(
        r#"{{"symbol":"BTCUSDT","positionIdx":{idx},"side":"{side}","size":"{held}",
        "avgPrice":"60000","leverage":"{leverage}","positionStatus":"Normal","seq":-1}}"#
    )
}

/// A venue where one path answers something else.
fn except(path: &'static str, then: Then) -> Venue {
    Venue::start(move |seen| {
        if seen.path == path {
            then.clone()
        } else {
            well(seen)
        }
    })
}

#[test]
fn without_a_venue_nothing_is_asked_and_nothing_is_made() {
    let desk = Desk::new();
    let told = told(desk.command(&["doctor", "--json"]));
    told.is_well();
    for (name, verdict, part) in [
        ("config", "ok", "mode replay"),
        ("terminal", "skipped", "no terminal"),
        ("theme", "ok", ""),
        ("keymap", "ok", ""),
        ("state-folder", "ok", "first session"),
        ("onnx-engine", "ok", ""),
        ("model", "ok", "inputs match"),
        ("recordings", "ok", ""),
        ("kill-latch", "ok", "never"),
        ("host", "skipped", "replay asks no venue"),
    ] {
        told.has(name, verdict, part);
    }
    assert!(!desk.home().exists(), "a doctor makes no folder");
    let text = run(desk.command(&["doctor"])).out;
    assert!(text.contains("ok       config "), "{text}");
    assert!(text.trim_end().ends_with("skipped"), "{text}");
    let told = self::told(desk.command(&["doctor", "--json", "--account"]));
    told.has("key", "skipped", "replay reads no key");
}

#[test]
fn settings_that_cannot_be_read_are_a_failure_of_their_own() {
    let desk = Desk::new();
    let bad = desk.file("bad.toml", "[risk]\nday_loss_pct = 7\n");
    let told = told(desk.command(&["doctor", "--json", "--config", &bad]));
    assert_eq!(told.said.code, 3);
    told.has("config", "failure", "risk.day_loss_pct");
    told.has("everything-else", "skipped", "");
}

#[test]
fn what_is_wrong_with_this_machine_is_named_with_its_remedy() {
    let desk = Desk::new();
    let state = desk.home().join("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    desk.file("home/config/keymap.toml", "[keys]\nkill = []");
    let settings = desk.file("run.toml", "[ui]\ntheme = \"no-such\"\n");
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o666)).unwrap();
    let told = told(desk.command(&["doctor", "--json", "--config", &settings]));
    assert_eq!(told.said.code, 21);
    told.has("state-folder", "failure", "mode 755");
    told.has("keymap", "failure", "no key is left on `kill`");
    told.has("theme", "failure", "no-such");
    told.has("config-file", "warning", "every user can change it");
    let text = run(desk.command(&["doctor", "--config", &settings])).out;
    assert!(text.contains("-> run chmod 700"), "{text}");
    assert!(text.contains("FAILURE  keymap"), "{text}");
}

#[test]
fn a_stop_that_still_holds_is_a_warning() {
    let desk = Desk::new();
    desk.run(&["kill", "--reason", "lunch"]).ok();
    let told = told(desk.command(&["doctor", "--json"]));
    assert_eq!(told.said.code, 20);
    told.has("kill-latch", "warning", "halt (lunch)");
}

#[test]
fn a_bundle_for_another_market_is_a_failure() {
    let desk = Desk::new();
    for (leg, part) in [
        ("symbol = \"ETHUSDT\"", "trained for BTCUSDT linear 5m"),
        ("interval = \"1h\"", "trained for BTCUSDT linear 5m"),
    ] {
        let text =
            format!("[[legs]]\nstrategy = \"agent\"\nmodel = \"models/ppo_btcusdt_5m\"\n{leg}\n");
        let settings = desk.file("run.toml", text);
        let told = told(desk.command(&["doctor", "--json", "--config", &settings]));
        assert_eq!(told.said.code, 21);
        told.has("model", "failure", part);
    }
    let text = "[[legs]]\nstrategy = \"agent\"\nmodel = \"no/such\"\n";
    let settings = desk.file("run.toml", text);
    let told = told(desk.command(&["doctor", "--json", "--config", &settings]));
    told.has("model", "failure", "no such file");
}

#[test]
fn a_recording_that_is_not_there_is_a_failure() {
    let desk = Desk::new();
    let text = "[feed]\nkind = \"bars\"\nbars = [{ path = \"gone.csv\", symbol = \"BTCUSDT\" }]\n\
                [[legs]]\nstrategy = \"flat\"\n";
    let settings = desk.file("run.toml", text);
    let told = told(desk.command(&["doctor", "--json", "--config", &settings]));
    assert_eq!(told.said.code, 21);
    told.has("recordings", "failure", "gone.csv");
}

#[test]
fn paper_asks_in_public_and_reads_no_key() {
    let venue = Venue::start(well);
    let desk = Desk::new();
    let mut command = doctor(&desk, "paper", &venue.sets(), &["--account"]);
    command.env("BYBIT_API_KEY", KEY);
    command.env("BYBIT_API_SECRET", SECRET);
    let told = told(command);
    told.is_well();
    for (name, verdict, part) in [
        ("host", "ok", "answers"),
        ("tls", "skipped", "without TLS"),
        ("clock", "ok", "give or take"),
        ("socket", "ok", "/v5/public/linear opens"),
        ("instrument", "ok", "linear, trading"),
        ("rules", "ok", "tick 0.1, step 0.001"),
        ("size", "ok", "smallest order is 0.001 BTC = 60.00 USDT"),
        ("rate-budget", "ok", "are left"),
        ("key", "skipped", "paper reads no key"),
    ] {
        told.has(name, verdict, part);
    }
    for seen in venue.seen() {
        assert_eq!(seen.header("x-bapi-api-key"), None, "{seen:?}");
        assert!(seen.path.starts_with("/v5/market/") || seen.path == "/v5/public/linear");
    }
}

#[test]
fn without_the_wish_no_key_is_read() {
    let venue = Venue::start(well);
    let desk = Desk::new();
    let mut command = doctor(&desk, "testnet", &venue.sets(), &[]);
    // Reading it would fail.
    command.env("BYBIT_TESTNET_API_KEY_FILE", desk.path("gone"));
    let told = told(command);
    told.is_well();
    assert!(
        venue
            .seen()
            .iter()
            .all(|seen| seen.header("x-bapi-sign").is_none())
    );
    let checks = told.report["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["name"] != "key"));
    for name in ["public", "private", "orders"] {
        assert_eq!(told.check("socket", Some(name)).0, "ok");
    }
}

#[test]
fn a_venue_that_is_not_there_is_exit_5() {
    let desk = Desk::new();
    let sets = addresses("http", "ws", dead_port());
    let mut command = doctor(&desk, "testnet", &sets, &["--account"]);
    command = with_key(&desk, command);
    let told = told(command);
    assert_eq!(told.said.code, 5);
    told.has("host", "failure", "nothing was sent");
    told.has("instrument", "skipped", "cannot be reached");
    told.has("account", "skipped", "cannot be reached");
}

/// A server whose certificate nobody has vouched for.
fn stranger() -> u16 {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut tls = rustls::ServerConnection::new(config.clone()).unwrap();
            assert!(tls.complete_io(&mut stream.unwrap()).is_err());
        }
    });
    port
}

#[test]
fn a_host_that_cannot_prove_who_it_is_gets_nothing() {
    let sets = addresses("https", "wss", stranger());
    let told = told(doctor(&Desk::new(), "paper", &sets, &[]));
    assert_eq!(told.said.code, 5, "{:#}", told.report);
    told.has("tls", "failure", "nothing was sent");
    told.has("tls", "failure", "certificate");
}

#[test]
fn a_locked_out_address_is_exit_5() {
    let page = Then::Answer(403, String::new(), "<html>access too frequent".to_owned());
    let venue = except("/v5/market/time", page);
    let told = told(doctor(&Desk::new(), "paper", &venue.sets(), &[]));
    assert_eq!(told.said.code, 5);
    told.has("host", "failure", "403");
}

#[test]
fn a_socket_that_does_not_open_is_exit_5() {
    let refused = Then::Answer(404, String::new(), String::new());
    let venue = except("/v5/private", refused);
    let told = told(doctor(&Desk::new(), "testnet", &venue.sets(), &[]));
    assert_eq!(told.said.code, 5);
    assert_eq!(told.check("socket", Some("public")).0, "ok");
    let (verdict, detail) = told.check("socket", Some("private"));
    assert_eq!(verdict, "failure");
    assert!(detail.contains("404"), "{detail}");
}

#[test]
fn a_clock_that_is_far_off_is_a_failure() {
    let venue = Venue::start(|seen| match seen.path.as_str() {
        "/v5/market/time" => time(-60_000),
        _ => well(seen),
    });
    let told = told(doctor(&Desk::new(), "paper", &venue.sets(), &[]));
    assert_eq!(told.said.code, 21);
    told.has("clock", "failure", "nothing new would be entered");
}

#[rstest]
#[case::unknown(
    Then::code(10001, "params error: symbol invalid", "{}"),
    21,
    "instrument",
    "failure",
    "lists no linear BTCUSDT"
)]
#[case::empty(Then::ok(&list("")), 21, "instrument", "failure", "lists no linear BTCUSDT")]
#[case::closed(Then::ok(&list(&contract("BTCUSDT", "Closed", "0.1"))), 21, "instrument", "failure", "Closed, not Trading")]
#[case::tick(Then::ok(&list(&contract("BTCUSDT", "Trading", "0.5"))), 20, "rules", "warning", "tick 0.1 here and 0.5 at the venue")]
#[case::nonsense(
    Then::ok("{\"list\":[{\"symbol\":\"BTCUSDT\"}]}"),
    21,
    "instrument",
    "failure",
    "cannot be read"
)]
#[case::late(
    Then::code(10016, "server error", "{}"),
    21,
    "instrument",
    "failure",
    "10016 (server error)"
)]
fn an_instrument_that_is_not_as_expected(
    #[case] then: Then,
    #[case] code: i32,
    #[case] name: &str,
    #[case] verdict: &str,
    #[case] part: &str,
) {
    let venue = except("/v5/market/instruments-info", then);
    let told = told(doctor(&Desk::new(), "paper", &venue.sets(), &[]));
    assert_eq!(told.said.code, code, "{:#}", told.report);
    told.has(name, verdict, part);
}

#[test]
fn sizes_that_the_venue_would_refuse() {
    let venue = Venue::start(well);
    for (sets, code, verdict, part) in [
        (
            ["account.capital=500", "risk.min_trade=10"],
            21,
            "failure",
            "nothing would ever trade",
        ),
        (
            ["account.capital=25000", "risk.min_trade=10"],
            20,
            "warning",
            "risk.min_trade is 10",
        ),
    ] {
        let [capital, min_trade] = sets;
        let more = ["--set", capital, "--set", min_trade];
        let told = told(doctor(&Desk::new(), "paper", &venue.sets(), &more));
        assert_eq!(told.said.code, code);
        told.has("size", verdict, part);
    }
}

#[test]
fn an_account_where_all_is_well() {
    let venue = Venue::start(well);
    let desk = Desk::new();
    let command = doctor(&desk, "testnet", &venue.sets(), &["--account"]);
    let told = told(with_key(&desk, command));
    told.is_well();
    for (name, part) in [
        ("key", "CANA\u{2026} from"),
        ("withdrawal", "cannot withdraw"),
        ("needed-rights", "can trade linear"),
        ("expiry", "no end"),
        ("account-type", ""),
        ("user", "\u{2026}7703"),
        ("margin-mode", "isolated"),
        ("position-mode", "one-way"),
        ("leverage", "leverage 5"),
        ("equity", "30000 USDT, of which 25000"),
        ("open-positions", "none"),
        ("open-orders", "none"),
        ("dcp", "off"),
        ("rate-budget", "account/info 48 of 50"),
    ] {
        told.has(name, "ok", part);
    }
    let signed: Vec<Seen> = venue
        .seen()
        .into_iter()
        .filter(|seen| seen.header("x-bapi-sign").is_some())
        .collect();
    assert!(5 <= signed.len());
    // It looks and touches nothing.
    assert!(signed.iter().all(|seen| seen.head.starts_with("GET ")));
}

#[rstest]
#[case::withdraw("/v5/user/query-api", Then::ok(&key_info("\"Withdraw\"")), 4, "withdrawal", "failure", "can withdraw (Wallet.Withdraw)")]
#[case::transfer("/v5/user/query-api", Then::ok(&key_info("\"AccountTransfer\"")), 20, "extra-rights", "warning", "Wallet.AccountTransfer")]
#[case::wrong(
    "/v5/user/query-api",
    Then::code(10003, "API key is invalid.", "{}"),
    4,
    "key-info",
    "failure",
    "10003"
)]
#[case::signature(
    "/v5/user/query-api",
    Then::code(10004, "error sign! origin_string[CANARYkey0123456789]", "{}"),
    4,
    "key-info",
    "failure",
    "10004"
)]
#[case::status(
    "/v5/user/query-api",
    Then::Answer(401, String::new(), String::new()),
    4,
    "key-info",
    "failure",
    "401"
)]
#[case::cut(
    "/v5/account/wallet-balance",
    Then::Cut,
    5,
    "wallet",
    "failure",
    "no whole answer"
)]
#[case::cross(
    "/v5/account/info",
    Then::ok(r#"{"marginMode":"REGULAR_MARGIN","unifiedMarginStatus":6}"#),
    20,
    "margin-mode",
    "warning",
    "cross at the venue"
)]
#[case::hedge("/v5/position/list", Then::ok(&list(&format!("{},{}", position(1, "", "0", "5"), position(2, "", "0", "5")))), 21, "position-mode", "failure", "hedge mode")]
#[case::leverage("/v5/position/list", Then::ok(&list(&position(0, "", "0", "25"))), 20, "leverage", "warning", "leverage 25 at the venue")]
#[case::open("/v5/position/list", Then::ok(&list(&position(0, "Sell", "0.120", "5"))), 20, "open-positions", "warning", "BTCUSDT -0.12")]
#[case::orders("/v5/order/realtime", Then::ok(&list(r#"{"symbol":"BTCUSDT","orderId":"1","side":"Buy","orderStatus":"New"}"#)), 20, "open-orders", "warning", "1 order at the venue: BTCUSDT Buy")]
#[case::poor("/v5/account/wallet-balance", Then::ok(&wallet("24999.5")), 20, "equity", "warning", "account.capital is 25000 and the account has 24999.5 USDT")]
#[case::no_dcp(
    "/v5/account/query-dcp-info",
    Then::code(10005, "Permission denied", "{}"),
    0,
    "dcp",
    "skipped",
    "not served"
)]
#[case::dcp(
    "/v5/account/query-dcp-info",
    Then::ok(r#"{"dcpInfos":[{"product":"DERIVATIVES","dcpStatus":"ON","timeWindow":"10"}]}"#),
    0,
    "dcp",
    "ok",
    "DERIVATIVES after 10 s"
)]
#[case::budget("/v5/account/info", Then::ok(r#"{"marginMode":"ISOLATED_MARGIN","unifiedMarginStatus":6}"#).with_heads("X-Bapi-Limit: 50\r\nX-Bapi-Limit-Status: 2\r\n"), 20, "rate-budget", "warning", "account/info 2 of 50")]
fn an_account_that_is_not_as_it_should_be(
    #[case] path: &'static str,
    #[case] then: Then,
    #[case] code: i32,
    #[case] name: &str,
    #[case] verdict: &str,
    #[case] part: &str,
) {
    let venue = except(path, then);
    let desk = Desk::new();
    let command = doctor(&desk, "testnet", &venue.sets(), &["--account"]);
    let told = told(with_key(&desk, command));
    assert_eq!(told.said.code, code, "{:#}", told.report);
    told.has(name, verdict, part);
}

#[test]
fn a_key_that_is_missing_or_lies_open_is_exit_4() {
    let venue = Venue::start(well);
    let desk = Desk::new();
    let told = |command| self::told(command);
    let missing = told(doctor(&desk, "testnet", &venue.sets(), &["--account"]));
    assert_eq!(missing.said.code, 4);
    missing.has("key", "failure", "no API key of the testnet");
    let mut command = doctor(&desk, "testnet", &venue.sets(), &["--account"]);
    command
        .env("BYBIT_API_KEY", KEY)
        .env("BYBIT_API_SECRET", SECRET);
    let other = told(command);
    assert_eq!(other.said.code, 4);
    other.has("key", "failure", "a key of the live account");
    let command = doctor(&desk, "testnet", &venue.sets(), &["--account"]);
    let command = with_key(&desk, command);
    let file = desk.path("SECRET.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = told(command);
    assert_eq!(open.said.code, 4);
    open.has("key", "failure", "other users");
    assert!(
        venue
            .seen()
            .iter()
            .all(|seen| seen.header("x-bapi-sign").is_none())
    );
    // In a variable it works, with a warning.
    let mut command = doctor(&desk, "testnet", &venue.sets(), &["--account"]);
    command.env("BYBIT_TESTNET_API_KEY", KEY);
    command.env("BYBIT_TESTNET_API_SECRET", SECRET);
    let plain = told(command);
    assert_eq!(plain.said.code, 20);
    plain.has("key", "warning", "every process of this user");
}
