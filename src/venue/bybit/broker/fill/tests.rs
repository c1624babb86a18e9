//! One execution at a time: whose it is, what it is, what it cost.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::venue::bybit::broker::samples::{PERP, SPOT, instruments, n, roster};

/// An execution of linear with the fields of `other` in it.
fn execution(other: Value) -> Execution {
    let mut row = json!({
        "category": "linear", "symbol": "BTCUSDT", "orderId": "v-1", "orderLinkId": "a",
        "side": "Buy", "orderPrice": "64000", "orderQty": "1", "leavesQty": "0",
        "orderType": "Limit", "stopOrderType": "UNKNOWN", "createType": "CreateByUser",
        "execId": "e-1", "execType": "Trade", "execPrice": "64000.5", "execQty": "0.5",
        "execValue": "32000.25", "execFee": "17.6", "feeRate": "0.00055", "feeCurrency": "",
        "execTime": "1700000000123", "isMaker": false, "closedSize": "", "seq": 7,
    });
    let Value::Object(other) = other else {
        panic!("not an object")
    };
    for (name, value) in other {
        row[name] = value;
    }
    serde_json::from_value(row).unwrap()
}

/// What an execution tells an account that knows `a` (a buy) and `s` (a stop that sells).
fn tell(other: Value) -> Told {
    let roster = roster(&[("a", "limit"), ("s", "stop")]);
    let instruments = instruments();
    let teller = Teller {
        instruments: &instruments,
        roster: &roster,
    };
    teller.tell(&execution(other), None)
}

fn fill(other: Value) -> Fill {
    match tell(other) {
        Told {
            event: Some(AccountEvent::Fill(fill)),
            strange: None,
        } => fill,
        told => panic!("{told:?}"),
    }
}

fn strange_of(other: Value) -> StrangeEvent {
    let told = tell(other);
    assert_eq!(told.event, None);
    told.strange.unwrap()
}

#[test]
fn a_trade_of_ours_is_a_fill_with_what_was_expected() {
    assert_eq!(
        fill(json!({})),
        Fill {
            exec_id: "e-1".to_owned(),
            order: n("a"),
            instrument: PERP,
            side: Side::Buy,
            price: n("64000.5"),
            qty: n("0.5"),
            fee: n("17.6"),
            withheld: Qty::ZERO,
            liquidity: Liquidity::Taker,
            kind: FillKind::Trade,
            at: crate::domain::Timestamp::from_millis(1_700_000_000_123),
            expected: n("64000"),
        }
    );
    assert_eq!(fill(json!({"isMaker": true})).liquidity, Liquidity::Maker);
}

#[rstest]
#[case::unknown_name(json!({"orderLinkId": "web-7"}), FillKind::Foreign)]
#[case::our_prefix_unknown(json!({"orderLinkId": "tt-x-y-z"}), FillKind::Foreign)]
#[case::no_name(json!({"orderLinkId": ""}), FillKind::Foreign)]
#[case::block(json!({"orderLinkId": "", "execType": "BlockTrade"}), FillKind::Foreign)]
#[case::moved(json!({"orderLinkId": "", "execType": "MovePosition"}), FillKind::Foreign)]
#[case::adl(json!({"orderLinkId": "", "execType": "AdlTrade"}), FillKind::Adl)]
#[case::bust(json!({"orderLinkId": "", "execType": "BustTrade"}), FillKind::Liquidation)]
#[case::settle(json!({"orderLinkId": "", "execType": "Settle"}), FillKind::Settlement)]
#[case::delivery(json!({"orderLinkId": "", "execType": "Delivery"}), FillKind::Settlement)]
fn what_is_not_ours_has_a_name_of_its_own(#[case] other: Value, #[case] kind: FillKind) {
    let fill = fill(other);
    assert_eq!(fill.kind, kind);
    // The same order has the same name for ever: the first 8 bytes of the hash of "v-1".
    assert_eq!(fill.order.as_str(), "ext-5beaf05be853dd38");
    // Nothing was expected of it.
    assert_eq!(fill.expected, fill.price);
}

#[test]
fn different_orders_have_different_names() {
    let name = |id| fill(json!({"orderLinkId": "", "orderId": id})).order;
    assert_ne!(name("v-1"), name("v-2"));
    assert_eq!(name("v-2"), name("v-2"));
    assert_eq!(name("").as_str().len(), 20);
}

#[rstest]
#[case(json!({"createType": "CreateByStopOrder"}), true)]
#[case(json!({"createType": "CreateByStopLoss"}), true)]
#[case(json!({"createType": "CreateByPartialTakeProfit"}), true)]
#[case(json!({"createType": "", "stopOrderType": "StopLoss"}), true)]
// Nothing was closed: there was no position to protect.
#[case(json!({"createType": "CreateByStopOrder", "closedSize": "0"}), false)]
#[case(json!({"createType": "CreateByStopOrder", "closedSize": ""}), false)]
// Made by a person, or in the other direction.
#[case(json!({"createType": "CreateByUser"}), false)]
#[case(json!({"createType": "CreateByClosing"}), false)]
#[case(json!({"createType": "CreateByStopOrder", "side": "Buy"}), false)]
#[case(json!({"createType": "CreateByStopOrder", "orderLinkId": "web-7"}), false)]
fn what_the_venue_makes_of_our_protection_is_ours(#[case] mut other: Value, #[case] ours: bool) {
    for (name, value) in [("side", "Sell"), ("orderLinkId", ""), ("closedSize", "0.5")] {
        if other.get(name).is_none() {
            other[name] = json!(value);
        }
    }
    let fill = fill(other);
    let expected = if ours {
        ("s", FillKind::Trade)
    } else {
        ("ext-5beaf05be853dd38", FillKind::Foreign)
    };
    assert_eq!((fill.order.as_str(), fill.kind), expected);
}

#[test]
fn a_child_after_the_end_of_its_parent_is_foreign() {
    let roster = roster(&[("s", "stop")]);
    roster.ended(&n("s"));
    let instruments = instruments();
    let teller = Teller {
        instruments: &instruments,
        roster: &roster,
    };
    let row = execution(json!({"side": "Sell", "orderLinkId": "", "closedSize": "1",
        "createType": "CreateByStopOrder"}));
    let Some(AccountEvent::Fill(fill)) = teller.tell(&row, None).event else {
        panic!("no fill");
    };
    assert_eq!(fill.kind, FillKind::Foreign);
}

#[test]
fn an_order_is_ours_by_the_venues_name_where_it_has_no_other() {
    let roster = roster(&[("a", "limit")]);
    roster.met(&n("a"), "v-1");
    let instruments = instruments();
    let teller = Teller {
        instruments: &instruments,
        roster: &roster,
    };
    let row = execution(json!({"orderLinkId": ""}));
    let Some(AccountEvent::Fill(fill)) = teller.tell(&row, None).event else {
        panic!("no fill");
    };
    assert_eq!((fill.order.as_str(), fill.kind), ("a", FillKind::Trade));
}

/// Fee and part kept, as texts.
#[rstest]
#[case::linear(json!({}), "17.6", "0")]
#[case::linear_rebate(json!({"execFee": "-6.4"}), "-6.4", "0")]
#[case::linear_named(json!({"feeCurrency": "USDT"}), "17.6", "0")]
#[case::spot_buy(json!({"category": "spot", "execFee": "0.0005"}), "0", "0.0005")]
#[case::spot_buy_named(
    json!({"category": "spot", "execFee": "0.0005", "feeCurrency": "BTC"}), "0", "0.0005"
)]
// More digits than an amount has: what is kept is never less than it was.
#[case::spot_buy_fine(json!({"category": "spot", "execFee": "0.000000123"}), "0", "0.00000013")]
#[case::spot_sell(json!({"category": "spot", "side": "Sell", "execFee": "32.0"}), "32", "0")]
// A maker with a negative rate is paid in the other coin.
#[case::spot_buy_rebate(
    json!({"category": "spot", "isMaker": true, "feeRate": "-0.0001", "execFee": "-3.2"}),
    "-3.2", "0"
)]
#[case::spot_sell_rebate(
    json!({"category": "spot", "side": "Sell", "isMaker": true, "feeRate": "-0.0001",
        "execFee": "-0.0001"}),
    "-6.40005", "0"
)]
#[case::free(json!({"category": "spot", "execFee": "0"}), "0", "0")]
fn fees(#[case] other: Value, #[case] fee: &str, #[case] withheld: &str) {
    let is_spot = other.get("category").is_some();
    let fill = fill(other);
    assert_eq!(fill.instrument, if is_spot { SPOT } else { PERP });
    assert_eq!((fill.fee, fill.withheld), (n(fee), n(withheld)));
}

#[rstest]
#[case(json!({"category": "spot", "feeCurrency": "MNT", "execFee": "0.25"}), "0.25 MNT")]
#[case(json!({"feeCurrency": "USDC"}), "17.6 USDC")]
#[case(json!({"execFee": ""}), "no fee")]
fn a_fee_without_a_price_is_told_and_the_fill_counts(#[case] other: Value, #[case] text: &str) {
    let told = tell(other);
    let Some(AccountEvent::Fill(fill)) = told.event else {
        panic!("no fill");
    };
    assert_eq!((fill.fee, fill.withheld), (Money::ZERO, Qty::ZERO));
    let strange = told.strange.unwrap();
    assert_eq!(strange.kind, StrangeKind::Fee);
    assert!(strange.text.contains(text), "{}", strange.text);
}

#[rstest]
#[case("6.25", "0.0001")]
#[case("-6.25", "-0.0001")]
fn a_funding_has_a_name(#[case] amount: &str, #[case] rate: &str) {
    let told = tell(
        json!({"execType": "Funding", "orderType": "UNKNOWN", "orderQty": "0",
        "orderLinkId": "", "execFee": amount, "feeRate": rate, "execId": "f-1"}),
    );
    let expected = AccountEvent::Funding {
        instrument: PERP,
        paid: n(amount),
        rate: n(rate),
        payment: Some("f-1".to_owned()),
    };
    assert_eq!(told.event, Some(expected));
    assert_eq!(told.strange, None);
}

#[rstest]
#[case(json!({"execType": "LunarEclipse"}), "LunarEclipse")]
#[case(json!({"execType": "CorporateAction"}), "CorporateAction")]
#[case(json!({"execType": "Funding", "execFee": ""}), "without an amount")]
#[case(json!({"side": "None"}), "no side")]
#[case(json!({"side": ""}), "no side")]
#[case(json!({"execQty": "0"}), "no amount")]
#[case(json!({"execPrice": "0"}), "no price")]
#[case(json!({"execType": "x\u{1b}[2J\n"}), "x[2J")]
fn what_nobody_knows_is_told_as_it_came(#[case] other: Value, #[case] text: &str) {
    let strange = strange_of(other);
    assert_eq!(strange.kind, StrangeKind::Execution);
    assert_eq!(strange.instrument, Some(PERP));
    assert_eq!(strange.symbol, "BTCUSDT");
    assert!(strange.text.contains(text), "{}", strange.text);
    assert!(strange.text.contains("e-1"), "{}", strange.text);
    assert!(!strange.text.chars().any(char::is_control));
}

#[rstest]
#[case(json!({"symbol": "ETHUSDT"}))]
#[case(json!({"category": "inverse"}))]
#[case(json!({"category": "planet"}))]
#[case(json!({"category": ""}))]
fn what_is_traded_elsewhere_is_told(#[case] other: Value) {
    let strange = strange_of(other);
    assert_eq!(
        (strange.kind, strange.instrument),
        (StrangeKind::Elsewhere, None)
    );
}

#[test]
fn strange_things_are_told_once_and_fills_each_time() {
    let roster = roster(&[("a", "limit")]);
    let instruments = instruments();
    let teller = Teller {
        instruments: &instruments,
        roster: &roster,
    };
    let odd = execution(json!({"execType": "LunarEclipse"}));
    assert!(teller.tell(&odd, None).strange.is_some());
    assert!(teller.tell(&odd, None).strange.is_none());
    let other = execution(json!({"execType": "LunarEclipse", "execId": "e-2"}));
    assert!(teller.tell(&other, None).strange.is_some());
    let trade = execution(json!({}));
    assert_eq!(
        teller.tell(&trade, None).event,
        teller.tell(&trade, None).event
    );
    assert!(teller.tell(&trade, None).event.is_some());
}
