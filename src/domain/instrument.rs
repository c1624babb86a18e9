//! Instruments and the venue's rules for them, read from data.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::money::{Money, Price, Qty};
use super::order::{OrderKind, OrderSpec};

/// Venue symbol, such as `BTCUSDT`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// Symbol from text.
    ///
    /// # Errors
    ///
    /// When the text is not 1 to 32 ASCII letters, digits, dashes or underscores. Nothing else
    /// can reach a terminal, a file name or a client order id through a symbol.
    pub fn new(text: &str) -> Result<Self, InstrumentError> {
        let usable = !text.is_empty()
            && text.len() <= 32
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if usable {
            Ok(Self(text.into()))
        } else {
            Err(InstrumentError::BadSymbol(text.chars().take(40).collect()))
        }
    }

    /// The symbol as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Kind of market an instrument trades on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Coin against coin; a position is a balance and cannot be short.
    Spot,
    /// Perpetuals and futures settled in the quote coin.
    Linear,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Category::Spot => "spot",
            Category::Linear => "linear",
        })
    }
}

/// Number of an instrument in its session's [`Instruments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstrumentId(pub u16);

impl InstrumentId {
    /// Position in the table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One instrument with the venue's trading rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Venue symbol.
    pub symbol: Symbol,
    /// Market it trades on.
    pub category: Category,
    /// Coin that is bought and sold.
    pub base: String,
    /// Coin that prices are in; profits settle in it.
    pub quote: String,
    /// Price grid.
    pub tick: Price,
    /// Quantity grid.
    pub qty_step: Qty,
    /// Smallest order.
    pub min_qty: Qty,
    /// Largest limit order.
    pub max_qty: Qty,
    /// Largest market order.
    pub max_market_qty: Qty,
    /// Smallest order value, price times quantity.
    pub min_notional: Money,
    /// Hours between fundings; 0 for spot.
    pub funding_hours: u32,
}

/// Why an instrument table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// Text that is no symbol.
    #[error("{0:?} is not a symbol: use letters, digits, dash or underscore, at most 32")]
    BadSymbol(String),
    /// Symbol that the table does not have.
    #[error("unknown symbol {symbol} ({category}); known: {known}")]
    Unknown {
        /// Symbol asked for.
        symbol: String,
        /// Category asked for.
        category: Category,
        /// Some that exist.
        known: String,
    },
    /// Rules that contradict each other.
    #[error("instrument {symbol}: {problem}")]
    BadRules {
        /// Symbol with the bad rules.
        symbol: Symbol,
        /// What is wrong with them.
        problem: &'static str,
    },
}

/// A venue rule that an order would break, with both numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum RuleViolation {
    /// Price is not a multiple of the tick.
    #[error("price {price} is not a multiple of the tick {tick}")]
    PriceGrid {
        /// Price given.
        price: Price,
        /// Tick of the instrument.
        tick: Price,
    },
    /// Quantity is not a multiple of the step.
    #[error("quantity {qty} is not a multiple of the step {step}")]
    QtyGrid {
        /// Quantity given.
        qty: Qty,
        /// Step of the instrument.
        step: Qty,
    },
    /// Quantity below the minimum.
    #[error("quantity {qty} is below the minimum {min}")]
    BelowMinQty {
        /// Quantity given.
        qty: Qty,
        /// Smallest allowed.
        min: Qty,
    },
    /// Quantity above the maximum.
    #[error("quantity {qty} is above the maximum {max}")]
    AboveMaxQty {
        /// Quantity given.
        qty: Qty,
        /// Largest allowed.
        max: Qty,
    },
    /// Value below the minimum.
    #[error("value {notional} is below the minimum {min}")]
    BelowMinNotional {
        /// Value of the order.
        notional: Money,
        /// Smallest allowed.
        min: Money,
    },
}

impl Instrument {
    /// Checks the rules against each other.
    ///
    /// # Errors
    ///
    /// When a grid is zero or a maximum lies below its minimum.
    pub fn validate(&self) -> Result<(), InstrumentError> {
        let bad = |problem| {
            Err(InstrumentError::BadRules {
                symbol: self.symbol.clone(),
                problem,
            })
        };
        if self.tick.is_zero() {
            return bad("tick is zero");
        }
        if self.qty_step.is_zero() {
            return bad("quantity step is zero");
        }
        if self.max_qty < self.min_qty || self.max_market_qty < self.min_qty {
            return bad("largest order is below the smallest");
        }
        Ok(())
    }

    /// Checks one order against the venue's grids and limits.
    ///
    /// `reference` prices orders that carry no price of their own. A reduce-only order may be
    /// below the smallest amount and value, so that the rest of a position can always be closed; it
    /// may not be off the grid.
    ///
    /// # Errors
    ///
    /// The first rule the order breaks.
    pub fn check(&self, order: &OrderSpec, reference: Price) -> Result<(), RuleViolation> {
        for price in order.kind.prices() {
            if price.floor_to(self.tick) != price {
                return Err(RuleViolation::PriceGrid {
                    price,
                    tick: self.tick,
                });
            }
        }
        if order.qty.floor_to(self.qty_step) != order.qty {
            return Err(RuleViolation::QtyGrid {
                qty: order.qty,
                step: self.qty_step,
            });
        }
        if order.qty.is_zero() || (!order.reduce_only && order.qty < self.min_qty) {
            return Err(RuleViolation::BelowMinQty {
                qty: order.qty,
                min: self.min_qty,
            });
        }
        let max = match order.kind {
            OrderKind::Limit { .. } => self.max_qty,
            OrderKind::Market | OrderKind::Stop { .. } | OrderKind::TakeProfit { .. } => {
                self.max_market_qty
            }
        };
        if order.qty > max {
            return Err(RuleViolation::AboveMaxQty {
                qty: order.qty,
                max,
            });
        }
        let notional = order.kind.limit_price().unwrap_or(reference) * order.qty;
        if !order.reduce_only && notional < self.min_notional {
            return Err(RuleViolation::BelowMinNotional {
                notional,
                min: self.min_notional,
            });
        }
        Ok(())
    }
}

/// The instruments of one session, numbered in a fixed order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instruments(Vec<Instrument>);

impl Instruments {
    /// Table over `list`, in that order.
    ///
    /// # Errors
    ///
    /// When an instrument's rules contradict each other.
    pub fn new(list: Vec<Instrument>) -> Result<Self, InstrumentError> {
        for instrument in &list {
            instrument.validate()?;
        }
        Ok(Self(list))
    }

    /// Instrument of that number.
    ///
    /// # Panics
    ///
    /// When the number is from another table.
    #[must_use]
    pub fn get(&self, id: InstrumentId) -> &Instrument {
        &self.0[id.index()]
    }

    /// Number of a symbol.
    ///
    /// # Errors
    ///
    /// When the table does not have it; the message lists some that it has.
    pub fn find(&self, symbol: &str, category: Category) -> Result<InstrumentId, InstrumentError> {
        self.iter()
            .find(|(_, i)| i.symbol.as_str() == symbol && i.category == category)
            .map(|(id, _)| id)
            .ok_or_else(|| InstrumentError::Unknown {
                symbol: symbol.chars().take(40).collect(),
                category,
                known: self
                    .0
                    .iter()
                    .filter(|i| i.category == category)
                    .take(8)
                    .map(|i| i.symbol.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// All instruments with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        (0_u16..).map(InstrumentId).zip(&self.0)
    }

    /// Number of instruments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
