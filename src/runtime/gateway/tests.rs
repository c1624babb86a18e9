//! Behaviour of the gateway against a scripted venue. Time is paused and passes by itself.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::control::KillReason;
use crate::domain::{
    Fill, FillKind, Intent, LegId, Liquidity, Money, OrderKind, OrderSpec, Price, ReportedPosition,
    Side, TimeInForce,
};
use crate::runtime::live::{Live, live};
use crate::runtime::remote::Remote;
use crate::runtime::source::{Due, Source};
use crate::venue::broker::Broker;

const BTC: InstrumentId = InstrumentId(0);

/// What the scripted venue answers, and what it was asked. An answer that is not scripted is the
/// quiet one: taken, gone, nowhere, nothing.
#[derive(Default)]
struct Script {
    submits: VecDeque<Submitted>,
    cancels: VecDeque<CancelSent>,
    finds: VecDeque<Result<Found, AskError>>,
    executions: VecDeque<Result<Vec<AccountEvent>, AskError>>,
    reports: VecDeque<Result<AccountReport, AskError>>,
    asked: Vec<String>,
}

#[derive(Clone, Default)]
struct Venue(Arc<Mutex<Script>>);

impl Venue {
    fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.0.lock().unwrap());
    }

    fn asked(&self, what: &str) -> usize {
        let script = self.0.lock().unwrap();
        script.asked.iter().filter(|a| a.starts_with(what)).count()
    }
}

impl RemoteBroker for Venue {
    fn remember(&self, _: KnownOrder) {}

    async fn submit(&self, order: &Approved, _: Option<Price>) -> Submitted {
        let mut script = self.0.lock().unwrap();
        script.asked.push(format!("submit {}", order.intent().id));
        script.submits.pop_front().unwrap_or(Submitted::Accepted)
    }

    async fn cancel(&self, order: ClientOrderId, _: InstrumentId) -> CancelSent {
        let mut script = self.0.lock().unwrap();
        script.asked.push(format!("cancel {order}"));
        script.cancels.pop_front().unwrap_or(CancelSent::Gone)
    }

    async fn find(&self, order: ClientOrderId, _: InstrumentId) -> Result<Found, AskError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(format!("find {order}"));
        script.finds.pop_front().unwrap_or(Ok(Found::Nowhere))
    }

    async fn executions(&self, since: Timestamp) -> Result<Vec<AccountEvent>, AskError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(format!("executions {}", since.millis()));
        script.executions.pop_front().unwrap_or(Ok(Vec::new()))
    }

    async fn report(&self, asked_at: Timestamp) -> Result<AccountReport, AskError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push("report".to_owned());
        let empty = AccountReport {
            asked_at,
            orders: Vec::new(),
            positions: Vec::new(),
            cash: None,
        };
        script.reports.pop_front().unwrap_or(Ok(empty))
    }
}

/// A clock that follows tokio's paused time.
struct TestClock(Instant);

impl WallClock for TestClock {
    fn now(&self) -> Timestamp {
        let ms = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_millis(1_000_000 + ms)
    }
}

struct Desk {
    venue: Venue,
    remote: Remote,
    source: Live,
    heard: mpsc::Sender<Heard>,
    kill: Arc<KillSwitch>,
    said: Vec<String>,
    begun: Instant,
}

fn order(id: &str, reduce_only: bool) -> Approved {
    let purpose = if reduce_only {
        Purpose::Exit
    } else {
        Purpose::Entry
    };
    Approved::for_test(Intent {
        id: id.parse().unwrap(),
        leg: LegId(0),
        trace: 1,
        decided_at: Timestamp::from_millis(1_000_000),
        spec: OrderSpec {
            instrument: BTC,
            side: Side::Buy,
            qty: "1".parse().unwrap(),
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            reduce_only,
            purpose,
        },
    })
}

fn fill(id: &str, exec: &str, qty: &str) -> AccountEvent {
    AccountEvent::Fill(Fill {
        exec_id: exec.to_owned(),
        order: id.parse().unwrap(),
        instrument: BTC,
        side: Side::Buy,
        price: "100".parse().unwrap(),
        qty: qty.parse().unwrap(),
        fee: Money::ZERO,
        withheld: Qty::ZERO,
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: Timestamp::from_millis(1_000_500),
        expected: "100".parse().unwrap(),
    })
}

fn open_desk() -> Desk {
    let clock: Arc<dyn WallClock> = Arc::new(TestClock(Instant::now()));
    let board = VenueBoard::default();
    let (source, inbox) = live(Arc::clone(&clock), board.clone());
    let word = VenueWord::default();
    let (remote, outbox) = Remote::new(1, word.clone(), 2_000);
    let (teller, lane) = mpsc::channel(64);
    let (kill, _reset) = KillSwitch::new(KillLevel::Active);
    let venue = Venue::default();
    let gateway = Gateway::new(GatewayParts {
        broker: Arc::new(venue.clone()),
        outbox,
        heard: lane,
        inbox,
        kill: Arc::clone(&kill),
        word,
        board,
        since: clock.now(),
        clock,
        timing: GatewayTiming::default(),
    });
    tokio::spawn(gateway.run());
    Desk {
        venue,
        remote,
        source,
        heard: teller,
        kill,
        said: Vec::new(),
        begun: Instant::now(),
    }
}

fn now(desk: &Desk) -> Timestamp {
    let ms = i64::try_from(desk.begun.elapsed().as_millis()).unwrap();
    Timestamp::from_millis(1_000_000 + ms)
}

impl Desk {
    fn submit(&mut self, id: &str) {
        let at = now(self);
        self.remote.submit(at, order(id, false));
    }

    /// Lets so much time pass and notes what the engine heard.
    async fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 20 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            while let Ok(Due::Event(_, event)) = self.source.next(&Clock::start()) {
                match event {
                    Event::Account(event) => self.said.push(words(&event)),
                    Event::Link(LinkEvent::Account { lacks }) => {
                        self.said.push(format!("lacks {lacks:?}"));
                    }
                    Event::Link(link) => self.said.push(format!("{link:?}")),
                    _ => {}
                }
            }
        }
    }

    fn has(&self, text: &str) -> bool {
        self.said.iter().any(|said| said.contains(text))
    }
}

use crate::runtime::clock::Clock;

fn words(event: &AccountEvent) -> String {
    match event {
        AccountEvent::Accepted { order } => format!("accepted {order}"),
        AccountEvent::Rejected { order, reason } => format!("rejected {order}: {reason}"),
        AccountEvent::NotSent { order, cause } => format!("not sent {order}: {cause}"),
        AccountEvent::Unknown { order, .. } => format!("unknown {order}"),
        AccountEvent::NeverAccepted { order } => format!("never {order}"),
        AccountEvent::Cancelled { order } => format!("cancelled {order}"),
        AccountEvent::CancelRejected { order } => format!("cancel too late {order}"),
        AccountEvent::Fill(fill) => format!("fill {} {}", fill.order, fill.qty),
        AccountEvent::Report(report) => format!("report {}", report.positions.len()),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_leaves_once_and_its_acceptance_is_told() {
    let mut desk = open_desk();
    desk.submit("a");
    desk.pass(1).await;
    assert_eq!(desk.venue.asked("submit a"), 1);
    assert!(desk.has("accepted a"), "{:?}", desk.said);
    desk.pass(60).await;
    assert_eq!(desk.venue.asked("submit"), 1);
}

/// F02: accepted, answer lost.
#[tokio::test(start_paused = true)]
async fn an_unanswered_order_that_the_venue_has_is_found_and_never_sent_again() {
    let mut desk = open_desk();
    let id: ClientOrderId = "a".parse().unwrap();
    desk.venue.set(|s| {
        s.submits
            .push_back(Submitted::Unknown("no answer".to_owned()));
        s.finds
            .push_back(Err(AskError::NoAnswer("down".to_owned())));
        s.finds.push_back(Ok(Found::Nowhere));
        let found = vec![AccountEvent::Accepted { order: id }, fill("a", "e1", "1")];
        s.finds.push_back(Ok(Found::Events(found)));
    });
    desk.submit("a");
    desk.pass(5).await;
    assert!(
        desk.has("unknown a") && desk.has("fill a 1"),
        "{:?}",
        desk.said
    );
    desk.pass(60).await;
    assert_eq!(desk.venue.asked("submit"), 1);
    assert!(!desk.has("never a"));
}

/// F01: never reached the venue. Nothing is concluded before the window is over, and then only
/// by the engine's own denial and two rounds of every query.
#[tokio::test(start_paused = true)]
async fn an_order_that_never_arrived_is_closed_only_by_proof() {
    let mut desk = open_desk();
    desk.venue
        .set(|s| s.submits.push_back(Submitted::Unknown("reset".to_owned())));
    desk.submit("a");
    desk.pass(14).await;
    assert!(desk.has("unknown a"));
    assert!(!desk.has("never a"), "before the fence: {:?}", desk.said);
    assert_eq!(desk.venue.asked("cancel"), 0, "before the fence");
    desk.pass(6).await;
    assert!(desk.has("never a"), "within 20 s: {:?}", desk.said);
    assert_eq!(desk.venue.asked("cancel a"), 1);
    assert_eq!(desk.venue.asked("submit"), 1);
}

/// F31: a failed query is no answer.
#[tokio::test(start_paused = true)]
async fn failed_queries_prove_nothing() {
    let mut desk = open_desk();
    desk.venue.set(|s| {
        s.submits.push_back(Submitted::Unknown("reset".to_owned()));
        for _ in 0..1_000 {
            s.finds
                .push_back(Err(AskError::NoAnswer("down".to_owned())));
        }
    });
    desk.submit("a");
    desk.pass(120).await;
    assert!(!desk.has("never a"), "{:?}", desk.said);
}

/// F11: the trading engine still has it although the queries do not show it.
#[tokio::test(start_paused = true)]
async fn an_order_that_the_engine_cancels_is_not_closed_as_never_accepted() {
    let mut desk = open_desk();
    desk.venue.set(|s| {
        s.submits.push_back(Submitted::Unknown("reset".to_owned()));
        for _ in 0..5 {
            s.cancels.push_back(CancelSent::Accepted);
        }
    });
    desk.submit("a");
    desk.pass(17).await;
    assert!(desk.venue.asked("cancel a") >= 1);
    assert!(!desk.has("never a"), "{:?}", desk.said);
}

/// F05: the name is known: an earlier attempt has arrived.
#[tokio::test(start_paused = true)]
async fn a_known_name_is_looked_up_and_adopted() {
    let mut desk = open_desk();
    let id: ClientOrderId = "a".parse().unwrap();
    desk.venue.set(|s| {
        s.submits.push_back(Submitted::Exists);
        let found = vec![AccountEvent::Accepted { order: id }];
        s.finds.push_back(Ok(Found::Events(found)));
    });
    desk.submit("a");
    desk.pass(2).await;
    assert!(
        desk.has("unknown a") && desk.has("accepted a"),
        "{:?}",
        desk.said
    );
    assert_eq!(desk.venue.asked("submit"), 1);
}

#[tokio::test(start_paused = true)]
async fn the_latch_holds_entries_back_right_before_the_wire_and_lets_closes_out() {
    let mut desk = open_desk();
    desk.kill.trip(KillLevel::ReduceOnly, KillReason::Operator);
    desk.submit("entry");
    desk.remote.submit(now(&desk), order("close", true));
    desk.pass(1).await;
    assert_eq!(desk.venue.asked("submit entry"), 0);
    assert_eq!(desk.venue.asked("submit close"), 1);
    assert!(
        desk.has("not sent entry: kill latch is closed"),
        "{:?}",
        desk.said
    );
}

/// F48: a limiter. An entry gives its place up after one look; a close waits and goes again.
#[tokio::test(start_paused = true)]
async fn a_limiter_ends_an_entry_and_delays_a_close() {
    let mut desk = open_desk();
    let until = Timestamp::from_millis(1_003_000);
    desk.venue.set(|s| {
        s.submits.push_back(Submitted::Limited { until });
        s.submits.push_back(Submitted::Limited { until });
    });
    desk.submit("entry");
    desk.pass(1).await;
    assert!(desk.has("not sent entry"), "{:?}", desk.said);
    desk.remote.submit(now(&desk), order("close", true));
    desk.pass(4).await;
    assert!(desk.has("accepted close"), "{:?}", desk.said);
    assert_eq!(desk.venue.asked("submit close"), 2);
    assert_eq!(desk.venue.asked("find"), 2);
}

/// F52: the venue refuses us; the order is dead, and entries are latched.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_key_latches() {
    let mut desk = open_desk();
    desk.venue.set(|s| {
        s.submits
            .push_back(Submitted::Refused("10003: key".to_owned()));
    });
    desk.submit("a");
    desk.pass(1).await;
    assert!(
        desk.has("rejected a") && desk.has("Refused"),
        "{:?}",
        desk.said
    );
    assert_eq!(desk.venue.asked("submit"), 1);
}

/// F20: a cancel that comes too late is no outcome; the order's history is.
#[tokio::test(start_paused = true)]
async fn a_late_cancel_leads_to_the_orders_own_history() {
    let mut desk = open_desk();
    desk.submit("a");
    desk.pass(1).await;
    desk.venue.set(|s| {
        s.finds
            .push_back(Ok(Found::Events(vec![fill("a", "e1", "1")])));
    });
    desk.remote.cancel(now(&desk), "a".parse().unwrap());
    desk.pass(2).await;
    assert!(
        desk.has("fill a 1") && desk.has("cancel too late a"),
        "{:?}",
        desk.said
    );
    assert!(desk.venue.asked("cancel") <= 3);
}

/// F16: fills of the time without a stream come before the picture of the account, and entries
/// wait for both.
#[tokio::test(start_paused = true)]
async fn after_a_reconnect_the_account_is_read_fills_first() {
    let mut desk = open_desk();
    desk.submit("a");
    desk.pass(1).await;
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(1).await;
    assert!(
        desk.said.contains(&"lacks None".to_owned()),
        "{:?}",
        desk.said
    );
    desk.said.clear();
    desk.heard
        .send(Heard::Down("reset".to_owned()))
        .await
        .unwrap();
    desk.pass(1).await;
    assert!(desk.has("private stream is down"), "{:?}", desk.said);
    desk.said.clear();
    let position = ReportedPosition {
        instrument: Some(BTC),
        symbol: "BTCUSDT".to_owned(),
        size: "1".parse::<Qty>().unwrap().signed(Side::Buy),
        entry: None,
    };
    desk.venue.set(|s| {
        s.executions.push_back(Ok(vec![fill("a", "e1", "1")]));
        s.reports.push_back(Ok(AccountReport {
            asked_at: Timestamp::from_millis(1_010_000),
            orders: Vec::new(),
            positions: vec![position],
            cash: None,
        }));
    });
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(1).await;
    let place = |text: &str| desk.said.iter().position(|s| s.starts_with(text));
    let (fill, report) = (place("fill a"), place("report 1"));
    let open = place("lacks None");
    assert!(
        fill.is_some() && fill < report && report < open,
        "{:?}",
        desk.said
    );
}

/// F31: a reading that fails leaves the account unread, and is tried again.
#[tokio::test(start_paused = true)]
async fn a_failed_reading_is_not_an_empty_account() {
    let mut desk = open_desk();
    desk.venue.set(|s| {
        let error = AskError::NoAnswer("page 2 of 3 is missing".to_owned());
        s.reports.push_back(Err(error));
    });
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(1).await;
    assert!(
        desk.has("page 2 of 3") && !desk.has("report"),
        "{:?}",
        desk.said
    );
    assert!(!desk.said.contains(&"lacks None".to_owned()));
    desk.pass(5).await;
    assert!(
        desk.said.contains(&"lacks None".to_owned()),
        "{:?}",
        desk.said
    );
}

/// An order that the venue accepted and no longer lists is asked for by name.
#[tokio::test(start_paused = true)]
async fn an_order_that_is_gone_from_the_lists_is_asked_for() {
    let mut desk = open_desk();
    desk.heard.send(Heard::Up).await.unwrap();
    desk.submit("a");
    desk.pass(1).await;
    let id: ClientOrderId = "a".parse().unwrap();
    desk.venue.set(|s| {
        let over = vec![AccountEvent::Cancelled { order: id }];
        s.finds.push_back(Ok(Found::Events(over)));
    });
    desk.pass(15).await;
    assert!(desk.has("cancelled a"), "{:?}", desk.said);
}

/// I31: what an interrupted session left open is resolved first.
#[tokio::test(start_paused = true)]
async fn orders_of_an_interrupted_session_are_looked_for() {
    let mut desk = open_desk();
    let spec = order("old", false).intent().spec.clone();
    let known = |id: &str| KnownOrder {
        id: id.parse().unwrap(),
        spec: spec.clone(),
        expected: None,
    };
    desk.remote.resume(vec![
        (known("over"), Standing::Over),
        (known("old"), Standing::Open),
    ]);
    desk.venue.set(|s| {
        let found = vec![fill("old", "e1", "1")];
        s.finds.push_back(Ok(Found::Events(found)));
    });
    desk.pass(3).await;
    assert!(
        desk.has("unknown old") && desk.has("fill old 1"),
        "{:?}",
        desk.said
    );
    assert_eq!(desk.venue.asked("submit"), 0);
}

/// The venue has to say flat for a while, with nothing on its way, before it counts.
#[tokio::test(start_paused = true)]
async fn flat_is_certain_only_after_a_while() {
    let mut desk = open_desk();
    assert!(!desk.remote.account().is_flat(), "nobody has asked yet");
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(1).await;
    assert!(!desk.remote.account().is_flat(), "one report is not enough");
    desk.pass(70).await;
    assert!(desk.remote.account().is_flat());
    desk.submit("a");
    assert!(!desk.remote.account().is_flat(), "something is on its way");
}

/// The two halves of a turn keep their order: the entry waits for the answer to the close.
#[tokio::test(start_paused = true)]
async fn an_entry_waits_for_the_close_before_it() {
    let mut desk = open_desk();
    let until = Timestamp::from_millis(1_002_000);
    desk.venue
        .set(|s| s.submits.push_back(Submitted::Limited { until }));
    desk.remote.submit(now(&desk), order("close", true));
    desk.submit("entry");
    desk.pass(1).await;
    assert_eq!(desk.venue.asked("submit entry"), 0);
    desk.pass(2).await;
    assert_eq!(desk.venue.asked("submit entry"), 1);
    assert!(desk.has("accepted close") && desk.has("accepted entry"));
}

#[tokio::test(start_paused = true)]
async fn an_entry_behind_a_close_of_open_outcome_does_not_leave() {
    let mut desk = open_desk();
    desk.venue
        .set(|s| s.submits.push_back(Submitted::Unknown("reset".to_owned())));
    desk.remote.submit(now(&desk), order("close", true));
    desk.submit("entry");
    desk.pass(1).await;
    assert_eq!(desk.venue.asked("submit entry"), 0);
    assert!(desk.has("not sent entry"), "{:?}", desk.said);
}

/// F18: readings overlap; a fill is passed on once.
#[tokio::test(start_paused = true)]
async fn an_execution_that_is_read_again_is_not_told_again() {
    let mut desk = open_desk();
    desk.venue.set(|s| {
        for _ in 0..5 {
            s.executions.push_back(Ok(vec![fill("a", "e1", "1")]));
        }
    });
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(10).await;
    let n = desk.said.iter().filter(|s| s.starts_with("fill")).count();
    assert_eq!(n, 1, "{:?}", desk.said);
}

/// A kill with nothing to cancel sends nothing, and its certificate must not wait for the next
/// quiet reading.
#[tokio::test(start_paused = true)]
async fn a_kill_asks_for_the_venues_word_at_once() {
    let mut desk = open_desk();
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(20).await;
    desk.submit("a");
    desk.pass(1).await;
    let filled = Heard::Event(fill("a", "e1", "1"));
    desk.heard.send(filled).await.unwrap();
    desk.pass(3).await;
    assert!(!desk.remote.account().is_flat(), "one report is not enough");
    desk.kill.trip(KillLevel::Flatten, KillReason::Operator);
    desk.pass(8).await;
    assert!(desk.remote.account().is_flat());
}

/// A reading that was begun before the stream was lost says nothing about what happened since.
#[tokio::test(start_paused = true)]
async fn a_reading_from_before_a_reconnect_does_not_open_the_gate() {
    let mut desk = open_desk();
    let position = ReportedPosition {
        instrument: Some(BTC),
        symbol: "BTCUSDT".to_owned(),
        size: "1".parse::<Qty>().unwrap().signed(Side::Buy),
        entry: None,
    };
    let old = AccountReport {
        asked_at: now(&desk),
        orders: Vec::new(),
        positions: vec![position],
        cash: None,
    };
    desk.venue.set(|s| s.reports.push_back(Ok(old)));
    // All three are heard while the first reading is on its way.
    desk.heard.send(Heard::Up).await.unwrap();
    let down = Heard::Down("reset".to_owned());
    desk.heard.send(down).await.unwrap();
    desk.heard.send(Heard::Up).await.unwrap();
    desk.pass(5).await;
    let place = |text: &str| desk.said.iter().position(|s| s == text);
    let (first, second) = (place("report 1"), place("report 0"));
    assert!(first.is_some() && first < second, "{:?}", desk.said);
    assert!(second < place("lacks None"), "{:?}", desk.said);
}
