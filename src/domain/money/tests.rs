//! Exactness, grids and text (S0-11, S0-23, S1-14, S1-15, S2-49).

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

#[rstest]
#[case("60026.5", "60026.5")]
#[case("0.0000000000001", "0.0000000000001")]
#[case("1e-5", "0.00001")]
#[case("2.50E3", "2500")]
#[case("+7.", "7")]
#[case(".5", "0.5")]
#[case("0", "0")]
fn prices_read_and_write(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(price(text).to_string(), expected);
}

#[rstest]
#[case::nothing("", "\"\" is not a decimal number")]
#[case::word("NaN", "\"NaN\" is not a decimal number")]
#[case::infinite("inf", "\"inf\" is not a decimal number")]
#[case::two_points("1.2.3", "\"1.2.3\" is not a decimal number")]
#[case::grouped("60,000", "\"60,000\" is not a decimal number")]
#[case::huge("1e400", "\"1e400\" is too large")]
#[case::forty_digits(
    "1234567890123456789012345678901234567890",
    "\"1234567890123456789012345678901234567890\" is too large"
)]
#[case::too_fine(
    "0.000000000000001",
    "\"0.000000000000001\" has more than 14 decimal places"
)]
#[case::negative("-1", "\"-1\" is negative")]
fn what_is_no_price_is_said(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(text.parse::<Price>().unwrap_err().to_string(), expected);
}

#[test]
fn volumes_round_float_noise_and_amounts_do_not() {
    assert_eq!(
        Qty::parse_volume("0.30000000000000004").unwrap(),
        qty("0.3")
    );
    assert!("0.30000000000000004".parse::<Qty>().is_err());
}

#[test]
fn price_times_quantity_is_exact() {
    assert_eq!(
        price("60026.5") * qty("0.041"),
        "2461.0865".parse().unwrap()
    );
    // The finest tick times the finest step still fits.
    let least = price("0.0000000000001") * qty("0.00000001");
    assert_eq!(least.to_string(), "0.000000000000000000001");
}

#[rstest]
#[case("2461.0865", "0.00055", "1.353597575")]
#[case("-100", "0.0002", "-0.02")]
#[case("100", "-0.0001", "-0.01")]
fn fees_are_exact(#[case] value: &str, #[case] rate: &str, #[case] expected: &str) {
    let value: Money = value.parse().unwrap();
    assert_eq!(
        value * rate.parse::<Rate>().unwrap(),
        expected.parse().unwrap()
    );
}

#[rstest]
#[case("1234.5", 2, "1234.50")]
#[case("-0.005", 2, "-0.01")]
#[case("0.004", 2, "0.00")]
#[case("-1.25", 0, "-1")]
fn fixed_places_round_half_away(#[case] value: &str, #[case] places: usize, #[case] text: &str) {
    let value: Money = value.parse().unwrap();
    assert_eq!(format!("{value:.places$}"), text);
}

#[test]
fn formatting_obeys_width_and_sign() {
    let value: Money = "12.5".parse().unwrap();
    assert_eq!(
        format!("{value:>8.2}|{value:<8.2}|{value:+.2}"),
        "   12.50|12.50   |+12.50"
    );
}

#[test]
fn files_give_numbers_as_text_or_as_numbers() {
    #[derive(serde::Deserialize)]
    struct Row {
        a: Price,
        b: Rate,
        c: Money,
    }
    let row: Row = serde_json::from_str(r#"{"a": "0.1", "b": 0.00055, "c": 25000}"#).unwrap();
    assert_eq!((row.a, row.b), (price("0.1"), "0.00055".parse().unwrap()));
    assert_eq!(row.c, "25000".parse().unwrap());
    assert_eq!(serde_json::to_string(&row.a).unwrap(), "\"0.1\"");
}

#[test]
fn floats_of_prices_are_what_a_parser_would_give() {
    for text in [
        "60026.5",
        "0.5781",
        "67312.4",
        "115793.1",
        "1999999.8",
        "0.00001234",
    ] {
        let parsed: f64 = text.parse().unwrap();
        assert_eq!(price(text).to_f64().to_bits(), parsed.to_bits(), "{text}");
    }
}

proptest! {
    #[test]
    fn text_round_trips(raw in 0_i128..1_000_000_000_000_000_000_000) {
        let price = Price::from_raw(raw).unwrap();
        prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
        let money = Money::from_raw(-raw);
        prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
    }

    #[test]
    fn postcard_round_trips(raw in any::<i64>()) {
        let money = Money::from_raw(i128::from(raw) << 40);
        let bytes = postcard::to_allocvec(&money).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Money>(&bytes).unwrap(), money);
    }

    /// Rounding down is on the grid, never above, and never a whole step below.
    #[test]
    fn floors_lie_on_the_grid(raw in 0_i128..10_i128.pow(24), step in 1_i128..10_i128.pow(14)) {
        let (price, step) = (Price::from_raw(raw).unwrap(), Price::from_raw(step).unwrap());
        let floor = price.floor_to(step);
        prop_assert_eq!(floor.raw() % step.raw(), 0);
        prop_assert!(floor <= price && price.raw() - floor.raw() < step.raw());
        let ceil = price.ceil_to(step);
        prop_assert!(price <= ceil && ceil.raw() - floor.raw() <= step.raw());
        prop_assert_eq!(ceil.raw() % step.raw(), 0);
    }

    /// What money buys at a price never costs more than the money.
    #[test]
    fn a_purchase_never_costs_more(cents in 0_i128..10_i128.pow(12), ticks in 1_i128..10_i128.pow(9)) {
        let money = Money::from_raw(cents * 10_i128.pow(20));
        let price = Price::from_raw(ticks * 10_i128.pow(10)).unwrap();
        let qty = money.quantity_at(price).unwrap();
        prop_assert!(price * qty <= money);
        let one_more = qty + Qty::from_raw(1).unwrap();
        prop_assert!(money < price * one_more);
    }

    /// The integers agree with `rust_decimal` wherever that is exact.
    #[test]
    fn products_agree_with_decimals(ticks in 0_i64..20_000_000, steps in 0_i64..1_000_000) {
        let price = Price::from_raw(i128::from(ticks) * 10_i128.pow(13)).unwrap();
        let qty = Qty::from_raw(i128::from(steps) * 10_i128.pow(5)).unwrap();
        let expected = price.to_decimal() * qty.to_decimal();
        prop_assert_eq!((price * qty).to_decimal(), expected.normalize());
    }

    #[test]
    fn distance_undoes_moving(ticks in 1_000_i128..10_i128.pow(9), bps in -9_000_i64..9_000) {
        let reference = Price::from_raw(ticks * 10_i128.pow(13)).unwrap();
        let moved = reference.moved(Rate::from_bps(bps));
        let distance = moved.distance(reference).unwrap();
        prop_assert!((distance.raw() - Rate::from_bps(bps).raw()).abs() <= 1);
    }
}

/// Whole numbers of every size, those around the edges of 32, 63, 64 and 96 bits often.
fn any_size() -> impl Strategy<Value = i128> {
    let edge = prop_oneof![
        Just(0_u32),
        Just(31),
        Just(32),
        Just(62),
        Just(63),
        Just(64),
        Just(95)
    ];
    prop_oneof![
        (edge, -3_i128..4).prop_map(|(bits, near)| (1_i128 << bits) + near),
        (0_u32..100, any::<u128>()).prop_map(|(bits, raw)| (raw >> (127 - bits)).cast_signed()),
    ]
}

proptest! {
    #[test]
    fn short_ways_of_arithmetic_lead_to_the_same(a in any_size(), b in any_size(), negative: bool) {
        let (size, by) = (a.abs(), b.abs().max(1));
        prop_assert_eq!(quotient(size, by), size / by);
        prop_assert_eq!(remainder(size, by), size % by);
        let signed = if negative { -a } else { a };
        prop_assert_eq!(per_one(signed), signed / i128::from(Rate::ONE.raw()));
        if let Some(expected) = size.checked_mul(signed) {
            prop_assert_eq!(product(size, signed), expected);
        }
        if let Some(expected) = by.checked_mul(signed) {
            prop_assert_eq!(product(by, signed), expected);
        }
    }
}

#[test]
fn the_largest_amounts_divide_as_well() {
    for raw in [
        i128::MAX,
        i128::MIN + 1,
        i128::from(u64::MAX),
        -i128::from(u64::MAX),
    ] {
        assert_eq!(per_one(raw), raw / i128::from(Rate::ONE.raw()), "{raw}");
    }
    let largest = i128::from(u64::MAX);
    assert_eq!(
        product(largest, i128::from(i64::MIN)),
        largest * i128::from(i64::MIN)
    );
}
