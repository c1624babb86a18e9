//! The parts of the settings that say how: limits, execution, broker, agents, console, log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::values::{self, LimitAction, Span};
use crate::control::ExitPolicy;
use crate::domain::{Money, Rate, TimeInForce};

/// A limit's action with everything it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Refuses what would break it.
    Block,
    /// Pauses entries for that long.
    Pause(Span),
    /// Trips the kill latch: everything is cancelled and closed.
    Kill,
}

impl LimitAction {
    /// The action with the pause that belongs to it.
    #[must_use]
    pub const fn with_pause(self, pause: Span) -> Reaction {
        match self {
            LimitAction::Block => Reaction::Block,
            LimitAction::Pause => Reaction::Pause(pause),
            LimitAction::Kill => Reaction::Kill,
        }
    }
}

/// Limits of the account. All parts are fractions: 0.10 is ten percent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RiskSettings {
    /// Largest position, as a part of the equity.
    #[serde(serialize_with = "values::number")]
    pub max_position_pct: Rate,
    /// What happens at `max_position_pct`.
    pub max_position_action: LimitAction,
    /// Largest value of all positions together, as a part of the equity.
    #[serde(serialize_with = "values::number")]
    pub max_exposure_pct: Rate,
    /// What happens at `max_exposure_pct`.
    pub max_exposure_action: LimitAction,
    /// Loss of a position, as a part of its entry value, at which it is closed.
    #[serde(serialize_with = "values::number")]
    pub stop_loss_pct: Rate,
    /// Largest loss of a UTC day, as a part of the equity at its start.
    #[serde(serialize_with = "values::number")]
    pub day_loss_pct: Rate,
    /// What happens at `day_loss_pct`.
    pub day_loss_action: LimitAction,
    /// How long a day's loss pauses entries.
    pub day_loss_pause: Span,
    /// Largest loss of an ISO week in UTC, as a part of the equity at its start.
    #[serde(serialize_with = "values::number")]
    pub week_loss_pct: Rate,
    /// What happens at `week_loss_pct`.
    pub week_loss_action: LimitAction,
    /// How long a week's loss pauses entries.
    pub week_loss_pause: Span,
    /// Largest distance of the equity from its peak, as a part of the peak.
    #[serde(serialize_with = "values::number")]
    pub max_drawdown_pct: Rate,
    /// What happens at `max_drawdown_pct`.
    pub max_drawdown_action: LimitAction,
    /// Smallest order that opens or adds, in the account's coin.
    #[serde(serialize_with = "values::number")]
    pub min_trade: Money,
    /// Largest distance of an order's price from the reference price.
    #[serde(serialize_with = "values::number")]
    pub price_band_pct: Rate,
    /// What happens outside of `price_band_pct`.
    pub price_band_action: LimitAction,
    /// Age from which a reference price is no reference, in milliseconds.
    pub stale_ms: u32,
    /// Most orders in 60 seconds.
    pub max_orders_per_minute: u32,
    /// What happens at `max_orders_per_minute`.
    pub order_rate_action: LimitAction,
    /// How long any other limit with the action `pause` pauses entries.
    pub pause: Span,
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self {
            max_position_pct: Rate::from_bps(1_000),
            max_position_action: LimitAction::Block,
            max_exposure_pct: Rate::from_bps(7_000),
            max_exposure_action: LimitAction::Block,
            stop_loss_pct: Rate::from_bps(800),
            day_loss_pct: Rate::from_bps(200),
            day_loss_action: LimitAction::Pause,
            day_loss_pause: Span::from_hours(24),
            week_loss_pct: Rate::from_bps(500),
            week_loss_action: LimitAction::Pause,
            week_loss_pause: Span::from_hours(7 * 24),
            max_drawdown_pct: Rate::from_bps(1_500),
            max_drawdown_action: LimitAction::Kill,
            min_trade: "500".parse().expect("a plain number is money"),
            price_band_pct: Rate::from_bps(200),
            price_band_action: LimitAction::Block,
            stale_ms: 4_000,
            max_orders_per_minute: 60,
            order_rate_action: LimitAction::Block,
            pause: Span::from_hours(1),
        }
    }
}

/// Kind of the orders that follow a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStyle {
    /// At the best price there is.
    Market,
    /// A limit order that is refused rather than taking liquidity.
    LimitPostOnly,
}

/// How a position changes its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlipStyle {
    /// One order closes, a second one opens.
    TwoOrders,
    /// One order does both.
    Netted,
}

/// How targets become orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExecutionSettings {
    /// Kind of the orders.
    pub order: OrderStyle,
    /// How a position changes its side.
    pub flip: FlipStyle,
    /// A change of the position smaller than this part of the largest one sends no order.
    #[serde(serialize_with = "values::number")]
    pub dead_band_pct: Rate,
    /// An entry that the balance does not cover is sent again, at most twice, smaller by this part.
    #[serde(serialize_with = "values::number")]
    pub shrink_pct: Rate,
    /// How long an order waits.
    pub tif: TimeInForce,
    /// Distance of a limit order from the best price on its own side, in ticks.
    pub limit_offset_ticks: u32,
}

impl Default for ExecutionSettings {
    fn default() -> Self {
        Self {
            order: OrderStyle::Market,
            flip: FlipStyle::TwoOrders,
            dead_band_pct: Rate::from_bps(2_000),
            shrink_pct: Rate::from_bps(1_000),
            tif: TimeInForce::Gtc,
            limit_offset_ticks: 0,
        }
    }
}

/// The simulated broker. A cost that is not set comes from the bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaperSettings {
    /// Fee of a resting fill, in basis points; negative is a rebate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker_bps: Option<f64>,
    /// Fee of a taking fill, in basis points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taker_bps: Option<f64>,
    /// Distance between the last price and a taking fill where no book is known, in basis points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slippage_bps: Option<f64>,
    /// Time from an order to the broker, in milliseconds of session time.
    pub latency_ms: u32,
    /// Largest part of a bar's volume that one order may fill.
    #[serde(serialize_with = "values::number")]
    pub participation: Rate,
}

impl Default for PaperSettings {
    fn default() -> Self {
        Self {
            maker_bps: None,
            taker_bps: None,
            slippage_bps: None,
            latency_ms: 50,
            participation: Rate::from_bps(1_000),
        }
    }
}

impl PaperSettings {
    /// Maker fee where neither a setting nor a bundle names one, in basis points.
    pub const MAKER_BPS: f64 = 2.0;
    /// Taker fee where neither a setting nor a bundle names one, in basis points.
    pub const TAKER_BPS: f64 = 5.5;
    /// Slippage where neither a setting nor a bundle names one, in basis points.
    pub const SLIPPAGE_BPS: f64 = 5.0;

    /// Basis points as a rate; the settings were checked to be finite and small.
    #[must_use]
    pub fn rate_of_bps(bps: f64) -> Rate {
        Rate::from_f64(bps / 1e4).unwrap_or_default()
    }
}

/// Trained agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSettings {
    /// A decision that takes longer than this counts as none, in milliseconds.
    pub deadline_ms: u32,
    /// Errors in a row after which a leg is stopped.
    pub max_model_errors: u32,
    /// Library of the ONNX runtime; `None` is the engine that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnxruntime: Option<PathBuf>,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            deadline_ms: 500,
            max_model_errors: 3,
            onnxruntime: None,
        }
    }
}

/// What happens to trading when the terminal goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TerminalLost {
    /// Trading goes on.
    Continue,
    /// No new entries.
    Reduce,
    /// Orders are cancelled, positions stay.
    Halt,
}

/// Characters that the console draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SymbolSet {
    /// Lines, arrows, blocks.
    Unicode,
    /// ASCII only.
    Ascii,
}

/// The console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UiSettings {
    /// Name or file of the theme; `auto` asks the terminal.
    pub theme: String,
    /// Most frames a second.
    pub fps: u32,
    /// Characters to draw with.
    pub symbols: SymbolSet,
    /// Whether the mouse is used; without it the terminal's own selection works.
    pub mouse: bool,
    /// What happens when the terminal goes away.
    pub on_terminal_lost: TerminalLost,
    /// What happens to orders and positions at the end of a session.
    pub on_exit: ExitPolicy,
}

impl Default for UiSettings {
    fn default() -> Self {
        Self {
            theme: "auto".to_owned(),
            fps: 10,
            symbols: SymbolSet::Unicode,
            mouse: true,
            on_terminal_lost: TerminalLost::Continue,
            on_exit: ExitPolicy::Keep,
        }
    }
}

impl UiSettings {
    /// Whether only ASCII may be drawn.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.symbols == SymbolSet::Ascii
    }
}

/// Least weight of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Errors only.
    Error,
    /// And warnings.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// Name as `tracing` filters spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

/// Form of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Least weight of a line.
    pub level: LogLevel,
    /// Folder of the files; `None` is `log` in the state folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<PathBuf>,
    /// Form of a line.
    pub format: LogFormat,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            dir: None,
            format: LogFormat::Text,
        }
    }
}
