//! The line about the coin that a fee is taken in.

use rstest::rstest;
use tradeterm::domain::{AccountEvent, Fill, InstrumentId, Money, Qty, Rate, Side};
use tradeterm::venue::broker::RemoteBroker;

use crate::desk::{Desk, PERP, SPOT, at, buy, config, limit, n, price, sell};

/// A market in which a purchase at 59000 and a sale at 61000 rest and fill.
async fn venue(maker_bps: i64) -> Desk {
    let events = [
        price(0, PERP, "60000"),
        price(0, SPOT, "60000"),
        price(1_000, SPOT, "58000"),
        price(2_000, SPOT, "62000"),
        price(86_400_000, PERP, "60000"),
    ]
    .concat();
    let mut setup = config(events);
    setup.exchange.matcher.costs.maker = Rate::from_bps(maker_bps);
    Desk::with(setup).await
}

async fn fills(desk: &Desk, instrument: InstrumentId) -> Vec<Fill> {
    let events = desk.broker.executions(at(0)).await.unwrap();
    let fills = events.into_iter().filter_map(|event| match event {
        AccountEvent::Fill(fill) if fill.instrument == instrument => Some(fill),
        _ => None,
    });
    fills.collect()
}

/// Fee in quote coins and what is kept of the base coin.
fn paid(fill: &Fill) -> (Money, Qty) {
    (fill.fee, fill.withheld)
}

#[tokio::test]
async fn line_12_a_taker_on_spot_pays_in_what_it_gets() {
    let desk = venue(2).await;
    desk.place("tt-a-1", buy(SPOT, "0.5")).await;
    desk.place("tt-a-2", sell(SPOT, "0.2")).await;
    let fills = fills(&desk, SPOT).await;
    assert_eq!(fills[0].side, Side::Buy);
    // 0.055 % of 0.5.
    assert_eq!(paid(&fills[0]), (Money::ZERO, n("0.000275")));
    assert_eq!(fills[1].side, Side::Sell);
    // 0.055 % of 12000.
    assert_eq!(paid(&fills[1]), (n("6.6"), Qty::ZERO));
    // The balance is what was bought, less what was kept.
    let held = desk.broker.report(at(0)).await.unwrap();
    let held: Vec<String> = held.positions.iter().map(|p| p.size.to_string()).collect();
    assert_eq!(held, ["0.299725"]);
}

#[rstest]
#[case::fee(2)]
#[case::rebate(-1)]
#[tokio::test]
async fn line_12_a_makers_rebate_is_paid_the_other_way_round(#[case] maker_bps: i64) {
    let desk = venue(maker_bps).await;
    desk.place("tt-a-1", buy(SPOT, "0.5")).await;
    desk.place("tt-a-2", limit(SPOT, Side::Buy, "0.1", "59000"))
        .await;
    desk.place("tt-a-3", limit(SPOT, Side::Sell, "0.1", "61000"))
        .await;
    desk.pass(2_500).await;
    let fills = fills(&desk, SPOT).await;
    let sides: Vec<Side> = fills.iter().map(|fill| fill.side).collect();
    assert_eq!(sides, [Side::Buy, Side::Buy, Side::Sell]);
    let (bought, sold) = (paid(&fills[1]), paid(&fills[2]));
    if maker_bps > 0 {
        // 0.02 % of 0.1, and of 6100.
        assert_eq!(bought, (Money::ZERO, n("0.00002")));
        assert_eq!(sold, (n("1.22"), Qty::ZERO));
    } else {
        // 0.01 % of 5900 in the quote coin; of 0.1 in the base coin, which counts at its value.
        assert_eq!(bought, (n("-0.59"), Qty::ZERO));
        assert_eq!(sold, (n("-0.61"), Qty::ZERO));
    }
    assert!(desk.broker.take_strange().is_empty());
}

#[tokio::test]
async fn line_12_contracts_pay_in_the_settlement_coin() {
    let desk = venue(2).await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    desk.place("tt-a-2", sell(PERP, "0.5")).await;
    let fills = fills(&desk, PERP).await;
    // 0.055 % of half of 60000.1 and of 60000.
    assert_eq!(paid(&fills[0]), (n("16.5000275"), Qty::ZERO));
    assert_eq!(paid(&fills[1]), (n("16.5"), Qty::ZERO));
}
