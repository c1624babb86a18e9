//! Fees, slippage, funding and liquidation, to the last digit.

use rstest::rstest;
use tradeterm::domain::{AccountEvent, Category, FillKind, Instruments, Side};
use tradeterm::venue::sim::{Costs, Matcher, Settings};

use super::desk::*;

#[test]
fn c_02_a_round_trip_costs_exactly_fee_and_slippage() {
    // 0.1 % fee and 0.1 % slippage, twice: bought at 1001, sold at 999.
    let costs = Costs {
        maker: n("0.001"),
        taker: n("0.001"),
        slippage: n("0.001"),
    };
    let mut desk = Desk::within_bar(
        Settings {
            costs,
            ..settings()
        },
        "1000",
        "100",
    );
    desk.send("in", market(Buy, "0.5"));
    desk.send("out", market(Sell, "0.5"));
    let totals = desk.matcher.totals();
    assert_eq!(totals.realised, n("-1"));
    assert_eq!(totals.fees, n("1"));
    assert_eq!(desk.cash(), "9998");
}

#[rstest]
#[case::taker("0.00055", "0.0002", market(Buy, "0.123"), "0.0067717650")]
#[case::maker("0.00055", "0.0002", limit(Buy, "0.123", "99"), "0.0024354")]
#[case::rebate("0.00055", "-0.0001", limit(Buy, "0.123", "99"), "-0.0012177")]
#[case::ten_places("0.0005512345", "0", market(Buy, "0.123"), "0.00678696453435")]
fn c_02_fees_are_exact(
    #[case] taker: &str,
    #[case] maker: &str,
    #[case] spec: tradeterm::domain::OrderSpec,
    #[case] fee: &str,
) {
    let costs = Costs {
        maker: n(maker),
        taker: n(taker),
        slippage: n("0.0005"),
    };
    let mut desk = Desk::within_bar(
        Settings {
            costs,
            ..settings()
        },
        "100",
        "100",
    );
    desk.matcher
        .submit(desk.at, &intent("a", spec), &mut Vec::new());
    desk.close(["100", "100", "98", "100"], "100");
    assert_eq!(desk.matcher.totals().fees, n(fee));
    assert_eq!(
        desk.matcher.cash(),
        n::<tradeterm::domain::Money>("10000") - n(fee)
    );
}

#[test]
fn costs_of_one_instrument_go_before_the_common_ones() {
    let mut own = settings();
    own.costs_of.insert(
        OTHER,
        Costs {
            maker: n("0"),
            taker: n("0.01"),
            slippage: n("0.02"),
        },
    );
    let mut desk = Desk::new(own);
    desk.open_on(OTHER, "100");
    assert_eq!(
        desk.send("a", market(Buy, "1").on(OTHER))[1],
        "fill a-1 buy 1 @ 102 taker fee 1.02"
    );
}

#[rstest]
#[case::long_pays(Buy, "0.0001", "0.02", "funding 0.02")]
#[case::short_receives(Sell, "0.0001", "-0.02", "funding -0.02")]
#[case::long_receives(Buy, "-0.0003", "-0.06", "funding -0.06")]
fn funding_moves_from_longs_to_shorts(
    #[case] side: Side,
    #[case] rate: &str,
    #[case] total: &str,
    #[case] line: &str,
) {
    let mut desk = Desk::within_bar(settings(), "100", "100");
    assert_eq!(desk.funding(rate), [""; 0], "flat");
    desk.send("a", market(side, "2"));
    let before = desk.matcher.cash();
    assert_eq!(desk.funding(rate), [line]);
    assert_eq!(desk.matcher.totals().funding, n(total));
    assert_eq!(before - desk.matcher.cash(), n(total));
}

#[test]
fn funding_is_on_the_mark_when_one_is_known() {
    let mut desk = Desk::within_bar(settings(), "100", "100");
    desk.send("a", market(Buy, "1"));
    desk.mark("200");
    assert_eq!(desk.funding("0.01"), ["funding 2"]);
}

fn thin() -> Settings {
    let free = Costs {
        maker: n("0"),
        taker: n("0"),
        slippage: n("0"),
    };
    Settings {
        cash: n("100"),
        costs: free,
        ..settings()
    }
}

#[rstest]
// Ten pieces from 100 on a cash of 100: at P the equity is 100 + 10 (P - 100), the maintenance
// 0.05 P, so the account is lost at or below 900 / 9.95 = 90.45...
#[case::alive("90.5", "10")]
#[case::lost("90.4", "0")]
fn liquidation_comes_when_equity_meets_maintenance(#[case] low: &str, #[case] held: &str) {
    let mut desk = Desk::within_bar(thin(), "100", "100");
    desk.send("a", market(Buy, "10"));
    desk.send("rest", limit(Buy, "0.1", "50").reduce());
    desk.close(["100", "100", low, "100"], "100");
    assert_eq!(desk.held(PERP), held);
}

#[test]
fn s0_47_liquidation_cancels_and_closes_everything_linear_at_that_price() {
    let mut desk = Desk::within_bar(thin(), "100", "100");
    desk.open_on(OTHER, "10");
    desk.send("a", market(Sell, "5"));
    desk.send("b", market(Buy, "1").on(OTHER));
    desk.send("c", limit(Buy, "1", "9").on(OTHER));
    desk.send("sl", stop(Buy, "5", "150").reduce());
    let mut out = Vec::new();
    let price = n("120");
    let event = tradeterm::domain::MarketEvent::BarOpen {
        instrument: PERP,
        price,
    };
    desk.matcher.on_market(desk.at, &event, &mut out);
    let lines: Vec<_> = out.iter().map(|(_, event)| line(event)).collect();
    assert_eq!(
        lines,
        [
            "cancelled sl",
            "cancelled c",
            "fill liq-0-1 buy 5 @ 120 taker fee 0",
            "fill liq-2-2 sell 1 @ 10 taker fee 0"
        ]
    );
    for (_, event) in &out {
        if let AccountEvent::Fill(fill) = event {
            assert_eq!(fill.kind, FillKind::Liquidation);
        }
    }
    assert!(desk.matcher.account().is_flat());
    assert_eq!(desk.cash(), "0");
}

#[test]
fn a_low_from_before_the_position_does_not_liquidate_it() {
    let mut desk = Desk::within_bar(thin(), "100", "100");
    desk.at = desk.at.plus_millis(1);
    desk.send("a", market(Buy, "10"));
    desk.close(["100", "100", "50", "100"], "100");
    assert_eq!(desk.held(PERP), "10");
}

#[test]
fn once_a_mark_is_known_only_marks_liquidate() {
    let mut desk = Desk::within_bar(thin(), "100", "100");
    desk.send("a", market(Buy, "10"));
    desk.mark("100");
    desk.trade("50", "1", Sell);
    desk.close(["100", "100", "40", "50"], "100");
    assert_eq!(desk.held(PERP), "10");
    assert_eq!(desk.mark("90"), ["fill liq-0-1 sell 10 @ 90 taker fee 0"]);
}

#[test]
fn a_stop_before_the_liquidation_price_saves_the_account() {
    let mut desk = Desk::within_bar(thin(), "100", "100");
    desk.send("a", market(Buy, "10"));
    desk.send("sl", stop(Sell, "10", "95").reduce());
    assert_eq!(
        desk.close(["100", "100", "50", "60"], "100")[1],
        "fill sl-1 sell 10 @ 95 taker fee 0"
    );
    assert_eq!(desk.cash(), "50");
}

#[test]
fn spot_moves_the_whole_value_and_is_worth_its_price() {
    let mut desk = Desk::new(settings());
    desk.open_on(SPOT, "100");
    desk.send("a", market(Buy, "2").on(SPOT));
    assert_eq!(desk.cash(), "9799.68989");
    assert_eq!(desk.matcher.equity(), n("9999.68989"));
    desk.send("b", market(Sell, "2").on(SPOT));
    assert_eq!(desk.held(SPOT), "0");
    // Twice 0.1 slippage on two pieces, and both fees.
    assert_eq!(desk.cash(), "9999.38");
    assert_eq!(desk.matcher.totals().realised, n("-0.4"));
}

#[test]
fn a_spot_purchase_fills_only_what_the_cash_covers() {
    let table = vec![instrument("BTCUSDT", Category::Spot, "USDT")];
    let mut matcher = Matcher::new(
        Instruments::new(table).unwrap(),
        Settings {
            cash: n("1000"),
            ..settings()
        },
    )
    .unwrap();
    let mut out = Vec::new();
    let at = tradeterm::domain::Timestamp::default();
    let open = |matcher: &mut Matcher, price: &str, out: &mut _| {
        let (instrument, price) = (PERP, n(price));
        let event = tradeterm::domain::MarketEvent::BarOpen { instrument, price };
        matcher.on_market(at, &event, out);
    };
    open(&mut matcher, "100", &mut out);
    // A stop is reserved at its trigger, and the gap makes it dearer.
    matcher.submit(at, &intent("a", stop(Buy, "9", "110")), &mut out);
    open(&mut matcher, "200", &mut out);
    let lines: Vec<_> = out.iter().map(|(_, event)| line(event)).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[3], "cancelled a");
    assert_eq!(matcher.position(PERP), n("4.994"));
    assert!(n::<tradeterm::domain::Money>("0") <= matcher.cash());
}
