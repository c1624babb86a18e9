//! Orders: what is wanted, under which name, and how it is to be filled.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::instrument::InstrumentId;
use super::money::{Price, Qty, Rate};
use super::time::Timestamp;

/// Side of an order or a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Buys the base coin.
    Buy,
    /// Sells the base coin.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
        })
    }
}

/// Which price a conditional order watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerPrice {
    /// Last traded price.
    Last,
    /// Mark price.
    Mark,
}

/// How an order is to be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// At the best price there is.
    Market,
    /// At `price` or better.
    Limit {
        /// Worst acceptable price.
        price: Price,
        /// Refused rather than taking liquidity.
        post_only: bool,
    },
    /// Becomes a market order once the price moves to `trigger` *against* the position.
    Stop {
        /// Price that wakes it.
        trigger: Price,
        /// Price that is watched.
        by: TriggerPrice,
    },
    /// Becomes a market order once the price moves to `trigger` *in favour of* the position.
    TakeProfit {
        /// Price that wakes it.
        trigger: Price,
        /// Price that is watched.
        by: TriggerPrice,
    },
}

impl OrderKind {
    /// Price that the fill cannot be worse than, where there is one.
    #[must_use]
    pub const fn limit_price(&self) -> Option<Price> {
        match self {
            OrderKind::Limit { price, .. } => Some(*price),
            _ => None,
        }
    }

    /// Trigger of a conditional order.
    #[must_use]
    pub const fn trigger(&self) -> Option<Price> {
        match self {
            OrderKind::Stop { trigger, .. } | OrderKind::TakeProfit { trigger, .. } => {
                Some(*trigger)
            }
            _ => None,
        }
    }

    /// Every price the order carries.
    pub(super) fn prices(&self) -> impl Iterator<Item = Price> {
        self.limit_price().into_iter().chain(self.trigger())
    }

    /// Short name for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            OrderKind::Market => "market",
            OrderKind::Limit {
                post_only: true, ..
            } => "limit post-only",
            OrderKind::Limit { .. } => "limit",
            OrderKind::Stop { .. } => "stop",
            OrderKind::TakeProfit { .. } => "take-profit",
        }
    }
}

/// How long an order may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TimeInForce {
    /// Until cancelled.
    Gtc,
    /// What fills at once; the rest is cancelled.
    Ioc,
    /// All at once, or nothing.
    Fok,
}

impl fmt::Display for TimeInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            TimeInForce::Gtc => "GTC",
            TimeInForce::Ioc => "IOC",
            TimeInForce::Fok => "FOK",
        })
    }
}

/// What an order is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Opens or adds to a position.
    Entry,
    /// Closes or shrinks a position because the strategy wants less.
    Exit,
    /// Protects a position from a loss.
    StopLoss,
    /// Takes a profit.
    TakeProfit,
    /// Closes because of the kill ladder or an operator.
    Flatten,
}

impl Purpose {
    /// Name for people and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Purpose::Entry => "entry",
            Purpose::Exit => "exit",
            Purpose::StopLoss => "stop-loss",
            Purpose::TakeProfit => "take-profit",
            Purpose::Flatten => "flatten",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The order itself, without its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSpec {
    /// Instrument to trade.
    pub instrument: InstrumentId,
    /// Side.
    pub side: Side,
    /// Amount, on the instrument's grid.
    pub qty: Qty,
    /// How it is filled.
    pub kind: OrderKind,
    /// How long it waits.
    pub tif: TimeInForce,
    /// May only shrink a position.
    pub reduce_only: bool,
    /// What it is for.
    pub purpose: Purpose,
}

/// Number of a leg: one strategy on one instrument and interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LegId(pub u16);

impl LegId {
    /// Position in the engine's table of legs.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A wish for an order that risk has not seen yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Name of the order; the same decision always has the same name.
    pub id: ClientOrderId,
    /// Leg that wants it.
    pub leg: LegId,
    /// Engine input that led to it: joins bar, features, decision, verdict and order.
    pub trace: u64,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The order.
    pub spec: OrderSpec,
}

impl AsRef<Intent> for Intent {
    fn as_ref(&self) -> &Intent {
        self
    }
}

/// Why a text is not a client order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a client order id: use 1 to 36 letters, digits, dashes or underscores")]
pub struct OrderIdError(String);

/// Name of an order that we choose: 1 to 36 of letters, digits, dash and underscore.
///
/// It is a function of the decision, never of the clock or of chance, so that the same decision
/// after a crash names the same order and the venue itself refuses the duplicate (Bybit v5
/// `orderLinkId`: at most 36 characters, always unique).
#[derive(Clone, Copy, Eq, Hash)]
#[expect(
    clippy::derived_hash_with_manual_eq,
    reason = "the same bytes are equal either way"
)]
pub struct ClientOrderId {
    len: u8,
    text: [u8; 36],
}

impl PartialEq for ClientOrderId {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.as_numbers() == other.as_numbers()
    }
}

impl Ord for ClientOrderId {
    /// By length, then by bytes. Maps of orders are searched several times for each event of the
    /// broker, so the bytes are compared as three numbers and not one by one.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.len
            .cmp(&other.len)
            .then_with(|| self.as_numbers().cmp(&other.as_numbers()))
    }
}

impl PartialOrd for ClientOrderId {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl ClientOrderId {
    /// Longest id the venue takes.
    pub const MAX_LEN: usize = 36;

    /// Id of one attempt at one leg of a decision.
    ///
    /// `scope` is a hash over account, strategy, symbol and interval; `bar` is the open time of
    /// the decision's bar; `role` tells the parts of one decision apart (close, open, stop);
    /// `attempt` counts proven-dead predecessors.
    #[must_use]
    pub fn of_decision(scope: u64, bar: Timestamp, role: char, attempt: u32) -> Self {
        let mut id = Self {
            len: 0,
            text: [0; 36],
        };
        id.push_all(b"tt-");
        id.push_base36(scope, 10);
        id.push_all(b"-");
        id.push_base36(bar.millis().unsigned_abs(), 9);
        id.push_all(b"-");
        let role = if role.is_ascii_alphanumeric() {
            role
        } else {
            'x'
        };
        id.push_all(role.encode_utf8(&mut [0; 4]).as_bytes());
        id.push_base36(u64::from(attempt), 1);
        id
    }

    /// The bytes as numbers that order as they do.
    #[inline]
    fn as_numbers(&self) -> (u128, u128, u32) {
        const FITS: &str = "16 + 16 + 4 bytes are 36";
        let (first, rest) = self.text.split_first_chunk().expect(FITS);
        let (second, rest) = rest.split_first_chunk().expect(FITS);
        let third = rest.first_chunk().expect(FITS);
        (
            u128::from_be_bytes(*first),
            u128::from_be_bytes(*second),
            u32::from_be_bytes(*third),
        )
    }

    /// Appends what still fits.
    #[inline]
    fn push_all(&mut self, bytes: &[u8]) {
        let at = usize::from(self.len);
        let n = bytes.len().min(Self::MAX_LEN - at);
        self.text[at..at + n].copy_from_slice(&bytes[..n]);
        self.len += u8::try_from(n).expect("36 fit a byte");
    }

    /// Appends `value` in base 36, at least `width` digits; `u64::MAX` has 13.
    fn push_base36(&mut self, mut value: u64, width: usize) {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut digits = [b'0'; 13];
        let mut at = digits.len();
        while value > 0 {
            at -= 1;
            digits[at] = DIGITS[usize::try_from(value % 36).expect("below 36")];
            value /= 36;
        }
        self.push_all(&digits[at.min(digits.len().saturating_sub(width))..]);
    }

    /// The id as text.
    ///
    /// # Panics
    ///
    /// Never: only ASCII is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.len)]).expect("only ASCII is stored")
    }
}

impl FromStr for ClientOrderId {
    type Err = OrderIdError;

    fn from_str(text: &str) -> Result<Self, OrderIdError> {
        let usable = (1..=Self::MAX_LEN).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !usable {
            return Err(OrderIdError(text.chars().take(48).collect()));
        }
        let mut id = Self {
            len: 0,
            text: [0; 36],
        };
        id.push_all(text.as_bytes());
        Ok(id)
    }
}

impl fmt::Display for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ClientOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ClientOrderId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientOrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Why a number is not an exposure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("exposure {0} is outside of -1 to 1")]
pub struct ExposureError(Rate);

/// Wanted position as a part of the largest one the leg may hold: -1 (all short) to 1 (all long).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Exposure(Rate);

impl Exposure {
    /// No position.
    pub const FLAT: Self = Self(Rate::ZERO);
    /// Largest long position.
    pub const LONG: Self = Self(Rate::ONE);
    /// Largest short position.
    pub const SHORT: Self = Self(Rate::from_raw(-Rate::ONE.raw()));

    /// Exposure of a rate.
    ///
    /// # Errors
    ///
    /// When the rate is outside of -1 to 1.
    pub fn new(rate: Rate) -> Result<Self, ExposureError> {
        if rate.abs() > Rate::ONE {
            Err(ExposureError(rate))
        } else {
            Ok(Self(rate))
        }
    }

    /// The exposure as a rate.
    #[must_use]
    pub const fn rate(self) -> Rate {
        self.0
    }

    /// Side of an order that would open this exposure; `None` when flat.
    #[must_use]
    pub fn side(self) -> Option<Side> {
        match self.0.raw() {
            0 => None,
            raw if raw > 0 => Some(Side::Buy),
            _ => Some(Side::Sell),
        }
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.2}", self.0)
    }
}
