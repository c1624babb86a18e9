//! Tests of the console as a state machine, with made-up times and pictures.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::control::{
    AccountView, Counters, FeedHealth, LegPhase, LegView, MarketView, OrderView, PositionView,
    SessionCommand, SessionView, StatsView, TradingState,
};
use crate::domain::{
    ClientOrderId, InstrumentId, Interval, LegId, Money, Price, Purpose, Qty, Side, SignedQty,
    Symbol, TimeInForce, Timestamp,
};

/// An empty recording.
pub(in crate::tui) fn snapshot() -> Snapshot {
    Snapshot {
        version: 1,
        at: None,
        session: SessionView {
            run_id: "test".to_owned(),
            mode: Mode::Replay,
            synthetic: true,
            feed: "demo".to_owned(),
            speed: Some(10.0),
            held: false,
            progress: None,
            ended: false,
            config_hash: String::new(),
            build: String::new(),
            inference: String::new(),
            coin: "USDT".to_owned(),
        },
        state: TradingState {
            kill: KillLevel::Active,
            kill_reason: None,
            kill_since: None,
            pauses: Vec::new(),
            disconnected: false,
        },
        markets: Vec::new(),
        positions: Vec::new(),
        orders: Vec::new(),
        fills: Vec::new(),
        trades: Vec::new(),
        account: AccountView::default(),
        equity: Arc::from([]),
        stats: StatsView::default(),
        legs: Vec::new(),
        gauges: Vec::new(),
        last_refusal: None,
        notices: Vec::new(),
        counters: Counters::default(),
    }
}

fn market(symbol: &str) -> MarketView {
    MarketView {
        symbol: Symbol::new(symbol).unwrap(),
        tick: Price::from_raw(1).unwrap(),
        qty_step: Qty::from_raw(1).unwrap(),
        last: None,
        change_24h: None,
        bid: None,
        ask: None,
        mark: None,
        funding: None,
        next_funding: None,
        interval: None,
        bars: Arc::from([]),
        next_close: None,
        book: None,
        health: FeedHealth::Waiting,
        updated: None,
        n_bad_bars: 0,
    }
}

fn order(number: u32) -> OrderView {
    OrderView {
        id: ClientOrderId::of_decision(7, Timestamp::from_millis(0), 'o', number),
        symbol: Symbol::new("ETHUSDT").unwrap(),
        side: Side::Buy,
        qty: Qty::from_raw(5).unwrap(),
        filled: Qty::ZERO,
        price: None,
        trigger: None,
        kind: "limit".to_owned(),
        state: "working".to_owned(),
        tif: TimeInForce::Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
        created: Timestamp::from_millis(0),
    }
}

/// Two markets, a position in the second, three orders, one leg.
fn busy() -> Snapshot {
    Snapshot {
        markets: vec![market("BTCUSDT"), market("ETHUSDT")],
        positions: vec![PositionView {
            symbol: Symbol::new("ETHUSDT").unwrap(),
            size: SignedQty::from_raw(5),
            entry: Price::from_raw(100).unwrap(),
            mark: None,
            unrealised: None,
            unrealised_rate: None,
            realised: Money::default(),
            stop: None,
            opened: Timestamp::from_millis(0),
            strategy: "ma-cross".to_owned(),
        }],
        orders: vec![order(0), order(1), order(2)],
        legs: vec![LegView {
            name: "ma-cross".to_owned(),
            family: "ma-cross".to_owned(),
            bundle_hash: None,
            symbol: Symbol::new("ETHUSDT").unwrap(),
            interval: Interval::from_millis(3_600_000).unwrap(),
            phase: LegPhase::Running,
            decision: None,
            features: Vec::new(),
            actions: Vec::new(),
            why: Vec::new(),
            n_decisions: 0,
            n_holds: 0,
            latency_us: None,
        }],
        ..snapshot()
    }
}

pub(in crate::tui) fn layout() -> Layout {
    Layout {
        panes: |view| if view == View::Blotter { 4 } else { 2 },
        rows: |view, pane, snapshot| match (view, pane) {
            (View::Blotter, 0) => snapshot.positions.len(),
            (View::Blotter, 1) => snapshot.orders.len(),
            (View::Agent, 0) => snapshot.legs.len(),
            (View::Log, _) => 40,
            _ => 0,
        },
    }
}

/// A console in front of a latch that does what it is told.
struct Desk {
    ui: Ui,
    snapshot: Snapshot,
    latch: KillLevel,
    now_ms: u64,
    requests: Vec<Request>,
}

impl Desk {
    fn new(mode: Mode) -> Self {
        let model = Model {
            themes: ["dark", "light", "mono"].map(str::to_owned).to_vec(),
            ..Model::default()
        };
        let mut snapshot = busy();
        snapshot.session.mode = mode;
        Self {
            ui: Ui::new(model, Keymap::builtin(), layout()),
            snapshot,
            latch: KillLevel::Active,
            now_ms: 0,
            requests: Vec::new(),
        }
    }

    fn take(&mut self, msg: Msg) -> Vec<Request> {
        let requests = update(&mut self.ui, msg, &self.snapshot, self.latch);
        for request in &requests {
            match request {
                Request::Trip(level) => self.latch = self.latch.max(*level),
                Request::Command(Command::Trade(TradeCommand::Resume { level, .. })) => {
                    self.latch = *level;
                }
                _ => {}
            }
        }
        self.requests.extend(requests.iter().cloned());
        requests
    }

    fn event(&mut self, event: KeyEvent) -> Vec<Request> {
        let chord = Chord::of(&event);
        let is_kill = self.ui.keymap.is_kill(chord, self.ui.is_typing());
        let tripped = (is_kill && event.kind == KeyEventKind::Press).then(|| {
            // As the input thread does it.
            let before = self.latch;
            self.latch = before.max(KillLevel::ReduceOnly);
            before
        });
        let at_us = self.now_ms * 1_000;
        self.take(Msg::Key(KeyPress {
            event,
            at_us,
            tripped,
        }))
    }

    /// Presses a key, as written in the keymap file, one second after the last thing.
    fn key(&mut self, key: &str) -> Vec<Request> {
        self.wait(1_000);
        self.at_once(key)
    }

    fn at_once(&mut self, key: &str) -> Vec<Request> {
        self.event(event(key))
    }

    fn keys(&mut self, keys: &[&str]) -> Vec<Request> {
        keys.iter().flat_map(|key| self.key(key)).collect()
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            assert_eq!(self.event(key), []);
        }
    }

    /// Lets time pass with a frame and a tick each 20 ms.
    fn wait(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.now_ms += 20;
            let now_ms = self.now_ms;
            self.take(Msg::Shown {
                at_us: now_ms * 1_000,
            });
            self.take(Msg::Tick { now_ms });
        }
    }
}

fn event(key: &str) -> KeyEvent {
    let (modifiers, rest) = match key.strip_prefix("ctrl-") {
        Some(rest) => (KeyModifiers::CONTROL, rest),
        None => (KeyModifiers::NONE, key),
    };
    let code = match rest {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "space" => KeyCode::Char(' '),
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "f1" => KeyCode::F(1),
        "f12" => KeyCode::F(12),
        c => KeyCode::Char(c.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

fn trade(command: TradeCommand) -> Request {
    Request::Command(Command::Trade(command))
}

fn live() -> Desk {
    Desk::new(Mode::Live)
}

#[rstest]
#[case::press(&["K"], KillLevel::ReduceOnly)]
#[case::f12(&["f12"], KillLevel::ReduceOnly)]
#[case::palette(&[":", "k", "i", "l", "l", "enter"], KillLevel::ReduceOnly)]
#[case::f12_in_a_text_field(&[":", "x", "f12"], KillLevel::ReduceOnly)]
#[case::over_help(&["?", "f12"], KillLevel::ReduceOnly)]
#[case::in_the_confirm_dialog(&["3", "x", "K"], KillLevel::ReduceOnly)]
#[case::enter(&["K", "enter"], KillLevel::Halted)]
#[case::lone_press(&["K", "K", "z"], KillLevel::Halted)]
#[case::f_unanswered(&["K", "F"], KillLevel::ReduceOnly)]
#[case::f_and_enter(&["K", "F", "enter"], KillLevel::Flatten)]
#[case::f_let_go(&["K", "F", "j", "enter"], KillLevel::Halted)]
#[case::halt_then_flatten(&["K", "enter", "F", "enter"], KillLevel::Flatten)]
#[case::esc(&["K", "esc"], KillLevel::Active)]
#[case::esc_after_halt(&["K", "enter", "esc"], KillLevel::Halted)]
#[case::letter_in_a_text_field(&["/", "K", "enter"], KillLevel::Active)]
fn every_path_of_the_kill_switch_ends_where_it_should(
    #[case] keys: &[&str],
    #[case] level: KillLevel,
) {
    let mut desk = live();
    desk.keys(keys);
    assert_eq!(desk.latch, level, "{:?}", desk.requests);
}

#[test]
fn f_alone_flattens_on_paper() {
    for mode in [Mode::Replay, Mode::Paper] {
        let mut desk = Desk::new(mode);
        assert_eq!(
            desk.keys(&["K", "F"]).last(),
            Some(&Request::Trip(KillLevel::Flatten))
        );
    }
    for mode in [Mode::Demo, Mode::Testnet] {
        let mut desk = Desk::new(mode);
        desk.keys(&["K", "F"]);
        assert_eq!(desk.latch, KillLevel::ReduceOnly);
    }
}

#[test]
fn esc_in_the_modal_asks_to_resume_with_the_time_it_lasted() {
    let mut desk = live();
    desk.keys(&["K"]);
    assert_eq!(
        desk.keys(&["esc"]),
        [trade(TradeCommand::Resume {
            level: KillLevel::Active,
            reason: "operator: esc after 1000 ms".to_owned(),
        })]
    );
    assert_eq!(desk.ui.model.overlay, None);
}

#[test]
fn a_paste_and_keys_typed_ahead_answer_nothing() {
    let mut desk = live();
    desk.at_once("K");
    desk.take(Msg::Paste("K\rF\r\u{1b}K".to_owned()));
    for key in ["enter", "F", "enter", "esc"] {
        desk.at_once(key);
    }
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
    assert!(desk.ui.asks_kill());
    desk.take(Msg::Paste("K\rF\r".to_owned()));
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
}

#[test]
fn a_held_kill_key_stays_at_reduce_only_and_named_repeats_confirm_nothing() {
    let mut desk = live();
    desk.at_once("K");
    desk.wait(500);
    for _ in 0..100 {
        desk.wait(40);
        desk.at_once("K");
    }
    for key in ["enter", "F", "esc", "K"] {
        let mut repeat = event(key);
        repeat.kind = KeyEventKind::Repeat;
        desk.wait(500);
        desk.event(repeat);
    }
    desk.wait(2_000);
    assert_eq!(desk.latch, KillLevel::ReduceOnly);
}

#[test]
fn without_an_answer_the_view_comes_back_under_a_banner() {
    let mut desk = live();
    desk.keys(&["K"]);
    desk.wait(10_000);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Kill(modal)) if modal.banner));
    desk.keys(&["3"]);
    assert_eq!(desk.ui.model.view, View::Blotter);
    // Another dialog covers the banner and gives it back.
    desk.keys(&["?"]);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Help { .. })));
    desk.keys(&["esc"]);
    assert!(matches!(desk.ui.model.overlay, Some(Overlay::Kill(modal)) if modal.banner));
    // The filter line works under it, letters and all.
    desk.keys(&["/", "K"]);
    assert_eq!(
        (desk.ui.model.filter.as_str(), desk.latch),
        ("K", KillLevel::ReduceOnly)
    );
}

#[test]
fn the_kill_key_undoes_a_theme_preview_and_forgets_an_open_question() {
    let mut desk = live();
    desk.keys(&["t", "down"]);
    assert_eq!(desk.ui.model.theme, "light");
    desk.keys(&["K"]);
    assert_eq!(desk.ui.model.theme, "dark");
    assert_eq!(
        desk.requests.last(),
        Some(&Request::SetTheme("dark".to_owned()))
    );
    let mut desk = live();
    desk.keys(&["C", "tab", "K", "enter"]);
    assert!(!desk.requests.contains(&trade(TradeCommand::CancelAll)));
}

#[test]
fn the_palette_finds_by_a_few_letters_and_runs_on_enter() {
    let mut desk = live();
    desk.keys(&[":"]);
    desk.text("blott");
    assert_eq!(
        desk.ui.palette_rows(&desk.snapshot)[0].text,
        "View 3: blotter"
    );
    desk.keys(&["enter"]);
    assert_eq!(
        (desk.ui.model.view, &desk.ui.model.overlay),
        (View::Blotter, &None)
    );
    desk.keys(&["ctrl-p"]);
    desk.text("market eth");
    desk.keys(&["enter"]);
    assert_eq!(desk.ui.model.market, 1);
    desk.keys(&[":"]);
    desk.text("qqqzzz");
    assert_eq!(desk.keys(&["enter"]), []);
    assert!(desk.ui.model.toasts.last().unwrap().warn);
}

#[test]
fn resume_needs_a_reason() {
    let mut desk = live();
    desk.keys(&["K", "enter", "esc", ":"]);
    desk.text("resume ");
    assert_eq!(desk.keys(&["enter"]), []);
    desk.text("venue is back");
    assert_eq!(
        desk.keys(&["enter"]),
        [trade(TradeCommand::Resume {
            level: KillLevel::Active,
            reason: "venue is back".to_owned(),
        })]
    );
    desk.keys(&[":"]);
    desk.text("resume again");
    assert_eq!(desk.keys(&["enter"]), [], "nothing to resume");
}

#[test]
fn help_shows_what_matches_and_what_is_dangerous() {
    let mut desk = live();
    desk.keys(&["?"]);
    let all = desk.ui.help_rows().len();
    desk.text("kill");
    let rows = desk.ui.help_rows();
    assert!(rows.len() < all);
    assert_eq!((rows[0].keys.as_str(), rows[0].danger), ("K  f12", true));
    desk.keys(&["backspace", "ctrl-u"]);
    assert_eq!(desk.ui.help_rows().len(), all);
    desk.keys(&["3"]);
    assert_eq!(desk.ui.model.view, View::Dashboard, "digits are text here");
}

#[test]
fn a_theme_is_previewed_kept_by_enter_and_undone_by_esc() {
    let mut desk = live();
    assert_eq!(
        desk.keys(&["t", "down"]),
        [Request::SetTheme("light".to_owned())]
    );
    assert_eq!(desk.keys(&["esc"]), [Request::SetTheme("dark".to_owned())]);
    desk.keys(&["t", "down", "down", "enter"]);
    assert_eq!(
        (desk.ui.model.theme.as_str(), &desk.ui.model.overlay),
        ("mono", &None)
    );
    assert_eq!(desk.keys(&["t", "esc"]), [], "nothing to undo");
}

#[rstest]
#[case(&["enter"], Some(ExitPolicy::Keep))]
#[case(&["down", "enter"], Some(ExitPolicy::Cancel))]
#[case(&["down", "down", "down", "enter"], Some(ExitPolicy::Flatten))]
#[case(&["esc", "enter"], None)]
fn quitting_asks_what_happens_to_orders(#[case] keys: &[&str], #[case] end: Option<ExitPolicy>) {
    for quit in ["q", "ctrl-c"] {
        let mut desk = live();
        assert_eq!(desk.keys(&[quit]), []);
        let requests = desk.keys(keys);
        assert_eq!(
            requests,
            end.map(Request::Exit).into_iter().collect::<Vec<_>>()
        );
    }
}

#[test]
fn quitting_asks_nothing_after_the_end() {
    let mut desk = live();
    desk.take(Msg::Ended);
    assert_eq!(desk.keys(&["q"]), [Request::Exit(ExitPolicy::Keep)]);
}

#[test]
fn a_confirm_dialog_starts_on_cancel() {
    let mut desk = live();
    desk.keys(&["C"]);
    assert!(
        matches!(&desk.ui.model.overlay, Some(Overlay::Confirm { question, yes: false })
        if question.contains("3 working orders"))
    );
    assert_eq!(desk.keys(&["enter"]), []);
    assert_eq!(desk.keys(&["C", "tab", "tab", "enter"]), []);
    assert_eq!(desk.keys(&["C", "tab", "esc", "enter"]), []);
    assert_eq!(
        desk.keys(&["C", "right", "enter"]),
        [trade(TradeCommand::CancelAll)]
    );
}

#[test]
fn a_close_needs_its_word() {
    let close = trade(TradeCommand::Close(InstrumentId(1)));
    let mut desk = live();
    assert_eq!(desk.keys(&["3", "x", "tab", "enter"]), []);
    assert_eq!(desk.keys(&["x", "c", "l", "o", "s", "x", "enter"]), []);
    desk.keys(&["x"]);
    desk.take(Msg::Paste("close".to_owned()));
    assert_eq!(desk.keys(&["enter"]), [], "a paste is no answer");
    assert_eq!(
        desk.keys(&["x", "c", "l", "o", "s", "x", "backspace", "e", "enter"]),
        [close]
    );
    let all = trade(TradeCommand::CloseAll);
    assert_eq!(desk.keys(&["X", "c", "l", "o", "s", "e", "enter"]), [all]);
}

#[test]
fn an_order_is_cancelled_at_once_where_one_is_selected() {
    let mut desk = live();
    assert_eq!(desk.keys(&["3", "c"]), [], "positions have the focus");
    let second = desk.snapshot.orders[1].id;
    assert_eq!(
        desk.keys(&["tab", "j", "c"]),
        [trade(TradeCommand::Cancel(second))]
    );
    desk.keys(&["/"]);
    desk.text("eth");
    assert_eq!(
        desk.keys(&["enter", "c"]),
        [],
        "filtered rows are not the picture's rows"
    );
}

#[test]
fn a_leg_stops_at_once_and_starts_after_a_question() {
    let mut desk = live();
    assert_eq!(
        desk.keys(&["4", "s"]),
        [trade(TradeCommand::StopLeg(LegId(0)))]
    );
    assert_eq!(desk.keys(&["S", "enter"]), []);
    assert_eq!(
        desk.keys(&["S", "tab", "enter"]),
        [trade(TradeCommand::StartLeg(LegId(0)))]
    );
}

#[test]
fn a_recording_changes_speed_and_a_live_session_does_not() {
    let session = |command| Request::Command(Command::Session(command));
    let mut desk = Desk::new(Mode::Replay);
    assert_eq!(desk.keys(&[">"]), [session(SessionCommand::Speed(50.0))]);
    assert_eq!(desk.keys(&["<"]), [session(SessionCommand::Speed(5.0))]);
    assert_eq!(desk.keys(&["."]), [session(SessionCommand::Hold(true))]);
    assert_eq!(desk.keys(&["space"]), []);
    desk.snapshot.session.speed = None;
    assert_eq!(desk.keys(&[">"]), []);
    assert_eq!(
        desk.keys(&["<"]),
        [session(SessionCommand::Speed(10_000.0))]
    );
    let mut desk = live();
    assert_eq!(desk.keys(&[">", "<", "."]), []);
}

#[test]
fn selections_stay_inside_the_picture() {
    let mut desk = live();
    desk.keys(&["3", "tab", "G"]);
    assert_eq!((desk.ui.model.pane, desk.ui.model.row), (1, 2));
    desk.snapshot.orders.truncate(1);
    desk.take(Msg::Tick { now_ms: 0 });
    assert_eq!(desk.ui.model.row, 0);
    desk.keys(&["shift-tab", "shift-tab"]);
    assert_eq!(desk.ui.model.pane, 3);
    desk.keys(&["1"]);
    assert_eq!(desk.ui.model.pane, 0);
    desk.keys(&["]", "]", "]"]);
    assert_eq!(desk.ui.model.market, 1);
    desk.keys(&["[", "["]);
    assert_eq!(desk.ui.model.market, 1);
    desk.snapshot.markets.clear();
    desk.keys(&["]"]);
    assert_eq!(desk.ui.model.market, 0);
}

#[test]
fn the_log_scrolls_back_from_its_end_and_follows_again() {
    let mut desk = live();
    desk.keys(&["7", "k", "k"]);
    assert_eq!(desk.ui.model.scroll, 2);
    desk.keys(&["g"]);
    assert_eq!(desk.ui.model.scroll, 39);
    desk.keys(&["G"]);
    assert_eq!(desk.ui.model.scroll, 0);
}

#[test]
fn toasts_are_few_and_go_by_themselves() {
    let mut desk = live();
    for n in 0..5 {
        desk.ui.toast(n.to_string(), false);
    }
    let texts: Vec<&str> = desk
        .ui
        .model
        .toasts
        .iter()
        .map(|t| t.text.as_str())
        .collect();
    assert_eq!(texts, ["2", "3", "4"]);
    desk.wait(4_000);
    assert!(desk.ui.model.toasts.is_empty());
}

/// Keys that mean something somewhere, and some that do not.
const ALL_KEYS: &[&str] = &[
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "n",
    "o",
    "p",
    "q",
    "r",
    "s",
    "t",
    "u",
    "v",
    "x",
    "y",
    "z",
    "A",
    "C",
    "F",
    "G",
    "K",
    "S",
    "X",
    "?",
    ":",
    "/",
    "[",
    "]",
    "+",
    "-",
    "=",
    "<",
    ">",
    ".",
    ",",
    "!",
    "enter",
    "esc",
    "tab",
    "shift-tab",
    "up",
    "down",
    "left",
    "right",
    "backspace",
    "delete",
    "space",
    "pageup",
    "pagedown",
    "home",
    "end",
    "f1",
    "f12",
    "ctrl-c",
    "ctrl-d",
    "ctrl-l",
    "ctrl-p",
    "ctrl-u",
    "ctrl-w",
    "ctrl-n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is typed, nothing that hurts leaves without the answer that it asks for: an
    /// `Enter` on a dialog whose yes was chosen, a shown kill modal, or a typed reason.
    #[test]
    fn nothing_that_hurts_leaves_without_its_confirmation(
        typed in prop::collection::vec((0..ALL_KEYS.len(), 0_u64..500, any::<bool>()), 1..200),
        mode in prop::sample::select(vec![Mode::Replay, Mode::Paper, Mode::Demo, Mode::Live]),
    ) {
        let mut desk = Desk::new(mode);
        for (index, gap, pasted) in typed {
            let key = ALL_KEYS[index];
            let deciding = desk.ui.is_deciding();
            let before = desk.requests.len();
            desk.wait(gap);
            for request in &desk.requests[before..] {
                prop_assert!(deciding && *request == Request::Trip(KillLevel::Halted));
            }
            let model = desk.ui.model.clone();
            let modal = desk.ui.asks_kill();
            let deciding = desk.ui.is_deciding();
            let yes = matches!(model.overlay, Some(Overlay::Confirm { yes: true, .. }));
            if pasted {
                prop_assert_eq!(desk.take(Msg::Paste(format!("{key}close\r"))), []);
                continue;
            }
            for request in desk.at_once(key) {
                match request {
                    Request::Command(Command::Trade(command)) => match command {
                        TradeCommand::Cancel(_) | TradeCommand::StopLeg(_) => {}
                        TradeCommand::CancelAll | TradeCommand::StartLeg(_) => {
                            prop_assert!(yes && key == "enter");
                        }
                        TradeCommand::Close(_) | TradeCommand::CloseAll => {
                            let Some(Overlay::Confirm { question, .. }) = &model.overlay else {
                                return Err(TestCaseError::fail("a close without a question"));
                            };
                            prop_assert!(yes && key == "enter" && question.ends_with(": close_"));
                        }
                        TradeCommand::Resume { reason, .. } => {
                            let esc = modal && key == "esc";
                            let typed = matches!(&model.overlay,
                                Some(Overlay::Palette { input, .. })
                                    if key == "enter" && input.trim_start().starts_with("resume "));
                            prop_assert!((esc || typed) && !reason.is_empty());
                        }
                        TradeCommand::Kill { .. } => {
                            return Err(TestCaseError::fail("a kill goes through the latch"));
                        }
                    },
                    Request::Trip(KillLevel::Halted) => {
                        prop_assert!(modal && (key == "enter" || deciding));
                    }
                    Request::Trip(KillLevel::Flatten) => {
                        let armed = matches!(model.overlay,
                            Some(Overlay::Kill(modal)) if modal.armed_flatten);
                        let play = matches!(mode, Mode::Replay | Mode::Paper) && key == "F";
                        prop_assert!(modal && (play || (armed && key == "enter")));
                    }
                    Request::Exit(_) => {
                        let asked = matches!(model.overlay, Some(Overlay::Quit { .. }));
                        prop_assert!(asked && key == "enter");
                    }
                    _ => {}
                }
            }
            prop_assert!(desk.ui.model.row <= 2 && desk.ui.model.toasts.len() <= 3);
        }
    }
}
