//! Invariants checked here: equity does not depend on the order or repetition of fills; the
//! running sums equal a computation from zero; average entry, realised profit and closed trades
//! equal a second, plain implementation in `rust_decimal`.

use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{ClosedTrade, Ledger};
use crate::domain::{
    Fill, FillKind, InstrumentId, LegId, Liquidity, Money, Price, Qty, Side, Timestamp,
};

const BTC: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const DAY: i64 = 86_400_000;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// A fill that was expected one below its price.
fn fill(n: usize, side: Side, qty: &str, at_price: &str, fee: &str) -> Fill {
    Fill {
        exec_id: format!("x{n}"),
        order: format!("o{n}").parse().unwrap(),
        instrument: BTC,
        side,
        price: price(at_price),
        qty: qty.parse().unwrap(),
        fee: money(fee),
        liquidity: Liquidity::Taker,
        kind: FillKind::Trade,
        at: at(1000 * i64::try_from(n).unwrap()),
        expected: Price::from_raw(price(at_price).raw() - price("1").raw()).unwrap_or_default(),
        withheld: Qty::ZERO,
    }
}

fn ledger() -> Ledger {
    Ledger::new(money("10000"), 2)
}

/// Applies `(side, qty, price, fee)` rows in order.
fn run(rows: &[(Side, &str, &str, &str)]) -> (Ledger, Vec<ClosedTrade>) {
    let mut ledger = ledger();
    let mut trades = Vec::new();
    for (n, (side, qty, at_price, fee)) in rows.iter().enumerate() {
        let outcome = ledger.apply_fill(&fill(n, *side, qty, at_price, fee), Some(LegId(3)));
        assert!(outcome.applied);
        trades.extend(outcome.closed);
    }
    (ledger, trades)
}

use Side::{Buy, Sell};

#[test]
fn a_long_round_trip_pays_its_fees() {
    let (ledger, trades) = run(&[(Buy, "2", "100", "0.2"), (Sell, "2", "110", "0.22")]);
    assert!(ledger.is_flat());
    assert_eq!(ledger.cash(), money("10019.58"));
    assert_eq!(ledger.equity(), money("10019.58"));
    assert_eq!(ledger.exposure(), Money::ZERO);
    let trade = &trades[0];
    assert_eq!((trade.side, trade.leg), (Buy, Some(LegId(3))));
    assert_eq!((trade.entry, trade.exit), (price("100"), price("110")));
    assert_eq!((trade.gross, trade.net), (money("20"), money("19.58")));
    assert_eq!((trade.opened, trade.closed), (at(0), at(1000)));
    assert_eq!(trade.held_ms(), 1000);
    // Bought one above expectation, sold one above it.
    assert_eq!(trade.slippage, Money::ZERO);
    assert_eq!(trade.n_fills, 2);
    assert_eq!(trade.order.as_str(), "o1");
}

#[test]
fn a_partial_close_leaves_the_entry_and_the_last_close_releases_the_rest() {
    // 301 / 3 does not end; nothing may be lost all the same.
    let (mut ledger, _) = run(&[(Buy, "1", "100", "0"), (Buy, "2", "100.5", "0")]);
    let entry = ledger.position(BTC).unwrap().entry;
    assert_eq!(entry, price("100.33333333333333"));
    let first = ledger.apply_fill(&fill(7, Sell, "1", "100", "0"), None);
    assert_eq!(first.realised, money("-0.33333333333333"));
    assert_eq!(ledger.position(BTC).unwrap().entry, entry);
    assert_eq!(ledger.position(BTC).unwrap().realised, first.realised);
    let last = ledger.apply_fill(&fill(8, Sell, "2", "100", "0"), None);
    assert_eq!(first.realised + last.realised, money("-1"));
    let trade = last.closed.unwrap();
    assert_eq!(
        (trade.gross, trade.qty),
        (money("-1"), "3".parse().unwrap())
    );
    assert_eq!(trade.entry, entry);
}

#[test]
fn a_flip_is_a_close_and_an_open_that_share_the_fee() {
    let (ledger, trades) = run(&[(Sell, "1", "100", "0.1"), (Buy, "3", "90", "0.3")]);
    let trade = &trades[0];
    assert_eq!((trade.side, trade.net), (Sell, money("9.8")));
    assert_eq!(trade.fees, money("0.2"));
    let position = ledger.position(BTC).unwrap();
    assert_eq!(position.size.to_string(), "2");
    assert_eq!((position.entry, position.fees), (price("90"), money("0.2")));
    assert_eq!(position.opened, at(1000));
    // The short sold one above expectation; all three buys paid one more.
    assert_eq!(trade.slippage, money("0"));
    assert_eq!(position.slippage, money("2"));
    assert_eq!(ledger.slippage(), money("2"));
    assert_eq!(ledger.cash(), money("10009.6"));
}

#[test]
fn a_repeated_execution_changes_nothing() {
    let (mut ledger, _) = run(&[(Buy, "1", "100", "0.1")]);
    let before = ledger.clone();
    let mut again = fill(0, Buy, "1", "100", "0.1");
    assert!(!ledger.apply_fill(&again, None).applied);
    assert_eq!(ledger, before);
    assert!(ledger.has_seen(BTC, "x0") && !ledger.has_seen(ETH, "x0"));
    // The same execution id on another instrument is another execution.
    again.instrument = ETH;
    assert!(ledger.apply_fill(&again, None).applied);
    assert_eq!(ledger.n_open(), 2);
}

#[test]
fn funding_moves_cash_and_belongs_to_the_open_trade() {
    let (mut ledger, _) = run(&[(Buy, "1", "100", "0")]);
    ledger.apply_funding(BTC, money("0.5"), None);
    ledger.apply_funding(ETH, money("-2"), None);
    assert_eq!(
        (ledger.funding(), ledger.cash()),
        (money("-1.5"), money("10001.5"))
    );
    let outcome = ledger.apply_fill(&fill(9, Sell, "1", "100", "0"), None);
    let trade = outcome.closed.unwrap();
    assert_eq!((trade.funding, trade.net), (money("0.5"), money("-0.5")));
}

#[test]
fn marks_move_equity_exposure_and_drawdown() {
    let (mut ledger, _) = run(&[(Sell, "2", "100", "1")]);
    // Before the market has spoken the fill's own price values the position.
    assert_eq!(ledger.equity(), money("9999"));
    ledger.mark(BTC, price("90"));
    assert_eq!(ledger.unrealised(), money("20"));
    assert_eq!(ledger.unrealised_of(BTC), Some(money("20")));
    assert_eq!(ledger.exposure(), money("180"));
    assert_eq!(ledger.equity(), money("10019"));
    assert_eq!(ledger.update_peak(), money("10019"));
    ledger.mark(BTC, price("140"));
    assert_eq!(ledger.update_peak(), money("10019"));
    assert_eq!(ledger.drawdown(), money("100").fraction_of(money("10019")));
    ledger.mark(ETH, price("5"));
    assert_eq!(ledger.unrealised_of(ETH), None);
    assert_eq!(ledger.exposure(), money("280"));
}

#[test]
fn day_and_week_begin_with_the_equity_before_them() {
    let (mut ledger, _) = run(&[(Buy, "1", "100", "0")]);
    assert_eq!(ledger.day_pnl(), None);
    // 1970-01-04 was a Sunday.
    ledger.roll(at(3 * DAY + 5));
    ledger.mark(BTC, price("130"));
    ledger.roll(at(4 * DAY - 1));
    assert_eq!(ledger.day_pnl(), Some(money("30")));
    assert_eq!(ledger.week_pnl(), Some(money("30")));
    ledger.roll(at(4 * DAY));
    assert_eq!(ledger.day_start_equity(), Some(money("10030")));
    assert_eq!(ledger.week_start_equity(), Some(money("10030")));
    ledger.mark(BTC, price("120"));
    ledger.roll(at(5 * DAY));
    assert_eq!(ledger.day_pnl(), Some(Money::ZERO));
    assert_eq!(ledger.week_pnl(), Some(money("-10")));
}

#[test]
fn a_fee_that_leaves_128_bits_is_still_shared_without_loss() {
    let mut ledger = Ledger::new(money("1000000"), 1);
    let mut open = fill(0, Buy, "10000000000000", "0.00000001", "0");
    open.expected = Price::ZERO;
    let mut flip = fill(1, Sell, "15000000000000", "0.00000001", "7000");
    flip.expected = Price::ZERO;
    ledger.apply_fill(&open, None);
    let trade = ledger.apply_fill(&flip, None).closed.unwrap();
    let rest = ledger.position(BTC).unwrap().fees;
    assert_eq!(trade.fees + rest, money("7000"));
    assert_eq!(format!("{:.6}", trade.fees), "4666.666667");
    assert_eq!(ledger.slippage(), Money::ZERO);
}

/// The plain way: entry price and size as decimals, nothing incremental about the money.
#[derive(Default)]
struct Naive {
    size: Decimal,
    cost: Decimal,
    entry: Decimal,
    realised: Decimal,
    trades: Vec<Decimal>,
    trade: Decimal,
}

impl Naive {
    fn apply(&mut self, side: Side, qty: Decimal, at: Decimal, fee: Decimal) {
        let direction = if side == Buy {
            Decimal::ONE
        } else {
            -Decimal::ONE
        };
        let mut rest = qty;
        if self.size * direction < Decimal::ZERO {
            let closing = rest.min(self.size.abs());
            let whole = closing == self.size.abs();
            let released = if whole {
                self.cost
            } else {
                self.entry * closing
            };
            let profit = (at * closing - released) * -direction;
            self.realised += profit;
            let fee_part = if closing == rest {
                fee
            } else {
                fee * closing / qty
            };
            self.trade += profit - fee_part;
            self.cost -= released;
            self.size += closing * direction;
            rest -= closing;
            if whole {
                self.trades.push(self.trade);
                self.trade = Decimal::ZERO;
            }
        }
        if rest > Decimal::ZERO {
            self.size += rest * direction;
            self.cost += rest * at;
            let average = self.cost / self.size.abs();
            self.entry = average.round_dp_with_strategy(14, RoundingStrategy::ToZero);
            self.trade -= if rest == qty {
                fee
            } else {
                fee - fee * (qty - rest) / qty
            };
        }
    }
}

/// Side, thousandths of a coin, cents, hundredths of a cent of fee.
type Row = (bool, u32, u32, i32);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    // Small amounts, so that exact closes and flips are common.
    let row = (any::<bool>(), 1_u32..6, 9_900_u32..10_100, -50_i32..100);
    proptest::collection::vec(row, 1..40)
}

fn to_fill(n: usize, row: Row) -> Fill {
    let (buys, qty, cents, fee) = row;
    fill(
        n,
        if buys { Buy } else { Sell },
        &Decimal::new(qty.into(), 3).to_string(),
        &Decimal::new(cents.into(), 2).to_string(),
        &Decimal::new(fee.into(), 4).to_string(),
    )
}

fn apply_all<'a>(fills: impl IntoIterator<Item = &'a Fill>) -> Ledger {
    let mut ledger = ledger();
    for fill in fills {
        ledger.apply_fill(fill, None);
        assert_eq!(ledger.equity(), ledger.equity_from_zero());
    }
    ledger
}

proptest! {
    #[test]
    fn any_order_and_repetition_gives_the_same_holdings(
        (fills, shuffled) in rows().prop_flat_map(|rows| {
            let fills: Vec<Fill> =
                rows.into_iter().enumerate().map(|(n, row)| to_fill(n, row)).collect();
            let twice = [fills.clone(), fills.clone()].concat();
            (Just(fills), Just(twice).prop_shuffle())
        }),
        mark in 9_000_u32..11_000,
    ) {
        let mark = price(&Decimal::new(mark.into(), 2).to_string());
        let (mut straight, mut mixed) = (apply_all(&fills), apply_all(&shuffled));
        straight.mark(BTC, mark);
        mixed.mark(BTC, mark);
        prop_assert_eq!(straight.size(BTC), mixed.size(BTC));
        prop_assert_eq!(straight.equity(), mixed.equity());
        prop_assert_eq!(straight.fees(), mixed.fees());
        prop_assert_eq!(straight.slippage(), mixed.slippage());
        prop_assert_eq!(straight.exposure(), mixed.exposure());
        prop_assert_eq!(straight.n_fills(), mixed.n_fills());
        // From nothing but the fills: what was paid, what was got, what it is worth.
        let flow: Money = fills.iter().map(|f| -(f.price * f.qty.signed(f.side)) - f.fee).sum();
        let worth = mark * mixed.size(BTC);
        prop_assert_eq!(mixed.equity(), money("10000") + flow + worth);
    }

    #[test]
    fn fills_on_one_side_give_one_entry_in_any_order(
        (fills, shuffled) in rows().prop_flat_map(|rows| {
            let one_side = rows.into_iter().enumerate().map(|(n, r)| to_fill(n, (true, r.1, r.2, r.3)));
            let fills: Vec<Fill> = one_side.collect();
            (Just(fills.clone()), Just(fills).prop_shuffle())
        }),
    ) {
        let (straight, mixed) = (apply_all(&fills), apply_all(&shuffled));
        let (a, b) = (straight.position(BTC).unwrap(), mixed.position(BTC).unwrap());
        prop_assert_eq!((a.size, a.entry, a.cost()), (b.size, b.entry, b.cost()));
    }

    #[test]
    fn equity_from_zero_equals_the_running_sums(
        steps in proptest::collection::vec((any::<bool>(), rows(), 9_000_u32..11_000, -20_i32..20), 1..6),
    ) {
        let mut ledger = ledger();
        let mut n = 0;
        for (eth, rows, mark, paid) in steps {
            let instrument = if eth { ETH } else { BTC };
            for row in rows {
                let mut fill = to_fill(n, row);
                fill.instrument = instrument;
                ledger.apply_fill(&fill, None);
                n += 1;
            }
            ledger.apply_funding(instrument, Money::from_raw(i128::from(paid) * 10_i128.pow(20)), None);
            ledger.mark(instrument, price(&Decimal::new(mark.into(), 2).to_string()));
            prop_assert_eq!(ledger.equity(), ledger.equity_from_zero());
            let exposure: Money = ledger
                .positions()
                .map(|(id, p)| (ledger.mark_of(id).unwrap() * p.size).abs())
                .sum();
            prop_assert_eq!(ledger.exposure(), exposure);
            prop_assert_eq!(ledger.n_open(), ledger.positions().count());
            let peak = ledger.peak();
            prop_assert!(peak <= ledger.update_peak());
        }
    }

    #[test]
    fn entry_and_profit_equal_a_plain_implementation(rows in rows()) {
        let (mut ledger, mut naive) = (ledger(), Naive::default());
        let mut nets = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            let fill = to_fill(n, *row);
            nets.extend(ledger.apply_fill(&fill, None).closed.map(|t| t.net));
            naive.apply(
                fill.side,
                fill.qty.to_decimal(),
                fill.price.to_decimal(),
                fill.fee.to_decimal(),
            );
            prop_assert_eq!(ledger.size(BTC).to_decimal(), naive.size);
            prop_assert_eq!(ledger.realised().to_decimal(), naive.realised);
            if let Some(position) = ledger.position(BTC) {
                prop_assert_eq!(position.entry.to_decimal(), naive.entry);
            }
        }
        prop_assert_eq!(nets.len(), naive.trades.len());
        for (net, plain) in nets.iter().zip(&naive.trades) {
            // A shared fee is truncated at the 22nd place, which a decimal does not hold.
            let distance = (net.to_decimal() - plain).abs();
            prop_assert!(distance < Decimal::new(1, 18), "{} {}", net, plain);
        }
    }

    #[test]
    fn a_split_fill_gives_the_same_ledger_as_a_whole_one(rows in rows()) {
        let (mut whole, mut split) = (ledger(), ledger());
        for (n, row) in rows.iter().enumerate() {
            let fill = to_fill(n, *row);
            whole.apply_fill(&fill, None);
            let step: Qty = "0.001".parse().unwrap();
            for part in 0..row.1 {
                let fee = if part == 0 { fill.fee } else { Money::ZERO };
                let exec_id = format!("{}-{part}", fill.exec_id);
                split.apply_fill(&Fill { exec_id, qty: step, fee, ..fill.clone() }, None);
            }
            prop_assert_eq!(whole.size(BTC), split.size(BTC));
            prop_assert_eq!(whole.equity(), split.equity());
            prop_assert_eq!(
                whole.position(BTC).map(|p| p.opened),
                split.position(BTC).map(|p| p.opened)
            );
        }
    }
}

#[test]
fn a_payment_with_a_name_counts_once() {
    let mut ledger = Ledger::new(money("100"), 2);
    assert!(ledger.apply_funding(BTC, money("0.5"), Some("f-1")));
    assert!(!ledger.apply_funding(BTC, money("0.5"), Some("f-1")));
    assert!(ledger.apply_funding(BTC, money("0.5"), Some("f-2")));
    assert_eq!((ledger.funding(), ledger.cash()), (money("1"), money("99")));
}

#[test]
fn an_adopted_position_has_the_venues_entry_and_moves_no_cash() {
    let mut ledger = Ledger::new(money("100"), 2);
    let at = Timestamp::from_millis(5);
    let size = "2".parse::<Qty>().unwrap().signed(Side::Sell);
    ledger.adopt(BTC, size, "10".parse().unwrap(), at, None);
    assert_eq!(
        (ledger.size(BTC), ledger.cash(), ledger.n_open()),
        (size, money("100"), 1)
    );
    ledger.mark(BTC, "9".parse().unwrap());
    assert_eq!(ledger.equity(), money("102"));
    assert_eq!(ledger.equity(), ledger.equity_from_zero());
    ledger.adopt(
        BTC,
        crate::domain::SignedQty::ZERO,
        "9".parse().unwrap(),
        at,
        None,
    );
    assert!(ledger.is_flat());
    assert_eq!((ledger.equity(), ledger.n_adopted()), (money("100"), 2));
}

/// A spot purchase of 2 at 10 whose fee of 0.1 % the venue keeps in the base coin.
#[test]
fn what_the_venue_keeps_of_a_purchase_is_not_held_but_was_paid() {
    let mut ledger = Ledger::new(money("100"), 2);
    let mut bought = fill(1, Side::Buy, "2", "10", "0");
    bought.withheld = "0.002".parse().unwrap();
    ledger.apply_fill(&bought, None);
    assert_eq!(ledger.size(BTC).to_string(), "1.998");
    ledger.mark(BTC, "10".parse().unwrap());
    assert_eq!(ledger.equity(), money("99.98"));
    let sold = fill(2, Side::Sell, "1.998", "10", "0");
    ledger.apply_fill(&sold, None);
    assert!(ledger.is_flat());
    assert_eq!(
        (ledger.cash(), ledger.realised()),
        (money("99.98"), money("-0.02"))
    );
}
