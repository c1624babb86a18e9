//! Cash, positions, profit and equity as a fold over fills, funding and marks.
//!
//! Exact integers throughout: equity is start plus realised plus unrealised less fees and
//! funding, to the last digit, whatever the order of the fills. It does not know orders, limits
//! or statistics, and it does not look for differences to the venue.

use super::position::{ClosedTrade, Position, slippage};
use crate::domain::{
    Fill, InstrumentId, LegId, Money, Price, Qty, Rate, SignedQty, Timestamp, UsedNames,
};

/// What one fill did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FillOutcome {
    /// Whether it was new; a fill seen before changes nothing and leaves the rest empty.
    pub applied: bool,
    /// Whether it left flat, or turned the position around.
    pub opened: bool,
    /// The trade it finished.
    pub closed: Option<ClosedTrade>,
    /// Profit of the part it closed, before fees.
    pub realised: Money,
    /// Size after it.
    pub size: SignedQty,
}

/// One instrument's row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Slot {
    position: Option<Position>,
    /// Newest price to value a position at; a fill stands in until the market has said one.
    mark: Option<Price>,
    /// Unrealised profit at `mark`.
    unrealised: Money,
    /// Value of the position at `mark`, without sign.
    exposure: Money,
    /// Executions applied. Venues replay them after any time, so they are kept for ever.
    seen: UsedNames,
    /// Venue time of the newest fill.
    filled_at: Option<Timestamp>,
}

/// Equity at the start of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Period {
    /// Number of the day or week.
    number: i64,
    start: Money,
}

/// What we believe we hold.
///
/// Invariants: `cash = start + realised - fees - funding`; `unrealised` and `exposure` are the
/// sums over all instruments; each (instrument, execution) counts at most once; the peak never
/// falls.
///
/// A bar costs [`Ledger::roll`], [`Ledger::mark`], [`Ledger::equity`] and
/// [`Ledger::update_peak`]: one multiplication, no division, no allocation.
///
/// Size, cash plus position value, fees and slippage do not depend on the order in which fills
/// arrive. How profit splits into realised and unrealised, and where one trade ends, follow
/// the order of arrival, as they must for a running account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    start: Money,
    cash: Money,
    realised: Money,
    fees: Money,
    funding: Money,
    slippage: Money,
    unrealised: Money,
    exposure: Money,
    peak: Money,
    n_fills: u64,
    n_adopted: u64,
    n_open: usize,
    slots: Vec<Slot>,
    day: Option<Period>,
    week: Option<Period>,
    /// First millisecond of the next UTC day: until then `roll` has nothing to do.
    next_day: Timestamp,
}

impl Ledger {
    /// Flat ledger with `start` as cash, for `n_instruments` instruments.
    #[must_use]
    pub fn new(start: Money, n_instruments: usize) -> Self {
        Self {
            start,
            cash: start,
            realised: Money::ZERO,
            fees: Money::ZERO,
            funding: Money::ZERO,
            slippage: Money::ZERO,
            unrealised: Money::ZERO,
            exposure: Money::ZERO,
            peak: start,
            n_fills: 0,
            n_adopted: 0,
            n_open: 0,
            slots: vec![Slot::default(); n_instruments],
            day: None,
            week: None,
            next_day: Timestamp::from_millis(i64::MIN),
        }
    }

    /// Applies a fill once, however often it is repeated.
    ///
    /// `leg` is the leg of the order, for the position it may open.
    pub fn apply_fill(&mut self, fill: &Fill, leg: Option<LegId>) -> FillOutcome {
        let at = fill.instrument.index();
        if self.slots.len() <= at {
            self.slots.resize(at + 1, Slot::default());
        }
        let slot = &mut self.slots[at];
        if !slot.seen.insert(&fill.exec_id) {
            return FillOutcome::default();
        }
        let was_open = slot.position.is_some();
        let outcome = slot.fold(fill, leg);
        slot.mark.get_or_insert(fill.price);
        slot.filled_at = slot.filled_at.max(Some(fill.at));
        self.n_open += usize::from(slot.position.is_some());
        self.n_open -= usize::from(was_open);
        self.realised += outcome.realised;
        self.fees += fill.fee;
        self.slippage += slippage(fill, fill.qty);
        self.cash += outcome.realised - fill.fee;
        self.n_fills += 1;
        self.revalue(at);
        outcome
    }

    /// Books a funding payment: positive is paid, negative received. Returns whether it is new:
    /// one with a name counts once, one without (from a simulation) each time.
    pub fn apply_funding(
        &mut self,
        instrument: InstrumentId,
        paid: Money,
        payment: Option<&str>,
    ) -> bool {
        if let (Some(name), Some(slot)) = (payment, self.slots.get_mut(instrument.index()))
            && !slot.seen.insert(name)
        {
            return false;
        }
        self.funding += paid;
        self.cash -= paid;
        let slot = self.slots.get_mut(instrument.index());
        if let Some(position) = slot.and_then(|s| s.position.as_mut()) {
            position.funding += paid;
        }
        true
    }

    /// Takes over the venue's position as ours: an adjustment that a person has asked for, because
    /// no fill explains it. Cash stays what it is.
    pub fn adopt(
        &mut self,
        instrument: InstrumentId,
        size: SignedQty,
        entry: Price,
        at: Timestamp,
        leg: Option<LegId>,
    ) {
        let slot = &mut self.slots[instrument.index()];
        self.n_open -= usize::from(slot.position.is_some());
        slot.position = Position::adopted(size, entry, at, leg);
        self.n_open += usize::from(slot.position.is_some());
        slot.mark.get_or_insert(entry);
        self.n_adopted += 1;
        self.revalue(instrument.index());
    }

    /// Positions that were taken over from the venue without fills.
    #[must_use]
    pub const fn n_adopted(&self) -> u64 {
        self.n_adopted
    }

    /// Venue time of the newest fill of an instrument.
    #[must_use]
    pub fn filled_at(&self, instrument: InstrumentId) -> Option<Timestamp> {
        self.slots.get(instrument.index())?.filled_at
    }

    /// Values the instrument's position at `price` from now on.
    #[inline]
    pub fn mark(&mut self, instrument: InstrumentId, price: Price) {
        let at = instrument.index();
        if let Some(slot) = self.slots.get_mut(at) {
            slot.mark = Some(price);
            if slot.position.is_some() {
                self.revalue(at);
            }
        }
    }

    #[inline]
    fn revalue(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        self.unrealised -= slot.unrealised;
        self.exposure -= slot.exposure;
        (slot.unrealised, slot.exposure) = slot.value();
        self.unrealised += slot.unrealised;
        self.exposure += slot.exposure;
    }

    /// Begins a new UTC day or ISO week when `at` lies in one. Call it before the first mark or
    /// fill of that moment: the equity before it is what the new day starts with.
    #[inline]
    pub fn roll(&mut self, at: Timestamp) {
        if at < self.next_day {
            return;
        }
        self.begin_day(at);
    }

    #[cold]
    fn begin_day(&mut self, at: Timestamp) {
        let equity = self.equity();
        let begin = |period: &mut Option<Period>, number| {
            if period.is_none_or(|p| p.number < number) {
                *period = Some(Period {
                    number,
                    start: equity,
                });
            }
        };
        begin(&mut self.day, at.day());
        begin(&mut self.week, at.week());
        self.next_day = at.plus_millis(86_400_000 - at.millis_of_day());
    }

    /// Raises the peak to the present equity where that is higher, and returns the peak. Call
    /// it once an input is applied, so that half of a flip never counts.
    #[inline]
    pub fn update_peak(&mut self) -> Money {
        self.peak = self.peak.max(self.equity());
        self.peak
    }

    /// Cash plus unrealised profit.
    #[must_use]
    #[inline]
    pub fn equity(&self) -> Money {
        self.cash + self.unrealised
    }

    /// The same from zero: from the totals and every position, without the running sums.
    #[must_use]
    pub fn equity_from_zero(&self) -> Money {
        let unrealised: Money = self.slots.iter().map(|s| s.value().0).sum();
        self.start + self.realised - self.fees - self.funding + unrealised
    }

    /// Unrealised profit of all positions.
    #[must_use]
    pub const fn unrealised(&self) -> Money {
        self.unrealised
    }

    /// Unrealised profit of one instrument; `None` when flat.
    #[must_use]
    pub fn unrealised_of(&self, instrument: InstrumentId) -> Option<Money> {
        let slot = self.slots.get(instrument.index())?;
        slot.position.as_ref().map(|_| slot.unrealised)
    }

    /// Sum of the values of all positions at their marks, without sign.
    #[must_use]
    pub const fn exposure(&self) -> Money {
        self.exposure
    }

    /// Price one instrument's position is valued at; `None` before the first.
    #[must_use]
    pub fn mark_of(&self, instrument: InstrumentId) -> Option<Price> {
        self.slots.get(instrument.index())?.mark
    }

    /// Open position of an instrument; `None` when flat.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Option<&Position> {
        self.slots.get(instrument.index())?.position.as_ref()
    }

    /// Signed size of an instrument's position; zero when flat.
    #[must_use]
    pub fn size(&self, instrument: InstrumentId) -> SignedQty {
        self.position(instrument)
            .map_or(SignedQty::ZERO, |p| p.size)
    }

    /// Open positions, in the order of their instruments.
    pub fn positions(&self) -> impl Iterator<Item = (InstrumentId, &Position)> {
        (0_u16..)
            .map(InstrumentId)
            .zip(&self.slots)
            .filter_map(|(id, slot)| Some((id, slot.position.as_ref()?)))
    }

    /// Number of open positions.
    #[must_use]
    pub const fn n_open(&self) -> usize {
        self.n_open
    }

    /// Whether nothing is held.
    #[must_use]
    pub const fn is_flat(&self) -> bool {
        self.n_open == 0
    }

    /// Whether this execution has been applied.
    #[must_use]
    pub fn has_seen(&self, instrument: InstrumentId, exec_id: &str) -> bool {
        self.slots
            .get(instrument.index())
            .is_some_and(|s| s.seen.contains(exec_id))
    }

    /// Cash at the start.
    #[must_use]
    pub const fn start(&self) -> Money {
        self.start
    }

    /// Cash: start, realised profit, fees and funding.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// Realised profit of all closes, before fees and funding.
    #[must_use]
    pub const fn realised(&self) -> Money {
        self.realised
    }

    /// Fees paid; negative after rebates.
    #[must_use]
    pub const fn fees(&self) -> Money {
        self.fees
    }

    /// Funding paid; negative when received.
    #[must_use]
    pub const fn funding(&self) -> Money {
        self.funding
    }

    /// Paid against the prices expected at decision time.
    #[must_use]
    pub const fn slippage(&self) -> Money {
        self.slippage
    }

    /// Fills applied.
    #[must_use]
    pub const fn n_fills(&self) -> u64 {
        self.n_fills
    }

    /// Equity at the start of the UTC day; `None` before the first [`Ledger::roll`].
    #[must_use]
    pub fn day_start_equity(&self) -> Option<Money> {
        self.day.map(|p| p.start)
    }

    /// Equity at the start of the ISO week; `None` before the first [`Ledger::roll`].
    #[must_use]
    pub fn week_start_equity(&self) -> Option<Money> {
        self.week.map(|p| p.start)
    }

    /// Profit since the start of the UTC day; `None` before the first [`Ledger::roll`].
    #[must_use]
    pub fn day_pnl(&self) -> Option<Money> {
        self.day.map(|p| self.equity() - p.start)
    }

    /// Profit since the start of the ISO week; `None` before the first [`Ledger::roll`].
    #[must_use]
    pub fn week_pnl(&self) -> Option<Money> {
        self.week.map(|p| self.equity() - p.start)
    }

    /// Highest equity that [`Ledger::update_peak`] has seen, at least the start.
    #[must_use]
    pub const fn peak(&self) -> Money {
        self.peak
    }

    /// Distance of the equity from the peak, as a part of the peak, zero at or above it; `None`
    /// when the peak is not positive.
    #[must_use]
    pub fn drawdown(&self) -> Option<Rate> {
        let below = (self.peak - self.equity()).max(Money::ZERO);
        below.fraction_of(self.peak)
    }
}

impl Slot {
    /// Unrealised profit and value without sign, at the mark.
    #[inline]
    fn value(&self) -> (Money, Money) {
        match (&self.position, self.mark) {
            (Some(position), Some(mark)) => {
                let value = mark * position.size;
                (value - position.cost(), value.abs())
            }
            _ => (Money::ZERO, Money::ZERO),
        }
    }

    /// Changes the position by a new fill: adds, or closes, or closes and opens the other side.
    fn fold(&mut self, fill: &Fill, leg: Option<LegId>) -> FillOutcome {
        let mut outcome = FillOutcome {
            applied: true,
            ..FillOutcome::default()
        };
        let (mut rest, mut fee) = (fill.qty, fill.fee);
        let against = self
            .position
            .take_if(|p| p.size.side().is_some_and(|side| side != fill.side));
        if let Some(mut position) = against {
            let closing = rest.min(position.size.abs());
            let closing_fee = share(fee, closing, rest);
            outcome.realised = position.reduce(fill, closing, closing_fee);
            rest = rest.saturating_sub(closing);
            fee -= closing_fee;
            if position.size.is_zero() {
                outcome.closed = Some(position.into_trade(fill, fill.side.opposite()));
            } else {
                self.position = Some(position);
            }
        }
        if !rest.is_zero() {
            if let Some(position) = &mut self.position {
                position.add(fill, rest, fee);
            } else {
                self.position = Some(Position::open(fill, rest, fee, leg));
                outcome.opened = true;
            }
        }
        outcome.size = self.position.as_ref().map_or(SignedQty::ZERO, |p| p.size);
        outcome
    }
}

/// The part of `fee` that belongs to `part` of `whole`, truncated; all of it for the whole.
fn share(fee: Money, part: Qty, whole: Qty) -> Money {
    if part == whole {
        return fee;
    }
    // Huge amounts of a cheap coin times a fee leave 128 bits. Dropping low digits of both
    // amounts keeps their ratio to twelve places, and the other trade gets the exact rest.
    let (mut part, mut whole) = (part.raw(), whole.raw());
    loop {
        if let Some(product) = fee.raw().checked_mul(part) {
            return Money::from_raw(product.checked_div(whole).unwrap_or_default());
        }
        (part, whole) = (part >> 4, whole >> 4);
    }
}
