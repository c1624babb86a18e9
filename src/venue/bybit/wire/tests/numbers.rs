//! Numbers, flags and names as single values.

use proptest::prelude::*;
use rstest::rstest;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::names::{
    ExecType, OrderStatus, OrderType, PositionIdx, WireCategory, WireSide, interval_name,
    interval_of,
};
use super::super::number::{flag, int_opt, need, opt, seen, seen_opt};
use super::super::{Field, WireError, from_json};
use super::{at, decimal, price, qty, rate};
use crate::domain::{Category, FillKind, Interval, Price, Qty, Rate, Side, Timestamp};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Exactly {
    #[serde(with = "need")]
    price: Price,
    #[serde(default, with = "opt")]
    qty: Option<Qty>,
}

#[rstest]
#[case::texts(r#"{"price":"63982.70","qty":"0.001"}"#, "63982.7", Some("0.001"))]
#[case::numbers(r#"{"price":63982.7,"qty":3}"#, "63982.7", Some("3"))]
#[case::scientific(r#"{"price":"1e-8","qty":"2E3"}"#, "0.00000001", Some("2000"))]
#[case::zero_is_a_number(r#"{"price":"0","qty":"0"}"#, "0", Some("0"))]
#[case::empty_is_none(r#"{"price":"1","qty":""}"#, "1", None)]
#[case::null_is_none(r#"{"price":"1","qty":null}"#, "1", None)]
#[case::absent_is_none(r#"{"price":"1"}"#, "1", None)]
#[case::unknown_fields(r#"{"new":{"a":[1,{}]},"price":"1"}"#, "1", None)]
fn exact_numbers(#[case] text: &str, #[case] p: &str, #[case] q: Option<&str>) {
    let expected = Exactly {
        price: price(p),
        qty: q.map(qty),
    };
    assert_eq!(from_json(text), Ok(expected));
}

#[rstest]
#[case::not_a_number(r#"{"price":"NaN"}"#, "price", "NaN", "is not a decimal number")]
#[case::infinite(
    r#"{"price":"Infinity"}"#,
    "price",
    "Infinity",
    "is not a decimal number"
)]
#[case::huge_text(r#"{"price":"1e400"}"#, "price", "1e400", "too large")]
#[case::huge_number(r#"{"price":1e400}"#, "price", "1e400", "out of range")]
#[case::forty_digits(
    r#"{"price":"1234567890123456789012345678901234567890"}"#,
    "price",
    "1234567890123456789012345678901234567890",
    "too large"
)]
#[case::forty_places(
    r#"{"price":"0.1234567890123456789012345678901234567890"}"#,
    "price",
    "0.1234567890123456789012345678901234567890",
    "too large"
)]
#[case::too_fine(
    r#"{"price":"0.123456789012345"}"#,
    "price",
    "0.123456789012345",
    "more than 14"
)]
#[case::negative(r#"{"price":"-1"}"#, "price", "-1", "is negative")]
#[case::negative_number(r#"{"price":-1}"#, "price", "-1", "is negative")]
#[case::needed(r#"{"price":""}"#, "price", "", "needed")]
#[case::missing(r#"{"qty":"1"}"#, "message", "", "missing field `price`")]
#[case::a_list(r#"{"price":["1"]}"#, "price[0]", "", "invalid type")]
#[case::second_field(r#"{"price":"1", "qty" : "1,5" }"#, "qty", "1,5", "not a decimal")]
#[case::lines("{\n \"price\":\n  \"x\"\n}", "price", "x", "not a decimal")]
#[case::hostile("{\"price\":\"\u{9b}31m\"}", "price", "\u{fffd}31m", "not a decimal")]
fn unusable_numbers_name_field_and_value(
    #[case] text: &str,
    #[case] field: &str,
    #[case] value: &str,
    #[case] problem: &str,
) {
    let error = from_json::<Exactly>(text).unwrap_err();
    let WireError::Field {
        field: found,
        value: cut,
        problem: told,
    } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!((found.as_str(), cut.as_str()), (field, value), "{error}");
    assert!(told.contains(problem), "{error}");
    assert!(!error.to_string().contains('\u{9b}'), "{error}");
}

#[test]
fn long_values_are_cut() {
    let text = format!(r#"{{"price":"{}"}}"#, "7".repeat(100_000));
    let error = from_json::<Exactly>(&text).unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
}

#[derive(Debug, PartialEq, Deserialize)]
struct Observed {
    #[serde(with = "seen")]
    price: Price,
    #[serde(default, with = "seen_opt")]
    volume: Option<Qty>,
    #[serde(default, with = "seen_opt")]
    rate: Option<Rate>,
    #[serde(default, with = "seen_opt")]
    value: Option<Decimal>,
}

#[test]
fn observations_lose_what_the_types_cannot_hold() {
    let text = r#"{"price":"0.000010912345678999","volume":"0.300000000000004",
        "rate":"-0.00012345678999","value":"351765620.75899866"}"#;
    let expected = Observed {
        price: price("0.00001091234567"),
        volume: Some(qty("0.3")),
        rate: Some(rate("-0.0001234567")),
        value: Some(decimal("351765620.75899866")),
    };
    assert_eq!(from_json(text), Ok(expected));
    for bad in ["NaN", "-1", "1.2.3", "1e400", "", "0.1.23456789012345678"] {
        let text = format!(r#"{{"price":"{bad}"}}"#);
        assert!(from_json::<Observed>(&text).is_err(), "{bad}");
    }
    for bad in ["NaN", "1e400", &"9".repeat(40), "--1", "1e", "0x10"] {
        let text = format!(r#"{{"price":"1","value":"{bad}"}}"#);
        let error = from_json::<Observed>(&text).unwrap_err();
        assert!(error.to_string().starts_with("value: "), "{error}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Default)]
struct Loose {
    #[serde(default, with = "int_opt")]
    seq: Option<i64>,
    #[serde(default, with = "opt")]
    time: Option<Timestamp>,
    #[serde(default, with = "flag")]
    on: Option<bool>,
    #[serde(default, with = "opt")]
    id: Option<String>,
    #[serde(default, with = "opt")]
    side: Option<WireSide>,
    #[serde(default, with = "int_opt")]
    idx: Option<PositionIdx>,
}

#[rstest]
#[case(r#"{"seq":"-1"}"#, Loose { seq: Some(-1), ..Loose::default() })]
#[case(r#"{"seq":150712148849382}"#, Loose { seq: Some(150_712_148_849_382), ..Loose::default() })]
#[case(r#"{"seq":""}"#, Loose::default())]
#[case(r#"{"time":"1701364262555"}"#, Loose { time: Some(at(1_701_364_262_555)), ..Loose::default() })]
#[case(r#"{"time":1701364262555}"#, Loose { time: Some(at(1_701_364_262_555)), ..Loose::default() })]
#[case(r#"{"on":"false","id":1777911594330512999}"#,
    Loose { on: Some(false), id: Some("1777911594330512999".into()), ..Loose::default() })]
#[case(r#"{"on":1,"id":""}"#, Loose { on: Some(true), ..Loose::default() })]
#[case(r#"{"side":"","idx":"2"}"#, Loose { idx: Some(PositionIdx::Short), ..Loose::default() })]
#[case(r#"{"side":"Both","idx":7}"#, Loose {
    side: Some(WireSide::Unknown("Both".into())), idx: Some(PositionIdx::Unknown(7)), ..Loose::default()
})]
fn loose_values(#[case] text: &str, #[case] expected: Loose) {
    assert_eq!(from_json(text), Ok(expected));
}

#[rstest]
#[case(r#"{"seq":"1.5"}"#, "seq: \"1.5\" is not a whole number")]
#[case(r#"{"seq":1e30}"#, "seq: ")]
#[case(r#"{"time":"soon"}"#, "time: \"soon\" is not a time in milliseconds")]
#[case(r#"{"on":"maybe"}"#, "on: \"maybe\" is neither true nor false")]
#[case(r#"{"idx":"long"}"#, "idx: \"long\" is not a whole number")]
fn loose_values_that_are_none(#[case] text: &str, #[case] message: &str) {
    let error = from_json::<Loose>(text).unwrap_err().to_string();
    assert!(error.starts_with(message), "{error}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Changes {
    #[serde(default, skip_serializing_if = "Field::is_absent")]
    last: Field<Price>,
}

#[test]
fn a_field_is_absent_empty_or_a_value() {
    let read = |text: &str| from_json::<Changes>(text).unwrap().last;
    assert_eq!(read("{}"), Field::Absent);
    assert_eq!(read(r#"{"last":""}"#), Field::Empty);
    assert_eq!(read(r#"{"last":null}"#), Field::Empty);
    assert_eq!(read(r#"{"last":"0"}"#), Field::Value(Price::ZERO));
    for text in ["{}", r#"{"last":""}"#, r#"{"last":"1.5"}"#] {
        let changes: Changes = from_json(text).unwrap();
        assert_eq!(serde_json::to_string(&changes).unwrap(), text);
    }
    let mut held = Field::Value(price("1"));
    held.update(Field::Absent);
    assert_eq!(held.value(), Some(&price("1")));
    held.update(Field::Empty);
    assert_eq!(held.value(), None);
    held.update(Field::Value(price("2")));
    assert_eq!(held, Field::Value(price("2")));
}

#[test]
fn unknown_names_are_kept_and_written_back() {
    let read = |text: &str| from_json::<OrderStatus>(&format!("{text:?}")).unwrap();
    assert_eq!(read("New"), OrderStatus::New);
    let strange = read("Teleported");
    assert_eq!(strange, OrderStatus::Unknown("Teleported".into()));
    assert_eq!(serde_json::to_string(&strange).unwrap(), "\"Teleported\"");
    assert!(!strange.is_open() && !strange.is_final());
    assert_eq!(OrderType::from("UNKNOWN").as_str(), "UNKNOWN");
    assert_eq!(WireCategory::from("inverse").to_domain(), None);
    assert_eq!(WireCategory::from(Category::Spot).as_str(), "spot");
    assert_eq!(WireSide::from("Sell").to_domain(), Some(Side::Sell));
    assert_eq!(WireSide::from("sell").to_domain(), None);
}

#[rstest]
#[case("New", true, false)]
#[case("PartiallyFilled", true, false)]
#[case("Untriggered", true, false)]
#[case("Triggered", true, false)]
#[case("Filled", false, true)]
#[case("Cancelled", false, true)]
#[case("PartiallyFilledCanceled", false, true)]
#[case("Rejected", false, true)]
#[case("Deactivated", false, true)]
#[case("Created", false, false)]
fn states(#[case] name: &str, #[case] is_open: bool, #[case] is_final: bool) {
    let status = OrderStatus::from(name);
    assert_eq!((status.is_open(), status.is_final()), (is_open, is_final));
}

#[rstest]
#[case("Trade", Some(FillKind::Trade))]
#[case("AdlTrade", Some(FillKind::Liquidation))]
#[case("BustTrade", Some(FillKind::Liquidation))]
#[case("Funding", None)]
#[case("Settle", None)]
#[case("Delivery", None)]
#[case("SomethingNew", None)]
fn kinds_of_executions(#[case] name: &str, #[case] kind: Option<FillKind>) {
    assert_eq!(ExecType::from(name).fill_kind(), kind);
}

#[test]
fn intervals_have_names_both_ways() {
    for (name, ours) in [("1", "1m"), ("60", "1h"), ("720", "12h"), ("D", "1d")] {
        let interval: Interval = ours.parse().unwrap();
        assert_eq!(interval_name(interval), name);
        assert_eq!(interval_of(name), Some(interval));
    }
    let all = "1m 3m 5m 15m 30m 1h 2h 4h 6h 12h 1d".split(' ');
    for interval in all.map(|text| text.parse::<Interval>().unwrap()) {
        assert_eq!(interval_of(interval_name(interval)), Some(interval));
    }
    for unknown in ["W", "M", "2", "", "5m"] {
        assert_eq!(interval_of(unknown), None);
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(raw in 0_i128..1_i128 << 80, small in 0_i128..1_i128 << 60) {
        let values = Exactly { price: Price::from_raw(raw).unwrap(), qty: Qty::from_raw(small) };
        let text = serde_json::to_string(&values).unwrap();
        prop_assert_eq!(from_json(&text), Ok(values));
    }

    #[test]
    fn no_text_makes_a_panic(text in "[-+0-9.eE_]{0,50}|.{0,20}") {
        let quoted = serde_json::to_string(&text).unwrap();
        let observed = format!(r#"{{"price":{quoted},"value":{quoted},"volume":{quoted}}}"#);
        let loose = format!(r#"{{"seq":{quoted},"time":{quoted},"on":{quoted},"idx":{quoted}}}"#);
        if let Ok(Exactly { price: read, .. }) = from_json(&observed) {
            prop_assert_eq!(text.trim().parse(), Ok(read));
        }
        if let Ok(read) = from_json::<Observed>(&observed) {
            let is_exact = text.parse::<Price>() == Ok(read.price);
            prop_assert!(is_exact || text.contains('.'), "{} became {}", text, read.price);
        }
        drop(from_json::<Loose>(&loose));
    }
}
