//! Mistaken starts, each from settings, variables, flags and a key as a person would have them:
//! all are refused, each with its remedy and its exit code (F81).

use std::cell::Cell;
use std::collections::BTreeMap;

use rstest::rstest;

use super::*;
use crate::app::permissions::{
    AccountFacts, AccountMargin, AccountPolicy, KeyFacts, KeyPolicy, SymbolFacts,
};
use crate::config::keys::locate;
use crate::config::{PositionMode, Sources};
use crate::domain::{Symbol, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

/// A start that works; each case breaks one thing.
#[derive(Debug, Clone)]
struct Start {
    /// The file that `--config` names.
    file: String,
    env: Vec<(String, String)>,
    sets: Vec<String>,
    mode_flag: Option<&'static str>,
    live: bool,
    confirm: Option<&'static str>,
    can_ask: bool,
    typed: Vec<String>,
    key: KeyFacts,
    account: AccountFacts,
    /// What the venue does instead of answering.
    silence: Option<AccountCheck<'static>>,
}

const FILE: &str = r#"
mode = "live"
[feed]
kind = "bybit"
[venue]
leverage = 2
[account]
capital = 10000
[risk]
max_position_pct = 0.10
max_exposure_pct = 0.20
[[legs]]
strategy = "agent"
model = "m"
"#;

fn good() -> Start {
    Start {
        file: FILE.to_owned(),
        env: vec![
            ("BYBIT_API_KEY".to_owned(), "canaryKEY".to_owned()),
            ("BYBIT_API_SECRET".to_owned(), "canarySECRET".to_owned()),
        ],
        sets: Vec::new(),
        mode_flag: None,
        live: true,
        confirm: Some("8939:2000"),
        can_ask: false,
        typed: Vec::new(),
        key: KeyFacts {
            permissions: BTreeMap::from([(
                "ContractTrade".to_owned(),
                vec!["Order".to_owned(), "Position".to_owned()],
            )]),
            ips: vec!["192.0.2.7".to_owned()],
            deadline_day: Some(-2),
            unified: true,
            user_id: "1448939".to_owned(),
            ..KeyFacts::default()
        },
        account: AccountFacts {
            margin_mode: AccountMargin::Isolated,
            symbols: vec![SymbolFacts {
                symbol: Symbol::new("BTCUSDT").unwrap(),
                position_mode: PositionMode::OneWay,
                leverage: vec!["2".parse().unwrap()],
            }],
            equity: Some("12000".parse().unwrap()),
        },
        silence: None,
    }
}

impl Start {
    fn line(mut self, from: &str, to: &str) -> Self {
        assert!(self.file.contains(from), "{from}");
        self.file = self.file.replace(from, to);
        self
    }

    fn set(mut self, text: &str) -> Self {
        self.sets.push(text.to_owned());
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn no_keys(mut self) -> Self {
        self.env.retain(|(name, _)| !name.starts_with("BYBIT_API"));
        self
    }

    fn asks(mut self, typed: &[&str]) -> Self {
        self.confirm = None;
        self.can_ask = true;
        self.typed = typed.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn load(&self) -> Result<Loaded, Refusal> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.toml");
        std::fs::write(&path, &self.file).unwrap();
        let config = |error: crate::config::ConfigError| {
            // The message names its remedy itself.
            Refusal::new(Exit::Config, error.to_string(), "")
        };
        let mut sources = Sources::new().file(&path).env(self.env.clone());
        for text in &self.sets {
            sources = sources.set(text).map_err(config)?;
        }
        if let Some(mode) = self.mode_flag {
            sources = sources.flag("mode", &serde_json::json!(mode), "--mode");
        }
        sources.load().map_err(config)
    }

    /// The whole way of a start, as the wiring goes it.
    fn run(&self) -> Result<Decision, Refusal> {
        let loaded = self.load()?;
        let settings = &loaded.settings;
        let confirm = self
            .confirm
            .map(str::parse::<ConfirmLive>)
            .transpose()
            .map_err(|error| Refusal::new(Exit::Usage, error.to_string(), ""))?;
        preflight(&loaded, self.live, confirm.as_ref())?;
        let env = |name: &str| {
            let found = self.env.iter().find(|(known, _)| known == name)?;
            Some(found.1.clone())
        };
        let places = locate(settings.mode, &settings.venue, &env)?;
        assert_eq!(places.is_some(), needs_key(settings.mode));
        let symbols = [Symbol::new("BTCUSDT").unwrap()];
        let report = AccountReport::new(
            (&self.key, &KeyPolicy::new(settings, None, NOW)),
            (&self.account, &AccountPolicy::new(settings, &symbols)),
        );
        match decide(&StartRequest {
            loaded: &loaded,
            live: self.live,
            confirm: confirm.as_ref(),
            check: self.silence.unwrap_or(AccountCheck::Done(&report)),
            can_ask: self.can_ask,
            typed: &self.typed,
        }) {
            Decision::Refused(refusal) => Err(refusal),
            decision => Ok(decision),
        }
    }
}

fn cleared(start: &Start) -> Clearance {
    match start.run() {
        Ok(Decision::Go(clearance)) => clearance,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_start_with_everything_in_place_is_cleared() {
    let clearance = cleared(&good());
    assert_eq!(clearance.mode(), Mode::Live);
    assert_eq!(clearance.max_exposure(), "2000".parse().unwrap());
    assert!(!clearance.observes_only());
    let clearance = cleared(&good().asks(&["LIVE 8939 2000"]));
    assert_eq!(clearance.mode(), Mode::Live);
}

type Change = fn(Start) -> Start;

#[rstest]
// The settings.
#[case::unknown_key(|s: Start| s.line("capital =", "captal ="), 3, &["unknown key", "did you mean account.capital"])]
#[case::unknown_section(|s: Start| s.line("[risk]", "[rsik]"), 3, &["did you mean risk"])]
#[case::misspelt_mode(|s: Start| s.line("\"live\"", "\"life\""), 3, &["did you mean \"live\""])]
#[case::secret_in_file(|s: Start| s.line("leverage = 2", "api_secret = \"canaryX\""), 3, &["unknown key venue.api_secret", "did you mean venue.key_file"])]
#[case::secret_in_override(|s: Start| s.set("venue.api_key=canaryX"), 3, &["unknown key venue.api_key", "key_file"])]
#[case::secret_in_variable(|s: Start| s.env("TRADETERM_VENUE__API_SECRET", "canaryX"), 3, &["unknown key", "key_file"])]
#[case::ten_times_capital(|s: Start| s.line("10000", "100000"), 3, &["account.capital = 100000", "one position can be 10000 USDT", "digit too many", "accept_values"])]
#[case::ten_times_exposure(|s: Start| s.line("10000", "40000").line("0.20", "0.70"), 3, &["all positions can be 28000 USDT", "accept_values"])]
#[case::ten_times_leverage(|s: Start| s.line("leverage = 2", "leverage = 20"), 3, &["venue.leverage = 20", "1 to 10 times", "accept_values"])]
#[case::leverage_beyond_all(|s: Start| s.line("leverage = 2", "leverage = 200"), 3, &["venue.leverage = 200", "from 1 to 100"])]
#[case::percent_as_number(|s: Start| s.line("max_position_pct = 0.10", "max_position_pct = 10"), 3, &["0.10 means ten percent"])]
#[case::half_a_position(|s: Start| s.line("max_position_pct = 0.10", "max_position_pct = 0.5").line("0.20", "0.6"), 3, &["risk.max_position_pct = 0.5", "that is 50 percent", "accept_values"])]
#[case::percent_of_a_percent(|s: Start| s.set("risk.stop_loss_pct=0.0008"), 3, &["that is 0.08 percent", "0.05 is five percent"])]
#[case::day_loss_as_basis_points(|s: Start| s.set("risk.day_loss_pct=0.0002"), 3, &["risk.day_loss_pct = 0.0002", "0.02 percent", "correct it"])]
#[case::day_loss_tenfold(|s: Start| s.set("risk.day_loss_pct=0.2").set("risk.week_loss_pct=0.2"), 3, &["20 percent", "risk.day_loss_pct in venue.accept_values"])]
#[case::drawdown_tenfold(|s: Start| s.set("risk.max_drawdown_pct=0.9"), 3, &["90 percent", "0.5 percent to 30 percent"])]
#[case::wide_price_band(|s: Start| s.set("risk.price_band_pct=0.5"), 3, &["risk.price_band_pct", "50 percent"])]
#[case::leg_stop_as_basis_points(|s: Start| s.set("legs.0.stop_loss_pct=0.0002"), 3, &["legs.0.stop_loss_pct", "0.02 percent"])]
#[case::order_flood(|s: Start| s.set("risk.max_orders_per_minute=600"), 3, &["risk.max_orders_per_minute", "1 to 120 orders"])]
#[case::stale_minutes(|s: Start| s.set("risk.stale_ms=400000"), 3, &["risk.stale_ms", "1000 to 30000 ms"])]
#[case::hasty_not_found(|s: Start| s.set("venue.visibility_lag_ms=10"), 3, &["venue.visibility_lag_ms", "5000 to 120000 ms"])]
#[case::wide_window(|s: Start| s.set("venue.recv_window_ms=60000"), 3, &["from 500 to 5000"])]
#[case::accepts_nothing(|s: Start| s.set("venue.accept_values=[\"risk.max_positon_pct\"]"), 3, &["no band belongs to it", "risk.max_position_pct"])]
#[case::accepts_withdrawal(|s: Start| s.set("venue.allow_permissions=[\"Wallet.Withdraw\"]"), 3, &["never used", "make another key"])]
#[case::accepts_all(|s: Start| s.set("venue.allow_permissions=[\"*\"]"), 3, &["no name for all of them"])]
#[case::hedge(|s: Start| s.set("venue.position_mode=hedge"), 3, &["use one-way"])]
#[case::made_up_market(|s: Start| s.line("\"bybit\"", "\"synthetic-demo\""), 3, &["mode = \"live\"", "set feed.kind = \"bybit\""])]
#[case::recorded_market(|s: Start| s.set("feed.kind=market").set("feed.market=dir"), 3, &["live trades on live data"])]
#[case::rest_override(|s: Start| s.set("venue.rest_url=http://127.0.0.1:8080"), 3, &["venue.rest_url", "remove it", "mode = \"testnet\""])]
#[case::ws_override(|s: Start| s.set("venue.ws_url=wss://stream.bybit.com"), 3, &["venue.ws_url", "own hosts only"])]
#[case::root_override(|s: Start| s.set("venue.tls_root=root.pem"), 3, &["venue.tls_root", "remove it"])]
// Where the mode comes from.
#[case::env_alone(|s: Start| s.line("mode = \"live\"", "").env("TRADETERM_MODE", "live"), 3, &["environment variable cannot select live", "--config"])]
#[case::env_over_paper(|s: Start| s.line("\"live\"", "\"paper\"").env("TRADETERM_MODE", "live"), 3, &["write mode = \"live\" in a file"])]
#[case::flag_alone(|s: Start| s.line("mode = \"live\"", "").with(|s| s.mode_flag = Some("live")), 3, &["no file says", "it came from --mode", "--config"])]
#[case::override_alone(|s: Start| s.line("\"live\"", "\"testnet\"").set("mode=live"), 3, &["no file says", "--set mode"])]
#[case::without_the_flag(|s: Start| s.with(|s| s.live = false), 13, &["my.toml says mode = \"live\"", "add --live", "--mode paper"])]
#[case::flag_for_testnet(|s: Start| s.line("\"live\"", "\"testnet\""), 3, &["--live is given and the mode is testnet", "drop --live"])]
#[case::flag_for_paper(|s: Start| s.with(|s| s.mode_flag = Some("paper")), 3, &["the mode is paper (from --mode)"])]
#[case::confirmed_paper(|s: Start| s.line("\"live\"", "\"paper\"").with(|s| s.live = false), 3, &["--confirm-live is given", "drop --confirm-live"])]
#[case::forced_paper(|s: Start| s.env("TRADETERM_FORCE_PAPER", "1"), 3, &["the mode is paper", "unset TRADETERM_FORCE_PAPER"])]
#[case::older_name_against(|s: Start| s.env("TRADING_PAPER_MODE", "true"), 3, &["unset TRADING_PAPER_MODE"])]
#[case::older_name_for(|s: Start| s.env("TRADING_PAPER_MODE", "false"), 3, &["cannot leave paper trading", "in a file"])]
// The key.
#[case::no_key(Start::no_keys, 4, &["no API key of the live account", "BYBIT_API_KEY_FILE"])]
#[case::half_a_key(|s: Start| s.env("BYBIT_API_SECRET", ""), 4, &["BYBIT_API_SECRET is missing"])]
#[case::key_of_the_testnet(|s: Start| s.no_keys().env("BYBIT_TESTNET_API_KEY", "canaryT").env("BYBIT_TESTNET_API_SECRET", "canaryU"), 4, &["names a key of the testnet, and the mode is live", "set BYBIT_API_KEY_FILE"])]
#[case::key_said_to_be_the_testnets(|s: Start| s.env("BYBIT_TESTNET", "true"), 4, &["key of the testnet, and the mode is live", "unset BYBIT_TESTNET"])]
#[case::testnet_or_not(|s: Start| s.env("BYBIT_TESTNET", "maybe"), 3, &["BYBIT_TESTNET=maybe", "use true or false"])]
#[case::live_key_for_the_testnet(|s: Start| s.line("\"live\"", "\"testnet\"").with(|s| { s.live = false; s.confirm = None; }), 4, &["names a key of the live account, and the mode is testnet", "BYBIT_TESTNET_API_KEY_FILE"])]
#[case::two_keys(|s: Start| s.set("venue.key_file=bybit.key"), 4, &["two keys", "remove venue.key_file"])]
#[case::unreachable(|s: Start| s.with(|s| s.silence = Some(AccountCheck::Unreachable("timed out"))), 5, &["cannot be checked: timed out", "network"])]
#[case::wrong_key(|s: Start| s.with(|s| s.silence = Some(AccountCheck::Rejected("10003 API key is invalid"))), 4, &["10003", "key, secret and mode"])]
#[case::unchecked(|s: Start| s.with(|s| s.silence = Some(AccountCheck::Missing)), 4, &["not checked", "doctor --account"])]
#[case::can_withdraw(|s: Start| s.with(|s| { s.key.permissions.insert("Wallet".to_owned(), vec!["Withdraw".to_owned()]); }), 4, &["can withdraw", "make a key without"])]
#[case::can_transfer(|s: Start| s.with(|s| { s.key.permissions.insert("Wallet".to_owned(), vec!["AccountTransfer".to_owned()]); }), 4, &["Wallet.AccountTransfer", "venue.allow_permissions"])]
#[case::works_everywhere(|s: Start| s.with(|s| s.key.ips.clear()), 4, &["every address", "accept_unbound_ip"])]
#[case::nearly_over(|s: Start| s.with(|s| s.key.deadline_day = Some(1)), 4, &["ends in less than", "make a new key"])]
#[case::classic_account(|s: Start| s.with(|s| s.key.unified = false), 4, &["no unified", "upgrade"])]
#[case::nobodys_key(|s: Start| s.with(|s| s.key.user_id.clear()), 4, &["whose key", "make a new key"])]
// The account.
#[case::cross_margin(|s: Start| s.with(|s| s.account.margin_mode = AccountMargin::Cross), 3, &["margin is cross at the venue and venue.margin_mode is isolated", "set venue.margin_mode"])]
#[case::other_leverage(|s: Start| s.with(|s| s.account.symbols[0].leverage = vec!["10".parse().unwrap()]), 3, &["BTCUSDT has leverage 10 at the venue and venue.leverage is 2", "venue.leverage to the same"])]
#[case::hedge_account(|s: Start| s.with(|s| s.account.symbols[0].position_mode = PositionMode::Hedge), 3, &["BTCUSDT is in hedge mode", "switch it to one-way"])]
#[case::capital_that_is_not_there(|s: Start| s.with(|s| s.account.equity = Some("1000".parse().unwrap())), 3, &["account.capital is 10000 and the account has 1000 USDT", "lower account.capital"])]
// The confirmation.
#[case::other_user(|s: Start| s.with(|s| s.confirm = Some("8930:2000")), 13, &["for user \u{2026}8930", "belongs to user \u{2026}8939", "the account you mean"])]
#[case::cap_above_capital(|s: Start| s.with(|s| s.confirm = Some("8939:25000")), 13, &["cap 25000, above account.capital 10000", "confirm 2000"])]
#[case::cap_above_settings(|s: Start| s.with(|s| s.confirm = Some("8939:3000")), 13, &["cap 3000", "allow 2000 USDT", "change the settings"])]
#[case::cap_below_settings(|s: Start| s.with(|s| s.confirm = Some("8939:200")), 13, &["cap 200", "allow 2000 USDT", "change the settings"])]
#[case::cap_of_other_settings(|s: Start| s.set("risk.max_exposure_pct=0.3"), 13, &["allow 3000 USDT", "confirm 3000"])]
#[case::no_cap(|s: Start| s.with(|s| s.confirm = Some("8939")), 2, &["UID4:CAP", "such as 4821:25000"])]
#[case::whole_user_number(|s: Start| s.with(|s| s.confirm = Some("1448939:2000")), 2, &["last four digits"])]
#[case::nobody_to_ask(|s: Start| s.with(|s| s.confirm = None), 13, &["nobody to ask", "--confirm-live 8939:2000"])]
#[case::three_wrong_phrases(|s: Start| s.asks(&["yes", "live 8939 2000", "LIVE 8939"]), 13, &["wrong 3 times", "type LIVE 8939 2000"])]
#[case::right_too_late(|s: Start| s.asks(&["a", "b", "c", "LIVE 8939 2000"]), 13, &["wrong 3 times"])]
fn a_mistaken_start_is_refused(#[case] change: Change, #[case] exit: u8, #[case] parts: &[&str]) {
    let start = change(good());
    let refusal = start.run().expect_err("it is a mistake");
    let text = refusal.to_string();
    assert_eq!(refusal.exit.code(), exit, "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
    assert!(!text.trim_end().contains('\n'), "{text}");
}

#[test]
fn what_is_named_is_meant() {
    for (change, accepted) in [
        ("account.capital=100000", "account.capital"),
        ("venue.leverage=20", "venue.leverage"),
        ("risk.max_drawdown_pct=0.9", "risk.max_drawdown_pct"),
        ("legs.0.stop_loss_pct=0.0002", "legs.0.stop_loss_pct"),
    ] {
        let start = good()
            .set(change)
            .set(&format!("venue.accept_values=[\"{accepted}\"]"));
        assert!(start.load().is_ok(), "{change}: {:?}", start.load());
        let other = good()
            .set(change)
            .set("venue.accept_values=[\"risk.price_band_pct\"]");
        assert!(other.load().is_err(), "{change}");
    }
    // Bands are for real money only.
    for mode in ["paper", "testnet", "demo"] {
        let start = good()
            .line("\"live\"", &format!("\"{mode}\""))
            .set("account.capital=1000000");
        assert!(start.load().is_ok(), "{mode}");
    }
}

#[test]
fn a_file_that_says_live_stays_the_source_whatever_repeats_it() {
    let repeated = good().env("TRADETERM_MODE", "live");
    assert_eq!(cleared(&repeated).mode(), Mode::Live);
    let repeated = good().with(|s| s.mode_flag = Some("live"));
    assert_eq!(cleared(&repeated).mode(), Mode::Live);
}

/// Settings are plain data: what was changed after the check is refused all the same.
#[test]
fn settings_changed_behind_the_check_are_refused() {
    type Change = fn(&mut Loaded);
    let changes: [(Change, &str); 4] = [
        (
            |l| l.settings.venue.rest_url = Some("http://127.0.0.1:1".to_owned()),
            "own hosts",
        ),
        (
            |l| l.settings.venue.ws_url = Some("ws://127.0.0.1:1".to_owned()),
            "own hosts",
        ),
        (
            |l| l.settings.venue.tls_root = Some("root.pem".into()),
            "venue.tls_root",
        ),
        (|l| l.settings.feed.kind = FeedKind::Market, "set feed.kind"),
    ];
    for (change, part) in changes {
        let mut loaded = good().load().unwrap();
        assert_eq!(preflight(&loaded, true, None), Ok(()));
        change(&mut loaded);
        let refusal = preflight(&loaded, true, None).unwrap_err();
        assert_eq!(refusal.exit, Exit::Config);
        assert!(refusal.to_string().contains(part), "{refusal}");
    }
    let mut loaded = good().line("\"live\"", "\"paper\"").load().unwrap();
    loaded.settings.mode = Mode::Live;
    let refusal = preflight(&loaded, true, None).unwrap_err();
    assert!(refusal.to_string().contains("no file says"), "{refusal}");
}

#[test]
fn a_person_is_asked_with_what_is_at_stake() {
    let ask = |typed: &[&str]| match good().asks(typed).run() {
        Ok(Decision::NeedsPhrase {
            phrase,
            summary,
            attempts_left,
        }) => (phrase, summary, attempts_left),
        other => panic!("{other:?}"),
    };
    let (phrase, summary, left) = ask(&[]);
    assert_eq!((phrase.as_str(), left), ("LIVE 8939 2000", 3));
    let text: Vec<String> = summary
        .iter()
        .map(|(label, text)| format!("{label}: {text}"))
        .collect();
    for line in [
        "account: user \u{2026}8939 (main)",
        "equity: 12000 USDT",
        "limits: day -200 USDT, week -500 USDT, drawdown -1500 USDT",
        "exposure: at most 2000 USDT, one position 1000 USDT",
        "worst case: one day: -200 USDT and slippage",
        "ok: the key cannot withdraw",
    ] {
        assert!(text.iter().any(|found| found == line), "{line}: {text:#?}");
    }
    assert!(!text.concat().contains("canary"));
    assert_eq!(ask(&["no"]).2, 2);
    assert_eq!(ask(&["no", ""]).2, 1);
    // A phrase counts when it is the last one typed, with at most space around it.
    for typed in [&["no", "no", " LIVE 8939 2000 "][..], &["LIVE 8939 2000"]] {
        assert_eq!(cleared(&good().asks(typed)).mode(), Mode::Live);
    }
    for wrong in [
        "LIVE 8939 2000.0",
        "LIVE 8939",
        "live 8939 2000",
        "LIVE 8930 2000",
        "y",
    ] {
        assert_eq!(ask(&[wrong]).2, 2, "{wrong}");
    }
}

#[test]
fn a_key_that_can_only_look_gets_a_session_that_only_looks() {
    let start = good().with(|s| {
        s.key.read_only = true;
        s.key.permissions.clear();
    });
    assert!(cleared(&start).observes_only());
}

#[rstest]
#[case("paper")]
#[case("replay")]
fn simulated_accounts_need_neither_key_nor_venue(#[case] mode: &str) {
    let mut start = good().line("\"live\"", &format!("\"{mode}\""));
    if mode == "replay" {
        start = start.line("\"bybit\"", "\"synthetic-demo\"");
    }
    start.live = false;
    start.confirm = None;
    start.silence = Some(AccountCheck::Unreachable("nobody may ask"));
    let loaded = start.load().unwrap();
    let asked = Cell::new(false);
    let places = locate(loaded.settings.mode, &loaded.settings.venue, &|_| {
        asked.set(true);
        None
    });
    assert_eq!((places, asked.get()), (Ok(None), false));
    assert_eq!(cleared(&start).mode(), loaded.settings.mode);
}

#[test]
fn venues_without_real_money_need_a_key_and_no_phrase() {
    for (mode, prefix) in [("testnet", "BYBIT_TESTNET"), ("demo", "BYBIT_DEMO")] {
        let mut start = good()
            .no_keys()
            .line("\"live\"", &format!("\"{mode}\""))
            .env(&format!("{prefix}_API_KEY"), "canaryT")
            .env(&format!("{prefix}_API_SECRET"), "canaryU")
            .set("venue.rest_url=http://127.0.0.1:8080")
            .set("venue.ws_url=ws://127.0.0.1:8081");
        start.live = false;
        start.confirm = None;
        // What live refuses is told and does not stop a drill.
        start.key.ips.clear();
        assert_eq!(cleared(&start).mode().name(), mode);
        start
            .key
            .permissions
            .insert("Wallet".to_owned(), vec!["Withdraw".to_owned()]);
        assert_eq!(start.run().unwrap_err().exit, Exit::Credentials);
    }
}

#[test]
fn a_confirmation_is_four_digits_and_an_amount() {
    for (text, user, cap) in [("4821:25000", "4821", "25000"), ("0001:0.5", "0001", "0.5")] {
        let confirm: ConfirmLive = text.parse().unwrap();
        assert_eq!(
            (confirm.user.as_str(), confirm.cap),
            (user, cap.parse().unwrap())
        );
        assert_eq!(confirm.to_string(), text);
    }
    for text in [
        "",
        ":",
        "4821",
        "4821:",
        "482:1",
        "48211:1",
        "482a:1",
        "4821:0",
        "4821:-5",
        "4821:x",
        "4821 25000",
    ] {
        assert!(text.parse::<ConfirmLive>().is_err(), "{text}");
    }
}
