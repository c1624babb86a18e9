//! What a front end sees: one immutable picture of the session.
//!
//! Missing is `None` and reaches the screen as a dash, never as a zero. Everything here is plain
//! data that can be drawn, printed or sent; nothing points back into the engine.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Bar, ClientOrderId, Interval, KillLevel, Liquidity, Mode, Money, Price, Purpose, Qty, Rate,
    Side, SignedQty, Symbol, TimeInForce, Timestamp,
};

/// One picture of the whole session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Grows with every published picture.
    pub version: u64,
    /// Session time of the picture; `None` before the first event.
    pub at: Option<Timestamp>,
    /// What session this is.
    pub session: SessionView,
    /// Whether and why trading is held back.
    pub state: TradingState,
    /// Instruments, in session order.
    pub markets: Vec<MarketView>,
    /// Open positions.
    pub positions: Vec<PositionView>,
    /// Working orders, oldest first.
    pub orders: Vec<OrderView>,
    /// Newest fills, newest last, at most 250.
    pub fills: Vec<FillView>,
    /// Newest closed trades, newest last, at most 250.
    pub trades: Vec<TradeView>,
    /// The account.
    pub account: AccountView,
    /// Equity over time, oldest first, thinned to at most 1,024 points.
    pub equity: Arc<[EquityPoint]>,
    /// Statistics so far.
    pub stats: StatsView,
    /// Strategies at work.
    pub legs: Vec<LegView>,
    /// Limits and how much of each is used.
    pub gauges: Vec<Gauge>,
    /// Newest refusal of risk, in words.
    pub last_refusal: Option<HeldBack>,
    /// Newest notices, newest last, at most 200; ids grow by one.
    pub notices: Vec<Notice>,
    /// Error and event counters.
    pub counters: Counters,
    /// What the venue and we disagree about; empty when they agree, or without a venue.
    pub differences: Vec<DifferenceView>,
    /// The way to the venue; `None` for a recording.
    pub venue: Option<VenueView>,
}

impl Snapshot {
    /// A picture with nothing in it: a session before its first event.
    #[must_use]
    pub fn blank(session: SessionView) -> Self {
        Self {
            version: 0,
            at: None,
            session,
            state: TradingState::default(),
            markets: Vec::new(),
            positions: Vec::new(),
            orders: Vec::new(),
            fills: Vec::new(),
            trades: Vec::new(),
            account: AccountView::default(),
            equity: Arc::from([]),
            stats: StatsView::default(),
            legs: Vec::new(),
            gauges: Vec::new(),
            last_refusal: None,
            notices: Vec::new(),
            counters: Counters::default(),
            differences: Vec::new(),
            venue: None,
        }
    }
}

/// One thing about which the venue and we disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// Class of the difference: order gone, foreign order, missing fill, position.
    pub class: Cow<'static, str>,
    /// What we believe.
    pub ours: String,
    /// What the venue says.
    pub venue: String,
    /// What would make both equal.
    pub repair: Cow<'static, str>,
}

/// The way to the venue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueView {
    /// Host of the requests.
    pub host: String,
    /// Sockets and requests, in a fixed order.
    pub connections: Vec<ConnectionView>,
    /// Budgets of requests, in a fixed order.
    pub budgets: Vec<BudgetView>,
    /// Our clock against the venue's; `None` before it was measured.
    pub clock: Option<ClockView>,
    /// What our picture of the account lacks; `None` when it is whole.
    pub account_lacks: Option<String>,
    /// When it was last compared with the venue's.
    pub compared_at: Option<Timestamp>,
}

/// State of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// On its way.
    Connecting,
    /// Connected, and every subscription is confirmed.
    Up,
    /// Lost; tries again by itself.
    Down,
    /// The venue refuses it.
    Refused,
}

impl ConnectionState {
    /// Name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ConnectionState::Connecting => "connecting",
            ConnectionState::Up => "up",
            ConnectionState::Down => "down",
            ConnectionState::Refused => "refused",
        }
    }
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Name: public linear, private, orders, requests.
    pub name: String,
    /// Its state.
    pub state: ConnectionState,
    /// Why, where it is not up.
    pub detail: String,
    /// Times it was lost.
    pub n_lost: u64,
}

/// One budget of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetView {
    /// What it is for.
    pub name: String,
    /// Requests in its window.
    pub limit: u32,
    /// Requests left now.
    pub left: u32,
    /// Of these, only for cancels and closes.
    pub reserved: u32,
}

/// Our clock against the venue's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// The venue's clock less ours, in milliseconds.
    pub offset_ms: i64,
    /// How far that may be wrong.
    pub error_ms: i64,
}

/// Facts about the session that do not change, or rarely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Name of the run.
    pub run_id: String,
    /// Where orders go.
    pub mode: Mode,
    /// Whether the market is made up; shown as SYNTHETIC on every screen.
    pub synthetic: bool,
    /// Name of the feed: a file, `demo`, a host.
    pub feed: String,
    /// Times real speed; `None` is as fast as it goes, or a live feed at 1.
    pub speed: Option<f64>,
    /// Whether the recording is held by the operator.
    pub held: bool,
    /// Progress through a recording, 0 to 1.
    pub progress: Option<f64>,
    /// Whether the recording has ended.
    pub ended: bool,
    /// First 12 digits of the hash of the effective configuration.
    pub config_hash: String,
    /// Version and commit of the program.
    pub build: String,
    /// Engine that runs the models, such as `tract 0.23`.
    pub inference: String,
    /// Coin of all money.
    pub coin: String,
}

/// Whether and why trading is held back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradingState {
    /// Step of the kill ladder the engine has applied.
    pub kill: KillLevel,
    /// Why, where it is not active.
    pub kill_reason: Option<String>,
    /// Since when.
    pub kill_since: Option<Timestamp>,
    /// Pauses that run.
    pub pauses: Vec<PauseView>,
    /// Whether the feed can be trusted.
    pub disconnected: bool,
}

/// Nothing holds trading back.
impl Default for TradingState {
    fn default() -> Self {
        Self {
            kill: KillLevel::Active,
            kill_reason: None,
            kill_since: None,
            pauses: Vec::new(),
            disconnected: false,
        }
    }
}

/// A pause of entries with its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PauseView {
    /// Rule that started it.
    pub rule: String,
    /// When entries are allowed again.
    pub until: Timestamp,
}

/// Health of one instrument's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedHealth {
    /// Nothing has arrived yet.
    Waiting,
    /// Fresh and whole.
    Ok,
    /// Older than its limit.
    Stale,
    /// Bars are missing.
    Gap,
    /// The book must be loaded anew.
    Resync,
}

/// One instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketView {
    /// Venue symbol.
    pub symbol: Symbol,
    /// Price grid; tells how many decimals a price needs.
    pub tick: Price,
    /// Quantity grid.
    pub qty_step: Qty,
    /// Newest price: of the last trade or bar, or the middle of a newer quote.
    pub last: Option<Price>,
    /// Change over 24 hours.
    pub change_24h: Option<Rate>,
    /// Best bid and its amount.
    pub bid: Option<(Price, Qty)>,
    /// Best ask and its amount.
    pub ask: Option<(Price, Qty)>,
    /// Mark price.
    pub mark: Option<Price>,
    /// Last funding rate seen.
    pub funding: Option<Rate>,
    /// Next funding.
    pub next_funding: Option<Timestamp>,
    /// Interval of `bars`.
    pub interval: Option<Interval>,
    /// Newest bars, oldest first, at most 320.
    pub bars: Arc<[Bar]>,
    /// When the current bar closes.
    pub next_close: Option<Timestamp>,
    /// Order book, best first, where the feed has one.
    pub book: Option<Arc<BookView>>,
    /// Health of the data.
    pub health: FeedHealth,
    /// When anything last arrived.
    pub updated: Option<Timestamp>,
    /// Missing, duplicate or otherwise unusable bars so far.
    pub n_bad_bars: u64,
}

/// Best levels of a book.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookView {
    /// Bids, best first, at most 50.
    pub bids: Vec<(Price, Qty)>,
    /// Asks, best first, at most 50.
    pub asks: Vec<(Price, Qty)>,
    /// Number of the last update.
    pub update_id: u64,
}

/// One open position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PositionView {
    /// Venue symbol.
    pub symbol: Symbol,
    /// Signed size.
    pub size: SignedQty,
    /// Average entry price.
    pub entry: Price,
    /// Price it is valued at.
    pub mark: Option<Price>,
    /// Unrealised profit.
    pub unrealised: Option<Money>,
    /// Unrealised profit as a part of the entry value.
    pub unrealised_rate: Option<Rate>,
    /// Realised profit of this position so far, after fees.
    pub realised: Money,
    /// Stop price, where one is set.
    pub stop: Option<Price>,
    /// When it was opened.
    pub opened: Timestamp,
    /// Strategy that holds it.
    pub strategy: String,
}

/// One working order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its name.
    pub id: ClientOrderId,
    /// Venue symbol.
    pub symbol: Symbol,
    /// Side.
    pub side: Side,
    /// Amount asked for.
    pub qty: Qty,
    /// Amount filled.
    pub filled: Qty,
    /// Limit price, where it has one.
    pub price: Option<Price>,
    /// Trigger, where it has one.
    pub trigger: Option<Price>,
    /// Kind, for people.
    pub kind: String,
    /// State, for people.
    pub state: String,
    /// Time in force.
    pub tif: TimeInForce,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was decided.
    pub created: Timestamp,
}

/// One fill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FillView {
    /// When it happened.
    pub at: Timestamp,
    /// Order it belongs to.
    pub order: ClientOrderId,
    /// Venue symbol.
    pub symbol: Symbol,
    /// Side.
    pub side: Side,
    /// Amount.
    pub qty: Qty,
    /// Price.
    pub price: Price,
    /// Fee paid.
    pub fee: Money,
    /// Whether our order rested.
    pub liquidity: Liquidity,
}

/// One closed trade: from flat to flat, or to the other side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeView {
    /// Venue symbol.
    pub symbol: Symbol,
    /// Side of the position.
    pub side: Side,
    /// Largest size.
    pub qty: Qty,
    /// Average entry price.
    pub entry: Price,
    /// Average exit price.
    pub exit: Price,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it was closed.
    pub closed: Timestamp,
    /// Profit after fees and funding.
    pub net: Money,
    /// Fees paid.
    pub fees: Money,
    /// Why it was closed.
    pub reason: Cow<'static, str>,
}

/// The account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// Cash plus unrealised profit.
    pub equity: Option<Money>,
    /// Cash: start, realised profit, fees and funding.
    pub cash: Money,
    /// Cash at the start.
    pub start: Money,
    /// Unrealised profit of all positions.
    pub unrealised: Option<Money>,
    /// Profit since the start of the UTC day.
    pub day: Option<Money>,
    /// Profit since the start of the ISO week.
    pub week: Option<Money>,
    /// Highest equity so far.
    pub peak: Option<Money>,
    /// Distance from the peak, as a part of it.
    pub drawdown: Option<Rate>,
    /// Fees paid.
    pub fees: Money,
    /// Funding paid.
    pub funding: Money,
    /// Value of all positions plus what working entries could add.
    pub exposure: Option<Money>,
}

/// Equity at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquityPoint {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub equity: Money,
}

/// Statistics so far; `None` where there are too few trades or days.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatsView {
    /// Closed trades.
    pub n_trades: u64,
    /// Closed with a profit.
    pub n_wins: u64,
    /// Closed with a loss.
    pub n_losses: u64,
    /// Wins over trades.
    pub win_rate: Option<f64>,
    /// Profit of all closed trades.
    pub net: Money,
    /// Gross profit over gross loss.
    pub profit_factor: Option<f64>,
    /// Mean profit of a trade.
    pub expectancy: Option<f64>,
    /// Yearly Sharpe ratio of daily returns.
    pub sharpe: Option<f64>,
    /// Yearly Sortino ratio of daily returns.
    pub sortino: Option<f64>,
    /// Deepest drawdown, as a part of the peak.
    pub max_drawdown: Option<Rate>,
    /// Length of the longest drawdown, in milliseconds.
    pub max_drawdown_ms: Option<i64>,
    /// Mean holding time of a trade, in milliseconds.
    pub mean_holding_ms: Option<i64>,
    /// Paid to slippage, against the price expected at decision time.
    pub slippage: Money,
    /// Part of the time with a position.
    pub time_in_market: Option<f64>,
}

/// What a leg is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "phase")]
pub enum LegPhase {
    /// Needs more bars.
    Warming {
        /// Bars it has.
        have: u64,
        /// Bars it needs.
        need: u64,
    },
    /// Decides.
    Running,
    /// Stopped by an operator: no new signals.
    Stopped,
    /// Stopped by an error that repeated.
    Failed,
}

/// One strategy on one instrument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegView {
    /// Name of the strategy or bundle.
    pub name: String,
    /// Family, such as `PPO`, `RecurrentPPO`, `ma-cross`.
    pub family: String,
    /// First 12 digits of the bundle's hash.
    pub bundle_hash: Option<String>,
    /// Venue symbol.
    pub symbol: Symbol,
    /// Interval it decides on.
    pub interval: Interval,
    /// What it is doing.
    pub phase: LegPhase,
    /// Newest decision.
    pub decision: Option<DecisionView>,
    /// What the decision was made of.
    pub features: Vec<FeatureView>,
    /// Newest targets, oldest first, at most 256.
    pub actions: Vec<ActionMark>,
    /// The ladder from data to order for the newest bar.
    pub why: Vec<Rung>,
    /// Bars decided.
    pub n_decisions: u64,
    /// Bars on which it held because of an error or a missed deadline.
    pub n_holds: u64,
    /// Time the last decision took, in microseconds, where it was measured.
    pub latency_us: Option<u64>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionView {
    /// Close of the bar it was made on.
    pub at: Timestamp,
    /// Wanted position, -1 to 1.
    pub target: f64,
    /// Choices with their probabilities, in the model's order; empty for rules.
    pub choices: Vec<(String, f64)>,
    /// Which of the choices was taken.
    pub chosen: Option<usize>,
    /// The critic's value, for information only.
    pub value: Option<f64>,
    /// Spread of the probabilities, in nats.
    pub entropy: Option<f64>,
}

/// One feature as the model saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureView {
    /// Column name.
    pub name: String,
    /// Raw value.
    pub raw: Option<f64>,
    /// Normalised value, in training standard deviations.
    pub z: Option<f64>,
}

/// One past target.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ActionMark {
    /// Close of the bar.
    pub at: Timestamp,
    /// Target, -1 to 1.
    pub target: f64,
}

/// State of one rung of the why ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RungState {
    /// Passed.
    Ok,
    /// Waits for something.
    Waiting,
    /// Stopped here; this rung is the answer.
    Blocked,
    /// Not reached.
    Skipped,
}

/// One rung of the why ladder: data, features, decision, plan, risk, order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Name of the step.
    pub step: String,
    /// How it went.
    pub state: RungState,
    /// With which numbers.
    pub detail: String,
}

/// What a limit does when it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GaugeAction {
    /// Refuses the order.
    Block,
    /// Pauses entries for a time.
    Pause,
    /// Trips the kill latch.
    Kill,
    /// Closes the position.
    Close,
}

/// One limit with its use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauge {
    /// Name of the limit.
    pub name: String,
    /// Used part of the limit, 0 to 1 and above; `None` when it cannot be known.
    pub used: Option<f64>,
    /// Use and limit with their units.
    pub detail: String,
    /// What happens at the limit.
    pub action: GaugeAction,
}

/// An order that risk refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// When.
    pub at: Timestamp,
    /// Venue symbol.
    pub symbol: Symbol,
    /// Rule that refused.
    pub rule: String,
    /// Value and limit in words.
    pub detail: String,
}

/// Weight of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeLevel {
    /// For the record.
    Debug,
    /// Normal.
    Info,
    /// Needs an eye.
    Warn,
    /// Needs a hand.
    Error,
}

/// One line of the session's log, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Number of the notice, from 1.
    pub id: u64,
    /// Session time.
    pub at: Timestamp,
    /// Weight.
    pub level: NoticeLevel,
    /// Part of the system: feed, bar, agent, risk, exec, kill, day, session.
    pub topic: Cow<'static, str>,
    /// The text; free of control characters.
    pub text: String,
}

/// Counters by class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Inputs the engine has taken.
    pub n_events: u64,
    /// Closed bars used.
    pub n_bars: u64,
    /// Orders sent.
    pub n_orders: u64,
    /// Fills applied.
    pub n_fills: u64,
    /// Orders refused by risk.
    pub n_refused: u64,
    /// Orders rejected by the venue.
    pub n_rejected: u64,
    /// Unusable market messages.
    pub n_bad_data: u64,
    /// Model errors and missed deadlines.
    pub n_model_errors: u64,
    /// Longest time between two turns of the engine, in milliseconds.
    pub max_turn_gap_ms: u64,
}
