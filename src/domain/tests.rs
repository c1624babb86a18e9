//! Names, times, rules, and the round trip of every word through text and bytes (S0-11, S2-49).

use rstest::rstest;

use super::*;

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: "0.1".parse().unwrap(),
        qty_step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
        max_qty: "1500".parse().unwrap(),
        max_market_qty: "150".parse().unwrap(),
        min_notional: "5".parse().unwrap(),
        funding_hours: 8,
    }
}

fn order(kind: OrderKind, qty: &str) -> OrderSpec {
    OrderSpec {
        instrument: InstrumentId(0),
        side: Side::Buy,
        qty: qty.parse().unwrap(),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only: false,
        purpose: Purpose::Entry,
    }
}

fn limit(price: &str) -> OrderKind {
    OrderKind::Limit {
        price: price.parse().unwrap(),
        post_only: false,
    }
}

#[rstest]
#[case::fits(OrderKind::Market, "0.001", None)]
#[case::off_the_step(
    OrderKind::Market,
    "0.0015",
    Some("quantity 0.0015 is not a multiple of the step 0.001")
)]
#[case::nothing(OrderKind::Market, "0", Some("quantity 0 is below the minimum 0.001"))]
#[case::too_large_for_the_market(
    OrderKind::Market,
    "150.001",
    Some("quantity 150.001 is above the maximum 150")
)]
#[case::a_limit_may_be_larger(limit("50000.1"), "150.001", None)]
#[case::off_the_tick(
    limit("50000.15"),
    "0.001",
    Some("price 50000.15 is not a multiple of the tick 0.1")
)]
#[case::too_cheap(limit("4999"), "0.001", Some("value 4.999 is below the minimum 5"))]
fn venue_rules(#[case] kind: OrderKind, #[case] qty: &str, #[case] expected: Option<&str>) {
    let verdict = instrument().check(&order(kind, qty), "50000".parse().unwrap());
    assert_eq!(verdict.err().map(|e| e.to_string()).as_deref(), expected);
}

#[test]
fn the_rest_of_a_position_can_always_be_closed() {
    let mut rules = instrument();
    rules.min_qty = "0.01".parse().unwrap();
    let mut rest = order(OrderKind::Market, "0.001");
    rest.reduce_only = true;
    assert_eq!(rules.check(&rest, "100".parse().unwrap()), Ok(()));
}

#[rstest]
#[case("")]
#[case("BTC USDT")]
#[case("BTC\u{1b}[2J")]
#[case("../../etc/passwd")]
#[case("ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567")]
fn what_is_no_symbol_is_refused(#[case] text: &str) {
    assert!(Symbol::new(text).is_err());
}

#[test]
fn order_ids_are_a_function_of_the_decision() {
    let bar = Timestamp::from_millis(1_772_409_600_000);
    let id = ClientOrderId::of_decision(7, bar, 'o', 0);
    assert_eq!(id, ClientOrderId::of_decision(7, bar, 'o', 0));
    assert_eq!(id.as_str(), "tt-0000000007-0mm8eww00-o0");
    let others = [
        ClientOrderId::of_decision(8, bar, 'o', 0),
        ClientOrderId::of_decision(7, bar.plus_millis(60_000), 'o', 0),
        ClientOrderId::of_decision(7, bar, 'c', 0),
        ClientOrderId::of_decision(7, bar, 'o', 1),
    ];
    assert!(others.iter().all(|other| *other != id));
    let longest = ClientOrderId::of_decision(u64::MAX, bar, 's', 999_999);
    assert!(
        longest.as_str().len() <= ClientOrderId::MAX_LEN,
        "{longest}"
    );
    assert_eq!(longest.as_str().parse::<ClientOrderId>().unwrap(), longest);
    assert!("a b".parse::<ClientOrderId>().is_err());
    assert!("x".repeat(37).parse::<ClientOrderId>().is_err());
}

#[test]
fn weeks_begin_on_monday_and_days_at_midnight_utc() {
    // 2026-03-01 was a Sunday.
    let sunday = Timestamp::from_millis(1_772_409_599_999);
    let monday = sunday.plus_millis(1);
    assert_eq!(
        (monday.day() - sunday.day(), monday.week() - sunday.week()),
        (1, 1)
    );
    assert_eq!(monday.millis_of_day(), 0);
    assert_eq!(monday.plus_millis(7 * 86_400_000 - 1).week(), monday.week());
    assert_eq!(monday.to_string(), "2026-03-02T00:00:00Z");
    assert_eq!(sunday.to_string(), "2026-03-01T23:59:59.999Z");
}

#[test]
fn intervals_are_the_served_ones() {
    let five: Interval = "5m".parse().unwrap();
    assert_eq!(five.millis(), 300_000);
    assert!(five.is_on_grid(Timestamp::from_millis(600_000)));
    assert!(!five.is_on_grid(Timestamp::from_millis(600_001)));
    let error = "7m".parse::<Interval>().unwrap_err().to_string();
    assert!(
        error.starts_with("unknown interval \"7m\": use one of 1m"),
        "{error}"
    );
}

#[test]
fn exposure_is_bounded() {
    assert_eq!(Exposure::new(Rate::ONE).unwrap(), Exposure::LONG);
    assert!(Exposure::new(Rate::from_raw(Rate::ONE.raw() + 1)).is_err());
    assert_eq!(
        (Exposure::SHORT.side(), Exposure::FLAT.side()),
        (Some(Side::Sell), None)
    );
}

fn round_trips<T>(value: &T)
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *value, "{text}");
    let bytes = postcard::to_allocvec(value).unwrap();
    assert_eq!(postcard::from_bytes::<T>(&bytes).unwrap(), *value);
}

#[test]
fn every_word_round_trips_through_text_and_bytes() {
    let at = Timestamp::from_millis(1_772_409_600_000);
    let id = ClientOrderId::of_decision(7, at, 's', 3);
    round_trips(&instrument());
    round_trips(&Bar {
        open_time: at,
        open: "60000".parse().unwrap(),
        high: "60001.5".parse().unwrap(),
        low: "59999.9".parse().unwrap(),
        close: "60000.1".parse().unwrap(),
        volume: "12.345".parse().unwrap(),
    });
    round_trips(&MarketEvent::Quote(Quote {
        instrument: InstrumentId(3),
        bid: "1".parse().unwrap(),
        bid_qty: "2".parse().unwrap(),
        ask: "3".parse().unwrap(),
        ask_qty: "4".parse().unwrap(),
    }));
    round_trips(&MarketEvent::Funding(Funding {
        instrument: InstrumentId(0),
        rate: "-0.000123".parse().unwrap(),
    }));
    round_trips(&Intent {
        id,
        leg: LegId(1),
        trace: 9,
        decided_at: at,
        spec: order(
            OrderKind::Stop {
                trigger: "55000".parse().unwrap(),
                by: TriggerPrice::Mark,
            },
            "0.04",
        ),
    });
    round_trips(&AccountEvent::Fill(Fill {
        exec_id: "tt-1-1".to_owned(),
        order: id,
        instrument: InstrumentId(0),
        side: Side::Sell,
        price: "55000".parse().unwrap(),
        qty: "0.04".parse().unwrap(),
        fee: "-0.001".parse().unwrap(),
        liquidity: Liquidity::Maker,
        kind: FillKind::Trade,
        at,
        expected: "55001".parse().unwrap(),
        withheld: Qty::ZERO,
    }));
    round_trips(&AccountEvent::Rejected {
        order: id,
        reason: RejectReason::InsufficientBalance {
            needed: "10".parse().unwrap(),
            available: "9.99".parse().unwrap(),
        },
    });
    round_trips(&KillLevel::Flatten);
    round_trips(&Mode::Testnet);
}
