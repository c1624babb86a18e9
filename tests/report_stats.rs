//! Statistics against independent two-pass calculations, and a report on a scripted session.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tradeterm::account::ClosedTrade;
use tradeterm::account::stats::{EquityStats, TradeStats};
use tradeterm::domain::{InstrumentId, Money, OrderKind, Price, Rate, Side, Timestamp};
use tradeterm::engine::{EffectOf, EffectRecord, Event};
use tradeterm::report::{Report, ReportBuilder, write_equity_csv, write_trades_csv};

use script::{bar, facts, fill, intent, script};

#[path = "report_stats/script.rs"]
mod script;

const NONE: &[EffectRecord] = &[];
const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const BTC: InstrumentId = InstrumentId(0);

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn close(left: Option<f64>, right: f64) {
    let left = left.expect("a figure");
    let scale = right.abs().max(1.0);
    assert!(
        (left - right).abs() <= 1e-12 * scale,
        "{left} is not {right}"
    );
}

/// Cents of equity every six hours: a fixed walk, the same for ever.
fn walk() -> Vec<(Timestamp, i64)> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut cents = 1_000_000_i64;
    let mut points = Vec::new();
    for step in 0..400_i64 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        cents += i64::try_from(state % 20_001).unwrap() - 9_900;
        points.push((at(step * 6 * HOUR + 1_000), cents));
    }
    points
}

fn to_money(cents: i64) -> Money {
    Money::from_raw(i128::from(cents) * 10_i128.pow(20))
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Daily returns the plain way: last equity of each UTC day, over that of the day before.
fn daily_returns(points: &[(Timestamp, i64)]) -> Vec<f64> {
    let mut closes = vec![points[0].1];
    for pair in points.windows(2) {
        if pair[0].0.day() != pair[1].0.day() {
            closes.push(pair[0].1);
        }
    }
    closes.push(points[points.len() - 1].1);
    #[expect(clippy::cast_precision_loss, reason = "small amounts")]
    let change = |pair: &[i64]| pair[1] as f64 / pair[0] as f64 - 1.0;
    closes.windows(2).map(change).collect()
}

fn equity_stats(points: &[(Timestamp, i64)]) -> EquityStats {
    let mut stats = EquityStats::default();
    for (at, cents) in points {
        stats.observe(*at, to_money(*cents), cents % 3 == 0);
    }
    stats
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn sharpe_and_sortino_equal_a_two_pass_calculation() {
    let points = walk();
    let stats = equity_stats(&points);
    let returns = daily_returns(&points);
    assert_eq!((returns.len(), stats.n_days()), (100, 100));
    let n = returns.len() as f64;
    let mean = mean(&returns);
    let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let down = returns.iter().map(|r| r.min(0.0).powi(2)).sum::<f64>() / n;
    close(stats.mean_return(), mean);
    close(stats.std_return(), variance.sqrt());
    close(stats.sharpe(), mean / variance.sqrt() * 365.0_f64.sqrt());
    close(stats.sortino(), mean / down.sqrt() * 365.0_f64.sqrt());
}

#[test]
fn drawdown_equals_a_search_over_all_pairs() {
    let points = walk();
    let stats = equity_stats(&points);
    let (mut depth, mut amount, mut longest) = (0_i128, 0, 0);
    for (i, (from, peak)) in points.iter().enumerate() {
        for (to, low) in &points[i..] {
            let (peak, low) = (i128::from(*peak), i128::from(*low));
            depth = depth.max((peak - low) * 10_i128.pow(10) / peak);
            amount = amount.max(peak - low);
            // The first later point that is not below ends the fall.
            if low >= peak && to > from {
                break;
            }
        }
        let fell = points.get(i + 1).is_some_and(|next| next.1 < *peak);
        let is_peak = points[..i].iter().all(|p| p.1 <= *peak);
        if fell && is_peak {
            let back = points[i + 1..].iter().find(|p| p.1 >= *peak);
            let end = back.map_or(points[points.len() - 1].0, |p| p.0);
            longest = longest.max(end.since(*from));
        }
    }
    assert_eq!(i128::from(stats.max_drawdown().unwrap().raw()), depth);
    assert_eq!(
        stats.max_drawdown_amount(),
        Some(to_money(i64::try_from(amount).unwrap()))
    );
    assert_eq!(stats.max_drawdown_ms(), Some(longest));
    let held: i64 = points
        .windows(2)
        .filter(|p| p[0].1 % 3 == 0)
        .map(|p| p[1].0.since(p[0].0))
        .sum();
    let total = points[points.len() - 1].0.since(points[0].0);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of days")]
    close(stats.time_in_market(), held as f64 / total as f64);
}

#[test]
fn known_days_give_known_numbers() {
    // +10 %, -5 %, +2 %: mean 7/300; deviations in units of 1/300: 23, -22, -1.
    let points = [
        (at(0), 100_000_000),
        (at(DAY - 1), 110_000_000),
        (at(2 * DAY - 1), 104_500_000),
        (at(3 * DAY - 1), 106_590_000),
    ];
    let stats = equity_stats(&points);
    let std = (1014.0_f64 / 2.0).sqrt() / 300.0;
    close(stats.mean_return(), 7.0 / 300.0);
    close(stats.std_return(), std);
    close(stats.sharpe(), 7.0 / 300.0 / std * 365.0_f64.sqrt());
    let down = (0.0025_f64 / 3.0).sqrt();
    close(stats.sortino(), 7.0 / 300.0 / down * 365.0_f64.sqrt());
    assert_eq!(stats.max_drawdown(), Some(Rate::from_bps(500)));
    assert_eq!(stats.max_drawdown_ms(), Some(2 * DAY));
}

#[test]
fn a_finished_drawdown_is_remembered() {
    let points = [
        (at(0), 100),
        (at(10), 100),
        (at(20), 60),
        (at(90), 80),
        (at(110), 120),
        (at(120), 110),
        (at(150), 119),
    ];
    let stats = equity_stats(&points);
    assert_eq!(stats.max_drawdown(), Some(Rate::from_bps(4_000)));
    assert_eq!(stats.max_drawdown_amount(), Some(to_money(40)));
    // From the last moment at 100 until 120.
    assert_eq!(stats.max_drawdown_ms(), Some(100));
    let longer = [&points[..], &[(at(230), 119)]].concat();
    assert_eq!(equity_stats(&longer).max_drawdown_ms(), Some(120));
}

#[test]
fn too_little_is_none_and_not_zero() {
    let empty = EquityStats::default();
    assert_eq!(
        (
            empty.sharpe(),
            empty.max_drawdown(),
            empty.max_drawdown_ms()
        ),
        (None, None, None)
    );
    assert_eq!(empty.time_in_market(), None);
    let one_day = equity_stats(&[(at(0), 100), (at(5), 110)]);
    assert_eq!(
        (one_day.n_days(), one_day.sharpe(), one_day.sortino()),
        (1, None, None)
    );
    assert_eq!(one_day.max_drawdown(), Some(Rate::ZERO));
    let flat = equity_stats(&[(at(0), 100), (at(DAY), 100), (at(2 * DAY), 100)]);
    assert_eq!(
        (flat.n_days(), flat.sharpe(), flat.sortino()),
        (3, None, None)
    );
    let broke = equity_stats(&[(at(0), 0), (at(DAY), 50), (at(2 * DAY), 100)]);
    assert_eq!(broke.n_days(), 1);
    let none = TradeStats::default();
    assert_eq!(
        (none.win_rate(), none.profit_factor(), none.expectancy()),
        (None, None, None)
    );
    assert_eq!((none.mean_holding_ms(), none.largest_win()), (None, None));
}

fn trade(net_cents: i64, held_ms: i64) -> ClosedTrade {
    let fees = to_money(10);
    ClosedTrade {
        instrument: BTC,
        leg: None,
        side: Side::Buy,
        qty: "1".parse().unwrap(),
        entry: price("100"),
        exit: price("101"),
        opened: at(0),
        closed: at(held_ms),
        gross: to_money(net_cents) + fees,
        net: to_money(net_cents),
        fees,
        funding: Money::ZERO,
        slippage: to_money(3),
        n_fills: 2,
        order: "o".parse().unwrap(),
        liquidated: false,
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn trade_statistics_equal_a_plain_calculation() {
    let nets = [500_i64, -200, 0, -300, 1_234, -50, 77, -1_000, 0, -1];
    let mut stats = TradeStats::default();
    for (n, net) in (1_i64..).zip(nets) {
        stats.record(&trade(net, n * 60_000));
    }
    let wins: Vec<i64> = nets.into_iter().filter(|n| *n > 0).collect();
    let losses: Vec<i64> = nets.into_iter().filter(|n| *n < 0).collect();
    let (profit, loss) = (wins.iter().sum::<i64>(), -losses.iter().sum::<i64>());
    assert_eq!(
        (stats.n_trades(), stats.n_wins(), stats.n_losses()),
        (10, 3, 5)
    );
    close(stats.win_rate(), wins.len() as f64 / nets.len() as f64);
    close(stats.profit_factor(), profit as f64 / loss as f64);
    close(
        stats.expectancy(),
        nets.iter().sum::<i64>() as f64 / 100.0 / nets.len() as f64,
    );
    close(stats.mean_win(), profit as f64 / 100.0 / wins.len() as f64);
    close(
        stats.mean_loss(),
        -loss as f64 / 100.0 / losses.len() as f64,
    );
    assert_eq!(stats.net(), to_money(profit - loss));
    assert_eq!(stats.largest_win(), Some(money("12.34")));
    assert_eq!(stats.largest_loss(), Some(money("-10")));
    assert_eq!(
        (stats.losses_in_a_row(), stats.most_losses_in_a_row()),
        (1, 1)
    );
    for net in [-5, -6, -7, 8, -9] {
        stats.record(&trade(net, 330_000));
    }
    assert_eq!(
        (stats.losses_in_a_row(), stats.most_losses_in_a_row()),
        (1, 4)
    );
    assert_eq!(stats.mean_holding_ms(), Some(330_000));
    assert_eq!(stats.holding_range_ms(), Some((60_000, 600_000)));
    assert_eq!(
        (stats.fees(), stats.slippage()),
        (money("1.5"), money("0.45"))
    );
}

fn report() -> Report {
    let mut builder = ReportBuilder::new(facts());
    let mut n_closed = 0;
    for (ms, event, effects) in script() {
        n_closed += builder.step(at(ms), &event, &effects).len();
    }
    assert_eq!(n_closed, 2);
    builder.finish()
}

#[test]
fn a_scripted_session_gives_the_numbers_of_a_pencil() {
    let report = report();
    // Long: 0.1 * (50990 - 50010) = 98, less 1 of fees. Short: 0.1 * (51000 - 51500) = -50, less 1.
    assert_eq!(report.account.equity, money("10046"));
    assert_eq!(report.account.pnl_rate, Some(Rate::from_bps(46)));
    assert_eq!(
        (report.account.fees, report.account.slippage),
        (money("2"), money("2"))
    );
    assert_eq!((report.stats.n_wins, report.stats.n_losses), (1, 1));
    close(report.stats.profit_factor, 97.0 / 51.0);
    assert_eq!(report.account.max_exposure, money("5150"));
    let fill = report.latency.to_fill.unwrap();
    assert_eq!((fill.n, fill.p50, fill.max), (4, 50, 70));
    // A fill proves acceptance: `b` was known at 50, not at 90.
    let ack = report.latency.to_ack.unwrap();
    assert_eq!((ack.n, ack.p50, ack.max), (4, 50, 70));
    assert!(report.incidents.is_empty(), "{:?}", report.incidents);
    assert_eq!(
        report.orders.iter().map(|o| o.n_sent).collect::<Vec<_>>(),
        [1, 4]
    );
}

#[test]
fn only_market_orders_count_for_the_time_to_a_fill() {
    let limit = OrderKind::Limit {
        price: price("50000"),
        post_only: false,
    };
    let mut builder = ReportBuilder::new(facts());
    let sent = EffectOf::Submit(intent("l", Side::Buy, limit, 0));
    builder.step(at(0), &bar(-HOUR, "50000"), &[sent]);
    builder.step(at(99), &fill("l", Side::Buy, "50000", "50000", 99), NONE);
    // The same name again, and a fill of an order that nobody sent.
    let again = EffectOf::Submit(intent("l", Side::Buy, limit, 0));
    builder.step(at(100), &Event::Tick, &[again]);
    builder.step(
        at(101),
        &fill("stranger", Side::Buy, "50000", "50000", 101),
        NONE,
    );
    let report = builder.finish();
    assert_eq!(report.latency.to_fill, None);
    assert_eq!(report.latency.to_ack.unwrap().max, 99);
    let kinds: Vec<_> = report.orders.iter().map(|o| o.kind.as_str()).collect();
    assert_eq!(kinds, ["limit", "unknown"]);
    close(report.orders[0].fill_rate, 1.0);
    assert_eq!(report.orders[1].fill_rate, None);
    let incidents: Vec<_> = report.incidents.iter().map(|i| i.what.as_str()).collect();
    assert_eq!(
        incidents,
        ["event about an order never sent", "order name used twice"]
    );
    assert_eq!(report.symbols[0].open.unwrap().to_string(), "0.2");
}

#[test]
fn the_report_reads_well() {
    insta::assert_snapshot!(report().to_markdown());
}

#[test]
fn json_keeps_every_digit_and_says_null_for_missing() {
    let json: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
    assert_eq!(json["account"]["equity"], "10046");
    assert_eq!(json["trades"][0]["net"], "97");
    assert_eq!(json["symbols"][0]["open"], serde_json::Value::Null);
    assert_eq!(json["trades"].as_array().unwrap().len(), 2);
}

#[test]
fn tables_come_as_csv() {
    let report = report();
    let mut out = Vec::new();
    write_trades_csv(&mut out, &report.trades).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    opened,closed,symbol,leg,side,qty,entry,exit,held_ms,gross,fees,funding,slippage,net,n_fills,reason
    1970-01-01T01:00:00.030Z,1970-01-01T05:00:00.050Z,BTCUSDT,ma-cross,buy,0.1,50010,50990,14400020,98,1,0,2,97,2,signal turned | flat
    1970-01-02T01:00:00.070Z,1970-01-02T10:00:00.060Z,BTCUSDT,ma-cross,sell,0.1,51000,51500,32399990,-50,1,0,0,-51,2,stop
    ");
    let mut out = Vec::new();
    write_equity_csv(&mut out, report.equity.iter().copied().take(2)).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    at,equity
    1970-01-01T01:00:00Z,10000
    1970-01-01T01:00:00.020Z,10000
    ");
}

#[test]
fn an_empty_session_has_dashes_and_no_zero_ratios() {
    let text = ReportBuilder::new(facts()).finish().to_markdown();
    for row in [
        "win rate",
        "profit factor",
        "Sharpe ratio, yearly",
        "deepest drawdown",
        "from",
    ] {
        let expected = format!("| {row} | - |");
        assert!(text.contains(&expected), "{expected} is missing in\n{text}");
    }
    assert!(text.contains("## Kill ladder\n\nNone."));
}
