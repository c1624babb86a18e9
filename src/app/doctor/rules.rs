//! The venue's rules of an instrument against the ones that ship with the program, and against
//! the sizes that the settings lead to. Pure.

use rust_decimal::Decimal;

use super::access::Listed;
use super::check::Check;
use crate::domain::{Category, Instrument, Money, Price, Qty};
use crate::venue::bybit::wire::names::InstrumentStatus;

/// Whether the instrument can be traded now.
pub(super) fn status(found: &Listed) -> Check {
    let symbol = found.instrument.symbol.as_str();
    let category = found.instrument.category;
    if found.status == InstrumentStatus::Trading {
        return Check::ok("instrument", format!("{category}, trading")).about(symbol);
    }
    Check::failure(
        "instrument",
        format!("its state at the venue is {}, not Trading", found.status),
        "trade another symbol, or wait until the venue opens it",
    )
    .about(symbol)
}

/// The bundled rules against the venue's.
pub(super) fn bundled(ours: Option<&Instrument>, venue: &Instrument) -> Check {
    let symbol = venue.symbol.as_str();
    let Some(ours) = ours else {
        let why = "no rules ship with the program; a session takes the venue's";
        return Check::skipped("rules", why).about(symbol);
    };
    let mut differences = Vec::new();
    let mut compare = |name: &str, ours: String, venue: String| {
        if ours != venue {
            differences.push(format!("{name} {ours} here and {venue} at the venue"));
        }
    };
    let text = |value: &dyn ToString| value.to_string();
    compare("tick", text(&ours.tick), text(&venue.tick));
    compare("step", text(&ours.qty_step), text(&venue.qty_step));
    compare("smallest order", text(&ours.min_qty), text(&venue.min_qty));
    compare(
        "smallest value",
        text(&ours.min_notional),
        text(&venue.min_notional),
    );
    compare(
        "largest market order",
        text(&ours.max_market_qty),
        text(&venue.max_market_qty),
    );
    compare(
        "hours between fundings",
        text(&ours.funding_hours),
        text(&venue.funding_hours),
    );
    let check = if differences.is_empty() {
        Check::ok(
            "rules",
            format!("tick {}, step {}, as shipped", venue.tick, venue.qty_step),
        )
    } else {
        Check::warning(
            "rules",
            differences.join("; "),
            "backtests over recordings use the shipped rules: read their results with that in mind",
        )
    };
    check.about(symbol)
}

/// Leverage that is asked for against the largest one.
pub(super) fn leverage(wanted: u16, found: &Listed) -> Option<Check> {
    let symbol = found.instrument.symbol.as_str();
    let most = found.max_leverage?;
    if Decimal::from(wanted) <= most {
        return None;
    }
    let most = most.normalize();
    Some(
        Check::failure(
            "max-leverage",
            format!("venue.leverage is {wanted} and the venue allows at most {most}"),
            format!("set venue.leverage to at most {most}"),
        )
        .about(symbol),
    )
}

/// The smallest order that the venue takes at `price`: amount and value.
fn smallest(rules: &Instrument, price: Price) -> Option<(Qty, Money)> {
    let by_value = rules
        .min_notional
        .quantity_at(price)?
        .ceil_to(rules.qty_step);
    let mut qty = by_value.max(rules.min_qty).ceil_to(rules.qty_step);
    // The amount that the value buys is cut off, so one step may be missing.
    if price * qty < rules.min_notional {
        qty = (qty + rules.qty_step).ceil_to(rules.qty_step);
    }
    Some((qty, price * qty))
}

/// What a leg is about to order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Value of a full position.
    pub(super) full: Money,
    /// `risk.min_trade`.
    pub(super) min_trade: Money,
    /// A price of now.
    pub(super) price: Price,
}

/// The sizes of a leg against the venue's smallest and largest orders.
pub(super) fn sizes(rules: &Instrument, sizes: &Sizes) -> Check {
    let Sizes {
        full,
        min_trade,
        price,
    } = *sizes;
    let (base, coin) = (&rules.base, &rules.quote);
    let unknown = || Check::skipped("size", "there is no price").about(rules.symbol.as_str());
    let Some((qty, value)) = smallest(rules, price) else {
        return unknown();
    };
    let Some(full_qty) = full.quantity_at(price).map(|q| q.floor_to(rules.qty_step)) else {
        return unknown();
    };
    let least = format!("the venue's smallest order is {qty} {base} = {value:.2} {coin}");
    let check = if full_qty < qty {
        Check::failure(
            "size",
            format!("a full position is {full:.2} {coin}, and {least}: nothing would ever trade"),
            "raise account.capital or risk.max_position_pct, or trade another symbol",
        )
    } else if min_trade < value {
        Check::warning(
            "size",
            format!("risk.min_trade is {min_trade}, and {least}: smaller entries are refused"),
            format!("set risk.min_trade to {} or more", rounded_up(value)),
        )
    } else if rules.max_market_qty < full_qty {
        Check::warning(
            "size",
            format!(
                "a full position is {full_qty} {base}, and the largest market order is {}",
                rules.max_market_qty
            ),
            "lower account.capital or risk.max_position_pct",
        )
    } else {
        Check::ok(
            "size",
            format!("a full position is {full_qty} {base} = {full:.2} {coin}; {least}"),
        )
    };
    check.about(rules.symbol.as_str())
}

/// Whole units of money, up.
fn rounded_up(value: Money) -> String {
    value.to_decimal().ceil().to_string()
}

/// Whether an instrument of this market has leverage.
pub(super) const fn has_leverage(category: Category) -> bool {
    matches!(category, Category::Linear)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::app::doctor::Verdict::{self, Failure, Ok as Fine, Skipped, Warning};
    use crate::venue::sim::instruments::shipped;

    fn btc() -> Instrument {
        let table = shipped();
        let id = table.find("BTCUSDT", Category::Linear).unwrap();
        table.get(id).clone()
    }

    fn listing(status: InstrumentStatus) -> Listed {
        Listed {
            instrument: btc(),
            status,
            max_leverage: Some(Decimal::from(100)),
        }
    }

    #[test]
    fn only_trading_is_trading() {
        assert_eq!(status(&listing(InstrumentStatus::Trading)).verdict, Fine);
        for other in [
            InstrumentStatus::PreLaunch,
            InstrumentStatus::Delivering,
            InstrumentStatus::Closed,
            InstrumentStatus::Unknown("Auction".to_owned()),
        ] {
            let check = status(&listing(other.clone()));
            assert_eq!(check.verdict, Failure);
            assert!(check.detail.contains(other.as_str()), "{check:?}");
        }
    }

    #[test]
    fn rules_that_changed_are_named_with_both_values() {
        let check = bundled(Some(&btc()), &btc());
        assert_eq!(check.verdict, Fine);
        let mut venue = btc();
        venue.tick = "0.5".parse().unwrap();
        venue.min_notional = "10".parse().unwrap();
        let check = bundled(Some(&btc()), &venue);
        assert_eq!(check.verdict, Warning);
        assert_eq!(
            check.detail,
            "tick 0.1 here and 0.5 at the venue; smallest value 5 here and 10 at the venue"
        );
        assert_eq!(bundled(None, &venue).verdict, Skipped);
    }

    #[rstest]
    // Step and smallest order are 0.001 BTC, the smallest value is 5 USDT.
    #[case::fine(
        "2500",
        "100",
        "60000",
        Fine,
        "smallest order is 0.001 BTC = 60.00 USDT"
    )]
    #[case::exactly("60", "60", "60000", Fine, "a full position is 0.001 BTC")]
    #[case::too_little("59.99", "50", "60000", Failure, "nothing would ever trade")]
    #[case::min_trade("2500", "59.99", "60000", Warning, "risk.min_trade is 59.99")]
    #[case::by_value("100", "5", "1000", Fine, "smallest order is 0.005 BTC = 5.00 USDT")]
    #[case::by_value_up("100", "5.01", "999", Warning, "smallest order is 0.006 BTC")]
    #[case::too_much("10000000", "500", "60000", Warning, "largest market order is 150")]
    fn sizes_are_judged_by_amount_and_value(
        #[case] full: &str,
        #[case] min_trade: &str,
        #[case] price: &str,
        #[case] verdict: Verdict,
        #[case] part: &str,
    ) {
        let wanted = Sizes {
            full: full.parse().unwrap(),
            min_trade: min_trade.parse().unwrap(),
            price: price.parse().unwrap(),
        };
        let check = sizes(&btc(), &wanted);
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.detail.contains(part), "{check:?}");
    }

    #[test]
    fn the_remedy_for_small_entries_is_a_number_that_works() {
        let at = |min_trade: &str| {
            let wanted = Sizes {
                full: "2500".parse().unwrap(),
                min_trade: min_trade.parse().unwrap(),
                price: "60123.4".parse().unwrap(),
            };
            sizes(&btc(), &wanted)
        };
        let check = at("10");
        assert_eq!(check.verdict, Warning);
        assert!(check.remedy.contains("to 61 or more"), "{check:?}");
        assert_eq!(at("61").verdict, Fine);
    }

    #[test]
    fn leverage_above_the_largest_fails() {
        let listed = listing(InstrumentStatus::Trading);
        assert_eq!(leverage(100, &listed), None);
        assert_eq!(leverage(101, &listed).unwrap().verdict, Failure);
        let without = Listed {
            max_leverage: None,
            ..listed
        };
        assert_eq!(leverage(101, &without), None);
    }
}
