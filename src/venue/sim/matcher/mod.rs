//! The one matcher: orders and market events in, account events out.
//!
//! It is the paper broker, the market of a backtest and the heart of the exchange simulator. It
//! is pure: no clock, no chance, no hash map; the same calls give the same answers. It models no
//! latency (that is [`super::paper`]) and does not touch the market by trading in it, except
//! that what was taken from a shown level stays taken.
//!
//! # The rules
//!
//! These sentences are the rules; a difference between them and the code is a fault of the code.
//!
//! Admission:
//!
//! 1. A name that was ever used, by a finished or refused order too, is refused as duplicate;
//!    names that begin with `liq-` belong to the venue.
//! 2. An order off the instrument's grids or limits, for an unknown instrument, or on one that
//!    settles in another coin than the account, is refused with the rule in words.
//! 3. A market or conditional order is refused while no price is known.
//! 4. A reduce-only order without an opposite position is refused; one larger than the position
//!    is shrunk to it, and shrunk further or cancelled whenever the position shrinks. When a
//!    shrunk order has filled what was left of it, the rest is reported as cancelled.
//! 5. A conditional order whose trigger is reached already is refused.
//! 6. A post-only order that would trade at once is refused. One that arrived between a bar's
//!    close and the next price, and would trade at that price, is cancelled. It never takes.
//! 7. A fill-or-kill order that cannot fill whole at its first chance is refused when that chance
//!    is its arrival, else cancelled.
//! 8. Spot: a sale must be covered by the balance less other open sales, a purchase by the cash
//!    less unrealised losses, margin and other open purchases, at its worst price and with the
//!    taker fee. A purchase that the cash no longer covers when it trades fills what it covers;
//!    the rest is cancelled. Reduce-only orders reserve nothing.
//! 9. Linear: an order that increases the worst case (each instrument at the larger of "all buys
//!    fill" and "all sells fill") is refused when that worst case divided by the leverage exceeds
//!    cash plus unrealised profit less reserved spot purchases. Spot balances are no collateral.
//!
//! Taking:
//!
//! 10. A taking order trades against a valid book, else a quote, else the last price (bar open,
//!     public trade, bar close, whichever is newest).
//! 11. Book: level by level, one fill each, at the level's price. When it is exhausted the rest
//!     goes on at the next event (GTC) or is cancelled (IOC).
//! 12. Quote: up to the shown size at the touch, the rest at the touch moved by slippage.
//! 13. What was taken from a level or a quote stays taken until the feed states it again.
//! 14. Last price: moved against us by slippage and rounded to the tick against us. A limit is
//!     marketable when the last price is strictly better than it, and fills no worse than it.
//! 15. With only a last price, at most `participation` times the previous bar's volume trades in
//!     one bar, all our fills in it counted; the rest of a GTC order goes on at the next bar's
//!     open, that of an IOC order is cancelled. After a bar without volume (a halt) nothing
//!     fills. Before the first bar the volume is unknown and caps nothing. `None` lifts the cap.
//! 16. Between a bar's close and the next price of its instrument the close is no price of now:
//!     an order that arrives there waits, and fills at the open. If a feed never told the open,
//!     the bar's own open stands in for it when the bar arrives.
//! 17. Taking pays the taker fee, resting the maker fee, as a part of price times quantity in the
//!     quote coin (on spot purchases too), truncated at the 22nd decimal place.
//!
//! Resting:
//!
//! 18. With bars, a resting order fills when the bar traded strictly through its price, at that
//!     price, up to `participation` times this bar's volume less our other fills in it.
//!     Equality does not fill: nobody knows the queue.
//! 19. A bar counts only for orders that arrived at or before its open time. That is too strict
//!     for an order that arrived within the bar, on purpose: its range may lie before the order.
//! 20. With public trades, it fills when a trade prints strictly through its price, or at its
//!     price by the opposite aggressor once the amount shown at arrival has traded there; in both
//!     cases by no more than was printed. What was not shown at arrival is an unknown queue and
//!     never fills at equality. Cancellations ahead do not shorten the queue.
//! 21. With quotes and books, it fills when the opposite side is shown strictly through its
//!     price, by no more than is shown there.
//!
//! A bar that contradicts itself or lies off its grid says nothing.
//!
//! Triggers:
//!
//! 22. A conditional order becomes a market order. It watches the last price, or the mark (the
//!     last price until a mark is known).
//! 23. With bars it wakes at the open when that is beyond the trigger, at the open's price; else
//!     when the bar's range reaches the trigger, at the trigger; both moved by slippage. For an
//!     order that arrived within the bar only the close counts, at the worse of trigger and close.
//!     A book or quote, when known, is what it trades against instead (rule 10).
//! 24. Within one bar the worst case holds: stops first, those nearest to the open before the
//!     others, then liquidation, then take-profits, then resting orders.
//!
//! Money:
//!
//! 25. Linear: cash changes by realised profit, fee and funding. Spot: by the whole value.
//!     A position is valued at the mark, else the last price, else the middle of book or quote,
//!     else its own entry.
//! 26. Funding moves the position's value times the rate from longs to shorts.
//! 27. When cash plus unrealised profit is at or below `maintenance` times the value of all
//!     linear positions, every linear order is cancelled and every linear position closed, at the
//!     price at which that was found and with the taker fee. That price is the mark once one is
//!     known; before that, any last price and the bar's worse extreme, the latter only for a
//!     position that has not grown since the bar's open. Cash may end below zero.
//! 28. Execution ids are `<order>-<n>`, those of liquidations `liq-<instrument number>-<n>`.
//! 29. A fill is measured against the last known price at hand-over, bounded by the order's
//!     limit; against the trigger for conditional orders.
//!
//! For a venue's interface, which a broker does not use:
//!
//! 30. An amended order keeps its name. A new limit or a larger amount gives up its place in the
//!     queue and lets it arrive anew; a smaller amount keeps its place. What would be refused
//!     as a new order is refused as an amend, which then changes nothing.
//! 31. The venue can book a trade that no order of the matcher made, at any price; reduce-only
//!     orders shrink with the position as always. It can close one position as rule 27 does, and
//!     move a fee from cash to the base coin on spot.

mod admit;
mod bars;
mod depth;
mod desk;
mod funds;
mod order;
mod react;
mod settings;
mod take;
mod tape;
mod wallet;

pub use desk::{AmendError, Change};
pub use settings::{Costs, Settings, SettingsError};
pub(in crate::venue::sim) use wallet::Position;
pub use wallet::Totals;

use self::order::{State, Working};
use self::tape::Tape;
use self::wallet::Wallet;
use crate::domain::{
    AccountEvent, Category, ClientOrderId, InstrumentId, Instruments, Money, Price, SignedQty,
    Timestamp, UsedNames,
};
use crate::venue::broker::{AccountSnapshot, OpenOrder, OpenPosition};

/// Where answers go: each with the moment it happened, in the order they happened.
pub type Answers = Vec<(Timestamp, AccountEvent)>;

/// A venue for one account. The module's text states its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matcher {
    instruments: Instruments,
    settings: Settings,
    /// One for each instrument, in the table's order.
    markets: Vec<Market>,
    wallet: Wallet,
    /// Every name ever used.
    seen: UsedNames,
    n_liquidations: u64,
}

/// One instrument: its market, and what we have in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Market {
    instrument: InstrumentId,
    category: Category,
    tape: Tape,
    costs: Costs,
    position: Position,
    /// Oldest first; finished ones are swept at the end of each call.
    orders: Vec<Working>,
}

impl Market {
    /// Whether nothing of ours can be touched by its events.
    fn is_idle(&self) -> bool {
        self.orders.is_empty() && self.position.qty.is_zero()
    }

    /// Price that the position is valued at: mark, else the last known price, else its entry.
    fn valuation(&self) -> Option<Price> {
        self.tape.valuation().or_else(|| self.position.entry())
    }
}

impl Matcher {
    /// A venue for `instruments` with an account as `settings` say.
    ///
    /// # Errors
    ///
    /// When a setting is out of its range.
    pub fn new(instruments: Instruments, settings: Settings) -> Result<Self, SettingsError> {
        settings.check(instruments.len())?;
        let markets = instruments
            .iter()
            .map(|(id, rules)| Market {
                instrument: id,
                category: rules.category,
                tape: Tape::default(),
                costs: *settings.costs_of.get(&id).unwrap_or(&settings.costs),
                position: Position::default(),
                orders: Vec::new(),
            })
            .collect();
        Ok(Self {
            wallet: Wallet {
                cash: settings.cash,
                totals: Totals::default(),
            },
            instruments,
            settings,
            markets,
            seen: UsedNames::default(),
            n_liquidations: 0,
        })
    }

    /// Cancels an order; one that is finished or was never here is answered with a refusal.
    pub fn cancel(&mut self, at: Timestamp, order: &ClientOrderId, out: &mut Answers) {
        let place = self.markets.iter().enumerate().find_map(|(m, market)| {
            let k = market.orders.iter().position(|o| o.id == *order)?;
            Some((m, k))
        });
        match place {
            Some((m, k)) => {
                self.end(m, k, at, out);
                self.sweep(m);
            }
            None => out.push((at, AccountEvent::CancelRejected { order: *order })),
        }
    }

    /// Cancels every order, or every order on one instrument; by instrument, oldest first.
    pub fn cancel_all(
        &mut self,
        at: Timestamp,
        instrument: Option<InstrumentId>,
        out: &mut Answers,
    ) {
        for m in 0..self.markets.len() {
            if instrument.is_some_and(|only| only.index() != m) {
                continue;
            }
            for k in 0..self.markets[m].orders.len() {
                self.end(m, k, at, out);
            }
            self.sweep(m);
        }
    }

    /// Orders that can still trade, by instrument, oldest first.
    pub fn orders(&self) -> impl Iterator<Item = OpenOrder> {
        self.markets
            .iter()
            .flat_map(|market| market.orders.iter().map(Working::report))
    }

    /// Position in an instrument; zero for one that the table does not have.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> SignedQty {
        self.markets
            .get(instrument.index())
            .map_or(SignedQty::ZERO, |market| market.position.qty)
    }

    /// Positions that are not zero, by instrument.
    pub fn positions(&self) -> impl Iterator<Item = OpenPosition> {
        self.markets.iter().filter_map(|market| {
            Some(OpenPosition {
                instrument: market.instrument,
                qty: market.position.qty,
                entry: market.position.entry()?,
            })
        })
    }

    /// Cash, without unrealised profit.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.wallet.cash
    }

    /// Realised profit, fees and funding since the start.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.wallet.totals
    }

    /// Last known price of an instrument, before any slippage: what an order handed over now
    /// will be measured against. `None` while there is none.
    #[must_use]
    pub fn reference(&self, instrument: InstrumentId) -> Option<Price> {
        self.markets.get(instrument.index())?.tape.reference()
    }

    /// Whether the venue has ever been given an order of this name.
    #[must_use]
    pub fn knows(&self, order: &ClientOrderId) -> bool {
        self.seen.contains(order.as_str())
    }

    /// The account as the venue sees it.
    #[must_use]
    pub fn account(&self) -> AccountSnapshot {
        AccountSnapshot {
            orders: self.orders().collect(),
            positions: self.positions().collect(),
            cash: self.cash(),
            is_uncertain: false,
        }
    }

    /// Finishes an order that has something left.
    fn end(&mut self, m: usize, k: usize, at: Timestamp, out: &mut Answers) {
        let order = &mut self.markets[m].orders[k];
        if !order.is_done() {
            order.state = State::Done;
            out.push((at, AccountEvent::Cancelled { order: order.id }));
        }
    }

    /// Drops finished orders.
    fn sweep(&mut self, m: usize) {
        self.markets[m].orders.retain(|order| !order.is_done());
    }
}
