//! What holds for any orders on any market.
//!
//! 1. The fills add up to the position, and every order fills at most what it asked for.
//! 2. A reduce-only fill never enlarges a position and never turns it.
//! 3. Spot is never short and never spends cash it does not have.
//! 4. Cash plus unrealised profit = start + value of what is held - what was paid for it - fees
//!    - funding, exactly.
//! 5. Execution ids are unique; every order that is not open has had its last word.
//! 6. The same calls give the same answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, BookUpdate, ClientOrderId, FillKind, Funding, InstrumentId,
    Interval, Level, MarketEvent, Money, OrderKind, OrderSpec, Price, PublicTrade, Purpose, Qty,
    Quote, Rate, Side, SignedQty, TimeInForce, Timestamp, TriggerPrice,
};
use tradeterm::venue::sim::matcher::Answers;
use tradeterm::venue::sim::{Matcher, Settings};

use super::desk::{MINUTE, PERP, SPOT, intent, matcher, n, settings};

#[derive(Debug, Clone)]
enum Act {
    Submit(OrderSpec),
    Cancel(usize),
    CancelAll,
    Market(MarketEvent),
    NextBar {
        instrument: InstrumentId,
        ohlc: [u32; 4],
        volume: u32,
        opened: bool,
    },
}

/// Price of so many ticks of 0.1.
fn ticks(count: u32) -> Price {
    Price::from_raw(i128::from(count) * 10_i128.pow(13)).unwrap()
}

/// Quantity of so many steps of 0.001.
fn steps(count: u32) -> Qty {
    Qty::from_raw(i128::from(count) * 10_i128.pow(5)).unwrap()
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn place() -> impl Strategy<Value = InstrumentId> {
    prop_oneof![3 => Just(PERP), 1 => Just(SPOT)]
}

fn price() -> std::ops::Range<u32> {
    900_u32..1100
}

fn kind() -> impl Strategy<Value = OrderKind> {
    let by = || prop_oneof![Just(TriggerPrice::Last), Just(TriggerPrice::Mark)];
    prop_oneof![
        3 => Just(OrderKind::Market),
        4 => (price(), prop::bool::weighted(0.2)).prop_map(|(p, post_only)| OrderKind::Limit {
            price: ticks(p),
            post_only
        }),
        1 => (price(), by()).prop_map(|(p, by)| OrderKind::Stop {
            trigger: ticks(p),
            by
        }),
        1 => (price(), by()).prop_map(|(p, by)| OrderKind::TakeProfit {
            trigger: ticks(p),
            by
        }),
    ]
}

fn order() -> impl Strategy<Value = OrderSpec> {
    let tif = prop_oneof![
        3 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok)
    ];
    (
        place(),
        side(),
        40_u32..6000,
        kind(),
        tif,
        prop::bool::weighted(0.25),
    )
        .prop_map(
            |(instrument, side, qty, kind, tif, reduce_only)| OrderSpec {
                instrument,
                side,
                qty: steps(qty),
                kind,
                tif,
                reduce_only,
                purpose: Purpose::Entry,
            },
        )
}

fn news() -> impl Strategy<Value = MarketEvent> {
    let level = || {
        (price(), 0_u32..3000).prop_map(|(p, q)| Level {
            price: ticks(p),
            qty: steps(q),
        })
    };
    let levels = || prop::collection::vec(level(), 0..4);
    prop_oneof![
        (place(), price(), 1_u32..20, 0_u32..3000).prop_map(|(instrument, p, gap, q)| {
            MarketEvent::Quote(Quote {
                instrument,
                bid: ticks(p),
                bid_qty: steps(q),
                ask: ticks(p + gap),
                ask_qty: steps(q / 2),
            })
        }),
        (place(), levels(), levels(), any::<bool>()).prop_map(
            |(instrument, bids, asks, snapshot)| {
                MarketEvent::Book(BookUpdate {
                    instrument,
                    snapshot,
                    update_id: 1,
                    bids,
                    asks,
                })
            }
        ),
        (place(), price(), 1_u32..3000, side()).prop_map(|(instrument, p, q, taker)| {
            MarketEvent::Trade(PublicTrade {
                instrument,
                price: ticks(p),
                qty: steps(q),
                taker,
            })
        }),
        price().prop_map(|p| MarketEvent::Mark {
            instrument: PERP,
            price: ticks(p)
        }),
        (-30_i64..30).prop_map(|bps| MarketEvent::Funding(Funding {
            instrument: PERP,
            rate: Rate::from_bps(bps)
        })),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let bar = (
        place(),
        [price(), price(), price(), price()],
        0_u32..20_000,
        any::<bool>(),
    );
    prop_oneof![
        6 => order().prop_map(Act::Submit),
        1 => (0_usize..20).prop_map(Act::Cancel),
        1 => Just(Act::CancelAll),
        2 => news().prop_map(Act::Market),
        8 => bar.prop_map(|(instrument, ohlc, volume, opened)| Act::NextBar {
            instrument, ohlc, volume, opened,
        }),
    ]
}

fn play(
    settings: Settings,
    acts: &[Act],
) -> (Matcher, Answers, BTreeMap<ClientOrderId, OrderSpec>) {
    let (mut matcher, mut out) = (matcher(settings), Vec::new());
    let mut orders = BTreeMap::new();
    let mut at = Timestamp::default();
    for (i, act) in acts.iter().enumerate() {
        match act {
            Act::Submit(spec) => {
                let intent = intent(&format!("o{i}"), spec.clone());
                orders.insert(intent.id, spec.clone());
                matcher.submit(at.plus_millis(i64::from(i % 3 == 0)), &intent, &mut out);
            }
            Act::Cancel(number) => matcher.cancel(at, &n(&format!("o{number}")), &mut out),
            Act::CancelAll => matcher.cancel_all(at, None, &mut out),
            Act::Market(event) => matcher.on_market(at, event, &mut out),
            Act::NextBar {
                instrument,
                ohlc,
                volume,
                opened,
            } => {
                let bar = bar_of(at, *ohlc, *volume);
                if *opened {
                    let (instrument, price) = (*instrument, bar.open);
                    matcher.on_market(at, &MarketEvent::BarOpen { instrument, price }, &mut out);
                }
                at = at.plus_millis(MINUTE);
                let event = BarEvent {
                    instrument: *instrument,
                    interval: Interval::from_millis(MINUTE).unwrap(),
                    confirmed: true,
                    bar,
                };
                matcher.on_market(at, &MarketEvent::Bar(event), &mut out);
            }
        }
    }
    (matcher, out, orders)
}

fn bar_of(open_time: Timestamp, ohlc: [u32; 4], volume: u32) -> Bar {
    let [open, a, b, close] = ohlc;
    Bar {
        open_time,
        open: ticks(open),
        high: ticks(open.max(a).max(b).max(close)),
        low: ticks(open.min(a).min(b).min(close)),
        close: ticks(close),
        volume: steps(volume),
    }
}

/// Walks through the answers and checks every one against the ones before it.
#[derive(Default)]
struct Books {
    held: BTreeMap<InstrumentId, SignedQty>,
    paid: BTreeMap<InstrumentId, Money>,
    costs: Money,
    filled: BTreeMap<ClientOrderId, Qty>,
    ended: BTreeSet<ClientOrderId>,
    execs: BTreeSet<String>,
}

impl Books {
    fn read(&mut self, event: &AccountEvent, orders: &BTreeMap<ClientOrderId, OrderSpec>) {
        match event {
            AccountEvent::Fill(fill) => {
                assert!(self.execs.insert(fill.exec_id.clone()), "{}", fill.exec_id);
                assert!(
                    !self.ended.contains(&fill.order),
                    "{} after its end",
                    fill.exec_id
                );
                assert!(!fill.qty.is_zero());
                let held = self.held.entry(fill.instrument).or_default();
                let before = *held;
                let signed = fill.qty.signed(fill.side);
                *held += signed;
                *self.paid.entry(fill.instrument).or_default() += fill.price * signed;
                self.costs += fill.fee;
                if fill.kind == FillKind::Liquidation {
                    assert!(held.is_zero());
                    return;
                }
                let spec = &orders[&fill.order];
                let filled = self.filled.entry(fill.order).or_default();
                *filled += fill.qty;
                assert!(*filled <= spec.qty, "{} fills too much", fill.order);
                if *filled == spec.qty {
                    self.ended.insert(fill.order);
                }
                if spec.reduce_only {
                    assert!(held.abs() < before.abs(), "{} enlarges", fill.exec_id);
                    assert!(held.is_zero() || held.side() == before.side(), "turns");
                }
                if fill.instrument == SPOT {
                    assert!(held.side() != Some(Side::Sell), "short on spot");
                }
                if let Some(limit) = spec.kind.limit_price() {
                    match fill.side {
                        Side::Buy => assert!(fill.price <= limit),
                        Side::Sell => assert!(limit <= fill.price),
                    }
                }
            }
            AccountEvent::Funding { paid, .. } => self.costs += *paid,
            AccountEvent::Cancelled { order } | AccountEvent::Rejected { order, .. } => {
                assert!(self.ended.insert(*order), "{order} ends twice");
            }
            _ => {}
        }
    }
}

fn check(settings: Settings, acts: &[Act]) {
    let start = settings.cash;
    let (matcher, out, orders) = play(settings.clone(), acts);
    let mut books = Books::default();
    for (_, event) in &out {
        books.read(event, &orders);
    }
    let mut equity = start - books.costs;
    for instrument in [PERP, SPOT] {
        let held = books.held.get(&instrument).copied().unwrap_or_default();
        assert_eq!(held, matcher.position(instrument));
        let paid = books.paid.get(&instrument).copied().unwrap_or_default();
        equity += value(&matcher, instrument, held, acts) - paid;
    }
    assert_eq!(equity, matcher.equity());
    let totals = matcher.totals();
    assert_eq!(totals.fees + totals.funding, books.costs);
    let open: BTreeSet<_> = matcher.orders().map(|order| order.id).collect();
    for id in orders.keys() {
        assert_ne!(open.contains(id), books.ended.contains(id), "{id}");
    }
    assert_eq!(play(settings, acts).1, out);
}

/// What a position is worth: at its newest mark, else its last known price, else its entry.
fn value(matcher: &Matcher, instrument: InstrumentId, held: SignedQty, acts: &[Act]) -> Money {
    if held.is_zero() {
        return Money::ZERO;
    }
    let mark = acts.iter().rev().find_map(|act| match act {
        Act::Market(MarketEvent::Mark { price, .. }) if instrument == PERP => Some(*price),
        _ => None,
    });
    let entry = || matcher.positions().find(|p| p.instrument == instrument);
    mark.or_else(|| matcher.reference(instrument))
        .or_else(|| entry().map(|position| position.entry))
        .unwrap()
        * held
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s0_13_the_books_always_balance(acts in prop::collection::vec(act(), 1..80)) {
        check(Settings { participation: Some(n("0.1")), ..settings() }, &acts);
    }

    #[test]
    fn s0_13_the_books_balance_on_the_edge_of_ruin(acts in prop::collection::vec(act(), 1..80)) {
        check(Settings { cash: n("60"), ..settings() }, &acts);
    }
}
