//! Invariants checked here: every state answers every event as the table says; any permutation
//! and repetition of events gives the same states; a terminal order never becomes live; filled
//! never exceeds asked for; the worst case equals a sum over the live orders.

use proptest::prelude::*;

use super::{Incident, OrderState, Orders};
use crate::domain::{
    AccountEvent, ClientOrderId, Fill, FillKind, InstrumentId, Intent, LegId, Liquidity, Money,
    NotSent, OrderKind, OrderSpec, Price, Purpose, Qty, RejectReason, Side, TimeInForce, Timestamp,
    TriggerPrice,
};

const BTC: InstrumentId = InstrumentId(0);
const NOW: Timestamp = Timestamp::from_millis(1_000);

fn id(n: usize) -> ClientOrderId {
    format!("o{n}").parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

/// An order for three.
fn intent(n: usize, side: Side, kind: OrderKind) -> Intent {
    Intent {
        id: id(n),
        leg: LegId(0),
        trace: 1,
        decided_at: NOW,
        spec: OrderSpec {
            instrument: BTC,
            side,
            qty: qty("3"),
            kind,
            tif: TimeInForce::Gtc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    }
}

fn stop() -> OrderKind {
    OrderKind::Stop {
        trigger: "90".parse().unwrap(),
        by: TriggerPrice::Last,
    }
}

fn fill(order: usize, exec: &str, amount: &str) -> AccountEvent {
    AccountEvent::Fill(Fill {
        exec_id: exec.to_owned(),
        order: id(order),
        instrument: BTC,
        side: Side::Buy,
        price: "100".parse().unwrap(),
        qty: qty(amount),
        fee: Money::ZERO,
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: NOW,
        expected: Price::ZERO,
        withheld: Qty::ZERO,
    })
}

/// The events of the table by name; `cancel`, `never` and `sent` are our own doing.
fn event(name: &str) -> Option<AccountEvent> {
    let order = id(0);
    Some(match name {
        "accepted" => AccountEvent::Accepted { order },
        "triggered" => AccountEvent::Triggered { order },
        "rejected" => AccountEvent::Rejected {
            order,
            reason: RejectReason::WouldTake,
        },
        "duplicate" => AccountEvent::Rejected {
            order,
            reason: RejectReason::DuplicateId,
        },
        "not-sent" => AccountEvent::NotSent {
            order,
            cause: NotSent::Killed,
        },
        "unknown" => AccountEvent::Unknown {
            order,
            cause: "timeout".to_owned(),
        },
        "cancelled" => AccountEvent::Cancelled { order },
        "too-late" => AccountEvent::CancelRejected { order },
        "part" => fill(0, "p", "1"),
        "full" => fill(0, "f", "3"),
        _ => return None,
    })
}

fn play(orders: &mut Orders, name: &str) {
    match name {
        "cancel" => {
            orders.cancel_sent(&id(0), NOW);
        }
        "never" => {
            orders.never_accepted(&id(0), NOW);
        }
        name => {
            orders.apply(&event(name).expect("a name of the table"), NOW);
        }
    }
}

fn label(state: &OrderState) -> &'static str {
    match state {
        OrderState::InFlight => "flight",
        OrderState::Working => "working",
        OrderState::Untriggered => "untriggered",
        OrderState::PartiallyFilled => "partial",
        OrderState::CancelPending => "cancelling",
        OrderState::Unresolved(_) => "unresolved",
        OrderState::Filled => "FILLED",
        OrderState::Cancelled => "CANCELLED",
        OrderState::Rejected(_) => "REJECTED",
        OrderState::NotSent(_) => "NOTSENT",
        OrderState::NeverAccepted => "NEVER",
    }
}

#[rustfmt::skip]
const EVENTS: [&str; 12] = [
    "accepted", "triggered", "rejected", "duplicate", "not-sent", "unknown", "cancelled",
    "too-late", "part", "full", "cancel", "never",
];

/// Every state, how to get there, and what each of [`EVENTS`] makes of it.
#[rustfmt::skip]
const TABLE: [(&str, &[&str], [&str; 12]); 14] = [
    ("flight", &[], ["working", "working", "REJECTED", "unresolved", "NOTSENT", "unresolved",
        "CANCELLED", "flight", "partial", "FILLED", "cancelling", "NEVER"]),
    ("working", &["accepted"], ["working", "working", "REJECTED", "working", "NOTSENT", "working",
        "CANCELLED", "working", "partial", "FILLED", "cancelling", "NEVER"]),
    ("partial", &["part"], ["partial", "partial", "REJECTED", "partial", "NOTSENT", "partial",
        "CANCELLED", "partial", "partial", "FILLED", "cancelling", "NEVER"]),
    ("cancelling", &["accepted", "cancel"], ["cancelling", "cancelling", "REJECTED", "cancelling",
        "NOTSENT", "cancelling", "CANCELLED", "working", "cancelling", "FILLED", "cancelling",
        "NEVER"]),
    ("cancelling", &["part", "cancel"], ["cancelling", "cancelling", "REJECTED", "cancelling",
        "NOTSENT", "cancelling", "CANCELLED", "partial", "cancelling", "FILLED", "cancelling",
        "NEVER"]),
    ("cancelling", &["cancel"], ["cancelling", "cancelling", "REJECTED", "unresolved", "NOTSENT",
        "unresolved", "CANCELLED", "flight", "cancelling", "FILLED", "cancelling", "NEVER"]),
    ("unresolved", &["unknown"], ["working", "working", "REJECTED", "unresolved", "NOTSENT",
        "unresolved", "CANCELLED", "unresolved", "partial", "FILLED", "unresolved", "NEVER"]),
    ("unresolved", &["duplicate"], ["working", "working", "REJECTED", "unresolved", "NOTSENT",
        "unresolved", "CANCELLED", "unresolved", "partial", "FILLED", "unresolved", "NEVER"]),
    ("FILLED", &["full"], ["FILLED"; 12]),
    ("CANCELLED", &["cancelled"], ["CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED",
        "CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED", "FILLED", "CANCELLED", "CANCELLED"]),
    ("CANCELLED", &["part", "cancelled"], ["CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED",
        "CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED", "CANCELLED", "FILLED", "CANCELLED",
        "CANCELLED"]),
    ("REJECTED", &["rejected"], ["REJECTED", "REJECTED", "REJECTED", "REJECTED", "REJECTED",
        "REJECTED", "CANCELLED", "REJECTED", "REJECTED", "FILLED", "REJECTED", "REJECTED"]),
    ("NOTSENT", &["not-sent"], ["NOTSENT", "NOTSENT", "REJECTED", "NOTSENT", "NOTSENT", "NOTSENT",
        "CANCELLED", "NOTSENT", "NOTSENT", "FILLED", "NOTSENT", "NOTSENT"]),
    ("NEVER", &["never"], ["NEVER", "NEVER", "REJECTED", "NEVER", "NOTSENT", "NEVER", "CANCELLED",
        "NEVER", "NEVER", "FILLED", "NEVER", "NEVER"]),
];

fn orders_after(kind: OrderKind, names: &[&str]) -> Orders {
    let mut orders = Orders::new(1);
    orders.sent(&intent(0, Side::Buy, kind), NOW).unwrap();
    for name in names {
        play(&mut orders, name);
    }
    orders
}

#[test]
fn every_state_answers_every_event_as_the_table_says() {
    for (start, path, ends) in TABLE {
        for (name, end) in EVENTS.into_iter().zip(ends) {
            let mut orders = orders_after(OrderKind::Market, path);
            let before = orders.get(&id(0)).unwrap().state();
            assert_eq!(label(&before), start, "{path:?}");
            play(&mut orders, name);
            let after = orders.get(&id(0)).unwrap();
            assert_eq!(label(&after.state()), end, "{path:?} then {name}");
            assert!(
                !before.is_terminal() || after.state().is_terminal(),
                "{path:?} then {name}"
            );
            assert_eq!(
                after.is_live(),
                !after.state().is_terminal(),
                "{path:?} then {name}"
            );
        }
    }
}

#[test]
fn a_stop_waits_for_its_trigger() {
    for (path, end) in [
        (&[][..], "flight"),
        (&["accepted"], "untriggered"),
        (&["triggered"], "working"),
        (&["accepted", "triggered"], "working"),
        (&["part"], "partial"),
        (&["accepted", "cancel"], "cancelling"),
        (&["accepted", "cancel", "too-late"], "untriggered"),
        (&["unknown"], "unresolved"),
    ] {
        let orders = orders_after(stop(), path);
        assert_eq!(label(&orders.get(&id(0)).unwrap().state()), end, "{path:?}");
    }
}

#[test]
fn a_name_is_used_once_even_after_it_is_forgotten() {
    let mut orders = Orders::new(1);
    for n in 0..300 {
        orders
            .sent(&intent(n, Side::Buy, OrderKind::Market), NOW)
            .unwrap();
        let outcome = orders.apply(&AccountEvent::Cancelled { order: id(n) }, NOW);
        assert!(outcome.ended);
    }
    assert_eq!(orders.ended().count(), 250);
    assert!(orders.get(&id(0)).is_none() && orders.get(&id(299)).is_some());
    for n in [0, 299] {
        let again = orders.sent(&intent(n, Side::Buy, OrderKind::Market), NOW);
        assert!(again.is_err(), "{n}");
    }
    assert_eq!(orders.n_sent(), 300);
    let late = orders.apply(&fill(0, "late", "1"), NOW);
    assert_eq!(late.incident, Some(Incident::FillAfterEnd { was: None }));
    let ack = orders.apply(&AccountEvent::Accepted { order: id(0) }, NOW);
    assert_eq!(ack.incident, None);
}

#[test]
fn late_fills_count_and_are_reported() {
    let mut orders = orders_after(OrderKind::Market, &["accepted", "cancelled"]);
    let outcome = orders.apply(&fill(0, "late", "1"), NOW);
    assert!(outcome.changed && !outcome.ended);
    let was = Some(OrderState::Cancelled);
    assert_eq!(outcome.incident, Some(Incident::FillAfterEnd { was }));
    assert_eq!(orders.get(&id(0)).unwrap().filled(), qty("1"));
    let repeated = orders.apply(&fill(0, "late", "1"), NOW);
    assert_eq!(repeated, super::OrderOutcome::default());
    assert_eq!(orders.worst_case(BTC), (Qty::ZERO, Qty::ZERO));
}

#[test]
fn impossible_news_is_reported() {
    let mut orders = orders_after(OrderKind::Market, &["unknown", "never"]);
    let was = OrderState::NeverAccepted;
    let sighted = orders.apply(&event("accepted").unwrap(), NOW);
    assert_eq!(sighted.incident, Some(Incident::SightedAfterEnd { was }));
    assert!(!orders.get(&id(0)).unwrap().is_live());

    let mut orders = orders_after(OrderKind::Market, &["part"]);
    let over = orders.apply(&fill(0, "f", "3"), NOW);
    let excess = qty("1");
    assert_eq!(over.incident, Some(Incident::Overfilled { excess }));
    assert_eq!(orders.get(&id(0)).unwrap().filled(), qty("3"));

    let stranger = orders.apply(&AccountEvent::Accepted { order: id(9) }, NOW);
    assert_eq!(stranger.incident, Some(Incident::UnknownOrder));
}

#[test]
fn worst_case_counts_what_may_still_fill_and_nothing_that_only_reduces() {
    let mut orders = Orders::new(1);
    let mut reducing = intent(2, Side::Sell, OrderKind::Market);
    reducing.spec.reduce_only = true;
    reducing.spec.purpose = Purpose::Exit;
    let mut guard = intent(3, Side::Sell, stop());
    guard.spec.reduce_only = true;
    guard.spec.purpose = Purpose::StopLoss;
    orders
        .sent(&intent(0, Side::Buy, OrderKind::Market), NOW)
        .unwrap();
    orders
        .sent(&intent(1, Side::Sell, OrderKind::Market), NOW)
        .unwrap();
    orders.sent(&reducing, NOW).unwrap();
    orders.sent(&guard, NOW).unwrap();
    assert_eq!(orders.worst_case(BTC), (qty("3"), qty("3")));
    assert_eq!(orders.pending(BTC, LegId(0)).to_string(), "-3");
    assert_eq!(orders.in_flight_or_working(BTC, LegId(0)).count(), 4);
    assert_eq!(orders.in_flight_or_working(BTC, LegId(1)).count(), 0);
    play(&mut orders, "part");
    assert_eq!(orders.worst_case(BTC), (qty("2"), qty("3")));
    play(&mut orders, "unknown");
    assert_eq!(orders.worst_case(BTC), (qty("2"), qty("3")));
    play(&mut orders, "cancelled");
    assert_eq!(orders.worst_case(BTC), (Qty::ZERO, qty("3")));
    let live: Vec<_> = orders.live().map(|o| o.intent.id).collect();
    assert_eq!(live, [id(1), id(2), id(3)]);
    assert_eq!(orders.worst_case(InstrumentId(7)), (Qty::ZERO, Qty::ZERO));
}

#[test]
fn acceptance_and_average_are_kept() {
    let mut orders = orders_after(OrderKind::Market, &["unknown"]);
    assert_eq!(orders.get(&id(0)).unwrap().accepted_at, None);
    play(&mut orders, "part");
    let order = orders.get(&id(0)).unwrap();
    assert_eq!(order.accepted_at, Some(NOW));
    assert_eq!(order.average(), Some("100".parse().unwrap()));
    let mut done = orders_after(OrderKind::Market, &["full"]);
    assert!(!done.cancel_sent(&id(0), NOW), "nothing is left to cancel");
}

/// Any event for either of two orders; executions repeat on purpose.
fn any_event() -> impl Strategy<Value = AccountEvent> {
    let order = 0_usize..2;
    let causes = prop_oneof![Just("timeout"), Just("reset")];
    prop_oneof![
        order
            .clone()
            .prop_map(|n| AccountEvent::Accepted { order: id(n) }),
        order
            .clone()
            .prop_map(|n| AccountEvent::Triggered { order: id(n) }),
        order
            .clone()
            .prop_map(|n| AccountEvent::Cancelled { order: id(n) }),
        order
            .clone()
            .prop_map(|n| AccountEvent::CancelRejected { order: id(n) }),
        order.clone().prop_map(|n| AccountEvent::NotSent {
            order: id(n),
            cause: NotSent::Killed
        }),
        (order.clone(), causes).prop_map(|(n, c)| AccountEvent::Unknown {
            order: id(n),
            cause: c.to_owned()
        }),
        (order.clone(), any::<bool>()).prop_map(|(n, d)| AccountEvent::Rejected {
            order: id(n),
            reason: if d {
                RejectReason::DuplicateId
            } else {
                RejectReason::NoPrice
            },
        }),
        (order, 0_u32..6).prop_map(|(n, x)| fill(n, &format!("x{x}"), "0.75")),
    ]
}

fn check(orders: &Orders) {
    let open = |side| -> Qty {
        let live = orders.live().filter(|o| o.intent.spec.side == side);
        live.map(super::Order::open_qty).sum()
    };
    assert_eq!(orders.worst_case(BTC), (open(Side::Buy), open(Side::Sell)));
    for order in orders.live().chain(orders.ended()) {
        assert_eq!(order.is_live(), !order.state().is_terminal());
        assert!(order.filled() <= order.intent.spec.qty);
    }
    assert_eq!(orders.live().count() + orders.ended().count(), 2);
}

fn fold(events: &[AccountEvent]) -> Orders {
    let mut orders = Orders::new(1);
    orders
        .sent(&intent(0, Side::Buy, OrderKind::Market), NOW)
        .unwrap();
    orders.sent(&intent(1, Side::Sell, stop()), NOW).unwrap();
    orders.cancel_sent(&id(1), NOW);
    let mut dead = [false; 2];
    let mut ends = [0; 2];
    for event in events {
        let outcome = orders.apply(event, NOW);
        check(&orders);
        for n in 0..2 {
            let live = orders.get(&id(n)).unwrap().is_live();
            assert!(!(dead[n] && live), "a terminal order came back to life");
            ends[n] += u32::from(!dead[n] && !live && outcome.ended);
            dead[n] = !live;
        }
    }
    for n in 0..2 {
        assert_eq!(ends[n], u32::from(dead[n]), "an end is told exactly once");
    }
    orders
}

proptest! {
    #[test]
    fn any_permutation_and_repetition_gives_the_same_states(
        (events, shuffled) in proptest::collection::vec(any_event(), 0..24).prop_flat_map(|events| {
            let twice = [events.clone(), events.clone()].concat();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        let (straight, mixed) = (fold(&events), fold(&shuffled));
        for n in 0..2 {
            let (a, b) = (straight.get(&id(n)).unwrap(), mixed.get(&id(n)).unwrap());
            prop_assert_eq!(a.state(), b.state());
            prop_assert_eq!(a, b);
        }
        prop_assert_eq!(straight.worst_case(BTC), mixed.worst_case(BTC));
    }
}
