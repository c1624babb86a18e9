//! Made-up instruments and orders for the tests of this folder.

use std::str::FromStr;
use std::sync::Arc;

use super::Roster;
use crate::domain::{
    Category, ClientOrderId, Instrument, InstrumentId, Instruments, OrderKind, OrderSpec, Purpose,
    Side, Symbol, TimeInForce, TriggerPrice,
};
use crate::venue::broker::KnownOrder;

/// The linear instrument.
pub(super) const PERP: InstrumentId = InstrumentId(0);
/// The spot instrument of the same symbol.
pub(super) const SPOT: InstrumentId = InstrumentId(1);

pub(super) fn n<T: FromStr>(text: &str) -> T {
    text.parse().ok().unwrap()
}

fn instrument(category: Category) -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("100"),
        max_market_qty: n("50"),
        min_notional: n("5"),
        funding_hours: 8,
    }
}

pub(super) fn instruments() -> Instruments {
    Instruments::new(vec![
        instrument(Category::Linear),
        instrument(Category::Spot),
    ])
    .unwrap()
}

/// An order: `market` and `limit` buy, `reduce` and `stop` sell and may only reduce.
pub(super) fn spec(kind: &str) -> OrderSpec {
    let (trigger, by) = (n("60000"), TriggerPrice::Mark);
    let (side, reduce_only, kind) = match kind {
        "market" => (Side::Buy, false, OrderKind::Market),
        "reduce" => (Side::Sell, true, OrderKind::Market),
        "stop" => (Side::Sell, true, OrderKind::Stop { trigger, by }),
        _ => (
            Side::Buy,
            false,
            OrderKind::Limit {
                price: trigger,
                post_only: false,
            },
        ),
    };
    OrderSpec {
        instrument: PERP,
        side,
        qty: n("1"),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only,
        purpose: Purpose::Entry,
    }
}

/// A roster with orders such as `("a", "limit")`, expected at 64000.
pub(super) fn roster(orders: &[(&str, &str)]) -> Arc<Roster> {
    let roster = Arc::new(Roster::default());
    for (id, kind) in orders {
        roster.remember(KnownOrder {
            id: id.parse::<ClientOrderId>().unwrap(),
            spec: spec(kind),
            expected: Some(n("64000")),
        });
    }
    roster
}
