//! What a report says. Missing is `None`: `null` in JSON, a dash in Markdown.

use serde::Serialize;

use crate::account::ClosedTrade;
use crate::account::stats::{CurvePoint, EquityStats, TradeStats};
use crate::domain::{Mode, Money, Price, Qty, Rate, Side, SignedQty, Symbol, Timestamp};

/// Facts about the session that no step tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionFacts {
    /// Name of the run.
    pub run_id: String,
    /// Where orders went.
    pub mode: Mode,
    /// Whether the market was made up.
    pub synthetic: bool,
    /// Name of the feed: a file, `demo`, a host.
    pub feed: String,
    /// Coin of all money.
    pub coin: String,
    /// Version and commit of the program.
    pub build: String,
    /// First 12 digits of the hash of the effective configuration.
    pub config_hash: String,
    /// Symbols in session order.
    pub symbols: Vec<Symbol>,
    /// Names of the legs in session order.
    pub legs: Vec<String>,
    /// Cash at the start.
    pub start: Money,
}

/// A whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Facts about the session.
    pub session: SessionFacts,
    /// First input, in session time.
    pub from: Option<Timestamp>,
    /// Last input, in session time.
    pub to: Option<Timestamp>,
    /// Inputs taken.
    pub n_steps: u64,
    /// Money.
    pub account: AccountSection,
    /// Figures over trades and days.
    pub stats: StatsSection,
    /// One row a symbol, in session order.
    pub symbols: Vec<SymbolRow>,
    /// One row an order type, by name.
    pub orders: Vec<OrderKindRow>,
    /// Time from decision to answer and to fill.
    pub latency: LatencySection,
    /// What the strategies said.
    pub decisions: DecisionSection,
    /// Risk limits that were reached, by rule.
    pub rules: Vec<RuleRow>,
    /// Steps on the kill ladder, oldest first, the newest 100.
    pub kills: Vec<KillRow>,
    /// Things that should not happen, by kind.
    pub incidents: Vec<Count>,
    /// Newest closed trades, newest last.
    pub trades: Vec<TradeRow>,
    /// Equity over time, at most 1,024 points.
    pub equity: Vec<CurvePoint>,
}

/// Money at the end of the session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountSection {
    /// Cash at the start.
    pub start: Money,
    /// Cash plus unrealised profit.
    pub equity: Money,
    /// Equity less start.
    pub pnl: Money,
    /// That as a part of the start.
    pub pnl_rate: Option<Rate>,
    /// Profit of closes, before fees and funding.
    pub realised: Money,
    /// Profit of open positions.
    pub unrealised: Money,
    /// Fees paid.
    pub fees: Money,
    /// Funding paid; negative when received.
    pub funding: Money,
    /// Paid against the prices expected at decision time.
    pub slippage: Money,
    /// Highest equity.
    pub peak: Money,
    /// Value of open positions at the end.
    pub exposure: Money,
    /// Largest value of open positions.
    pub max_exposure: Money,
    /// Fills applied.
    pub n_fills: u64,
}

/// Figures over closed trades and daily returns; formulas at `account::stats`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatsSection {
    /// Closed trades.
    pub n_trades: u64,
    /// With a profit.
    pub n_wins: u64,
    /// With a loss.
    pub n_losses: u64,
    /// Wins over trades.
    pub win_rate: Option<f64>,
    /// Profit of closed trades after fees and funding.
    pub net: Money,
    /// Wins over losses, in money.
    pub profit_factor: Option<f64>,
    /// Mean profit of a trade.
    pub expectancy: Option<f64>,
    /// Mean win.
    pub mean_win: Option<f64>,
    /// Mean loss; negative.
    pub mean_loss: Option<f64>,
    /// Best trade.
    pub largest_win: Option<Money>,
    /// Worst trade; negative.
    pub largest_loss: Option<Money>,
    /// Longest run of losses.
    pub most_losses_in_a_row: u64,
    /// Mean time held.
    pub mean_holding_ms: Option<i64>,
    /// Shortest time held.
    pub min_holding_ms: Option<i64>,
    /// Longest time held.
    pub max_holding_ms: Option<i64>,
    /// Days with a return.
    pub n_days: u64,
    /// Yearly Sharpe ratio of daily returns.
    pub sharpe: Option<f64>,
    /// Yearly Sortino ratio of daily returns.
    pub sortino: Option<f64>,
    /// Deepest drawdown as a part of its peak.
    pub max_drawdown: Option<Rate>,
    /// Deepest drawdown as an amount.
    pub max_drawdown_amount: Option<Money>,
    /// Longest drawdown.
    pub max_drawdown_ms: Option<i64>,
    /// Part of the time with a position.
    pub time_in_market: Option<f64>,
}

impl StatsSection {
    pub(super) fn new(trades: &TradeStats, equity: &EquityStats) -> Self {
        Self {
            n_trades: trades.n_trades(),
            n_wins: trades.n_wins(),
            n_losses: trades.n_losses(),
            win_rate: trades.win_rate(),
            net: trades.net(),
            profit_factor: trades.profit_factor(),
            expectancy: trades.expectancy(),
            mean_win: trades.mean_win(),
            mean_loss: trades.mean_loss(),
            largest_win: trades.largest_win(),
            largest_loss: trades.largest_loss(),
            most_losses_in_a_row: trades.most_losses_in_a_row(),
            mean_holding_ms: trades.mean_holding_ms(),
            min_holding_ms: trades.holding_range_ms().map(|r| r.0),
            max_holding_ms: trades.holding_range_ms().map(|r| r.1),
            n_days: equity.n_days(),
            sharpe: equity.sharpe(),
            sortino: equity.sortino(),
            max_drawdown: equity.max_drawdown(),
            max_drawdown_amount: equity.max_drawdown_amount(),
            max_drawdown_ms: equity.max_drawdown_ms(),
            time_in_market: equity.time_in_market(),
        }
    }
}

/// One symbol.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SymbolRow {
    /// Venue symbol, or `#` and its number when the session's facts do not name it.
    pub symbol: String,
    /// Closed trades.
    pub n_trades: u64,
    /// Wins over trades.
    pub win_rate: Option<f64>,
    /// Profit of closed trades after fees and funding.
    pub net: Money,
    /// Their fees.
    pub fees: Money,
    /// Their funding.
    pub funding: Money,
    /// Their slippage.
    pub slippage: Money,
    /// Size at the end; `None` when flat.
    pub open: Option<SignedQty>,
    /// Unrealised profit at the end; `None` when flat.
    pub unrealised: Option<Money>,
}

/// Orders of one type.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OrderKindRow {
    /// Type, such as `market`.
    pub kind: String,
    /// Orders sent.
    pub n_sent: u64,
    /// Filled whole.
    pub n_filled: u64,
    /// Ended by a cancel, filled in part or not at all.
    pub n_cancelled: u64,
    /// Refused by the venue.
    pub n_rejected: u64,
    /// Held back before the wire.
    pub n_not_sent: u64,
    /// Mean filled part of an order, 0 to 1.
    pub fill_rate: Option<f64>,
    /// Paid against the expected price.
    pub slippage: Money,
    /// That in basis points of the expected value; `None` without fills that expected a price.
    pub slippage_bps: Option<f64>,
    /// Fees.
    pub fees: Money,
    /// Fills that rested, over all fills.
    pub maker_rate: Option<f64>,
}

/// Nearest-rank percentiles, in milliseconds of session time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Values behind them.
    pub n: usize,
    /// Half are at most this.
    pub p50: i64,
    /// 95 % are at most this.
    pub p95: i64,
    /// 99 % are at most this.
    pub p99: i64,
    /// The largest.
    pub max: i64,
}

/// Time from decision to what followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LatencySection {
    /// To the first sign that the venue has the order; every order type.
    pub to_ack: Option<Percentiles>,
    /// To the first fill; market orders, because others wait on purpose.
    pub to_fill: Option<Percentiles>,
}

/// What the strategies said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DecisionSection {
    /// Bars decided with a target.
    pub n_targets: u64,
    /// Bars on which the position was kept because something was wrong.
    pub n_holds: u64,
    /// Holds by reason.
    pub holds: Vec<Count>,
}

/// A text and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What.
    pub what: String,
    /// How often.
    pub n: u64,
}

/// One risk rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// Name of the rule.
    pub rule: String,
    /// Orders refused.
    pub n_refused: u64,
    /// Pauses begun.
    pub n_paused: u64,
}

/// One step on the kill ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KillRow {
    /// Session time.
    pub at: Timestamp,
    /// `limit` when a broken limit asked for it, `applied` when the engine obeyed.
    pub what: &'static str,
    /// Step of the ladder.
    pub level: String,
    /// Why.
    pub reason: String,
}

/// One closed trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TradeRow {
    /// Venue symbol, or `#` and its number when the session's facts do not name it.
    pub symbol: String,
    /// Name of the leg; `None` when nobody of ours opened it.
    pub leg: Option<String>,
    /// Side of the position.
    pub side: Side,
    /// Largest size.
    pub qty: Qty,
    /// Average entry price.
    pub entry: Price,
    /// Average exit price.
    pub exit: Price,
    /// Venue time of the first fill.
    pub opened: Timestamp,
    /// Venue time of the last fill.
    pub closed: Timestamp,
    /// Time held.
    pub held_ms: i64,
    /// Profit before fees and funding.
    pub gross: Money,
    /// Fees.
    pub fees: Money,
    /// Funding paid.
    pub funding: Money,
    /// Paid against expected prices.
    pub slippage: Money,
    /// Profit after fees and funding.
    pub net: Money,
    /// Fills.
    pub n_fills: u32,
    /// Why it was closed, where the engine said so.
    pub reason: Option<String>,
}

impl SessionFacts {
    /// Name of an instrument: its symbol, else `#` and its number.
    pub(super) fn symbol(&self, index: usize) -> String {
        match self.symbols.get(index) {
            Some(symbol) => symbol.to_string(),
            None => format!("#{index}"),
        }
    }

    pub(super) fn row(&self, trade: &ClosedTrade) -> TradeRow {
        let leg = trade.leg.map(|leg| match self.legs.get(leg.index()) {
            Some(name) => name.clone(),
            None => format!("#{}", leg.index()),
        });
        TradeRow {
            symbol: self.symbol(trade.instrument.index()),
            leg,
            side: trade.side,
            qty: trade.qty,
            entry: trade.entry,
            exit: trade.exit,
            opened: trade.opened,
            closed: trade.closed,
            held_ms: trade.held_ms(),
            gross: trade.gross,
            fees: trade.fees,
            funding: trade.funding,
            slippage: trade.slippage,
            net: trade.net,
            n_fills: trade.n_fills,
            reason: trade.liquidated.then(|| "liquidation".to_owned()),
        }
    }
}

impl Report {
    /// The report as JSON, indented.
    ///
    /// # Errors
    ///
    /// When a ratio is not a number JSON can hold; every figure here is finite.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }
}
