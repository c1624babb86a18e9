//! Fills, funding and the money they move, told one execution at a time.
//!
//! PROTOCOL section 8 (Bybit v5, execution): identity, kinds and the coin of the fee.

use super::Exchange;
use super::executions::{ClosedPnl, Execution};
use super::order::{Force, Guards, Place, Status, Wish};
use crate::domain::{
    Category, Fill, FillKind, InstrumentId, Liquidity, Money, Price, Qty, Rate, Side, SignedQty,
    Timestamp,
};

/// A part of a fill that is told on its own.
struct Piece<'a> {
    fill: &'a Fill,
    qty: Qty,
    fee: Money,
}

impl Exchange {
    pub(super) fn on_fill(&mut self, at: Timestamp, fill: &Fill) {
        let n = match self.spoken_of(&fill.order) {
            Some(n) => n,
            None => self.order_of_liquidation(at, fill),
        };
        let most = self.partial_fills;
        let (mut left, mut fee_left) = (fill.qty, fill.fee);
        while !left.is_zero() {
            let qty = if most.is_zero() { left } else { left.min(most) };
            let whole = qty == left;
            let fee = if whole {
                fee_left
            } else {
                let part = (fill.price * qty).fraction_of(fill.price * left);
                fee_left * part.unwrap_or(Rate::ONE)
            };
            left = left.saturating_sub(qty);
            fee_left -= fee;
            self.on_piece(n, at, &Piece { fill, qty, fee });
        }
    }

    /// One execution: booked, then told five times.
    fn on_piece(&mut self, n: usize, at: Timestamp, piece: &Piece<'_>) {
        let Piece { fill, qty, fee } = *piece;
        let slot = fill.instrument;
        let (instrument, _) = self.leg_name(slot);
        let rules = self.table.get(instrument).clone();
        let value = fill.price * qty;
        let leg = &mut self.legs[slot.index()];
        let closed = leg.position.reducible(fill.side).min(qty);
        let entry = leg.position.entry();
        let was_flat = leg.position.qty.is_zero();
        let realised = leg.position.trade(at, fill.side, fill.price, qty);
        let base_fee = self.fee_in_base(slot, fill, qty, fee);
        let leg = &mut self.legs[slot.index()];
        self.cash += match rules.category {
            Category::Linear => realised,
            Category::Spot => -(fill.price * qty.signed(fill.side)),
        };
        if base_fee.is_zero() {
            self.cash -= fee;
        }
        let seq = self.ids.seq();
        leg.on_trade(at, seq, realised - fee, was_flat);
        let order = &mut self.orders[n];
        order.filled += qty;
        order.value += value;
        if base_fee.is_zero() {
            order.fee += fee;
        } else {
            order.base_fee += base_fee;
        }
        if !closed.is_zero() {
            order.closed_pnl += realised - fee;
        }
        order.updated = at;
        order.status = if order.filled < order.wish.qty {
            Status::PartiallyFilled
        } else if order.wish.amount.is_some_and(|amount| order.value < amount) {
            Status::PartiallyFilledCanceled
        } else {
            Status::Filled
        };
        let is_done = order.status.is_final();
        let execution = Execution {
            n: Some(n),
            exec_id: self.ids.next(rules.category),
            instrument,
            side: fill.side,
            price: fill.price,
            qty,
            value,
            fee,
            base_fee,
            liquidity: fill.liquidity,
            kind: fill.kind,
            exec_type: self.exec_type(instrument, n),
            closed,
            pnl: realised,
            leaves: self.orders[n].rest(),
            mark: self.matcher.valuation(slot),
            seq,
            at,
            expected: fill.expected,
            rate: self.fee_rate(slot, fill.liquidity),
        };
        if !closed.is_zero() && rules.category == Category::Linear {
            self.book_closed(n, at, closed, entry, &execution);
        }
        if is_done {
            self.retire(n);
        }
        self.tell_order(n, at);
        let row = self.execution_row(&execution, true);
        if execution.exec_type == "Trade" {
            let quick = self.fast_row(&execution);
            self.push("execution.fast", rules.category, at, &quick);
        }
        self.executions.push(execution);
        self.push("execution", rules.category, at, &row);
        self.tell_position(slot, at);
        self.tell_wallet(&rules, at);
        self.filled_now.push((n, qty));
    }

    /// Moves a spot fee to the base coin where the venue takes it there; returns what was taken.
    fn fee_in_base(&mut self, slot: InstrumentId, fill: &Fill, qty: Qty, fee: Money) -> SignedQty {
        if !self.is_spot_slot(slot) {
            return SignedQty::ZERO;
        }
        let buys = fill.side == Side::Buy;
        let rebate = fee < Money::ZERO;
        // A buyer pays in base, a seller in quote; a rebate is paid the other way round.
        if !self.rules.spot_fee_in_base || fee.is_zero() || buys == rebate {
            return SignedQty::ZERO;
        }
        let size = qty.scaled(self.fee_rate(slot, fill.liquidity).abs());
        let base = size.signed(if rebate { Side::Sell } else { Side::Buy });
        self.matcher.exchange_fee(slot, fee, -base);
        self.legs[slot.index()].position.adjust(-base);
        base
    }

    /// Whether the matcher's instrument is a spot pair; those have one leg each.
    fn is_spot_slot(&self, slot: InstrumentId) -> bool {
        slot.index() < self.table.len() && !self.is_linear(slot)
    }

    /// Fee rate of a fill, as a part of its value.
    fn fee_rate(&self, slot: InstrumentId, liquidity: Liquidity) -> Rate {
        let costs = self.costs[slot.index()];
        match liquidity {
            Liquidity::Maker => costs.maker,
            Liquidity::Taker => costs.taker,
        }
    }

    fn exec_type(&mut self, instrument: InstrumentId, n: usize) -> String {
        if let Some((wanted, text)) = &self.odd_exec_type
            && *wanted == instrument
        {
            let text = text.clone();
            self.odd_exec_type = None;
            return text;
        }
        match self.orders[n].wish.create_type {
            "CreateByLiq" => "BustTrade".to_owned(),
            "CreateByAdl_PassThrough" => "AdlTrade".to_owned(),
            _ => "Trade".to_owned(),
        }
    }

    fn book_closed(
        &mut self,
        n: usize,
        at: Timestamp,
        closed: Qty,
        entry: Option<Price>,
        execution: &Execution,
    ) {
        let entry_value = entry.map_or(Money::ZERO, |price| price * closed);
        let exit_value = execution.price * closed;
        let known = self.closed_pnl.iter_mut().rev().take(64);
        let pnl = execution.pnl - execution.fee;
        if let Some(row) = known.into_iter().find(|row| row.n == n) {
            row.closed += closed;
            row.entry_value += entry_value;
            row.exit_value += exit_value;
            row.pnl += pnl;
            row.n_fills += 1;
            row.updated = at;
            return;
        }
        self.closed_pnl.push(ClosedPnl {
            n,
            closed,
            entry_value,
            exit_value,
            pnl,
            n_fills: 1,
            created: at,
            updated: at,
        });
    }

    /// The venue's own order behind a liquidation.
    fn order_of_liquidation(&mut self, at: Timestamp, fill: &Fill) -> usize {
        let wish = self.plain_wish(fill.instrument, fill.side, fill.qty, "CreateByLiq");
        let n = self.accept(at, wish, false);
        self.orders[n].place = Place::Matcher;
        n
    }

    /// A market order that nobody asked for.
    pub(super) fn plain_wish(
        &self,
        slot: InstrumentId,
        side: Side,
        qty: Qty,
        create_type: &'static str,
    ) -> Wish {
        let (instrument, idx) = self.leg_name(slot);
        Wish {
            category: self.table.get(instrument).category,
            instrument,
            slot,
            idx,
            side,
            qty,
            amount: None,
            limit: None,
            force: Force::Ioc,
            trigger: None,
            reduce_only: false,
            closes_leg: false,
            close_on_trigger: false,
            link: String::new(),
            guards: Guards::default(),
            unit: String::new(),
            filter: "Order",
            stop_type: "",
            create_type,
            waits: false,
        }
    }

    pub(super) fn on_funding(
        &mut self,
        at: Timestamp,
        slot: InstrumentId,
        paid: Money,
        rate: Rate,
    ) {
        let (instrument, _) = self.leg_name(slot);
        let rules = self.table.get(instrument).clone();
        self.cash -= paid;
        let seq = self.ids.seq();
        let leg = &mut self.legs[slot.index()];
        leg.realise(-paid);
        leg.seq = i64::try_from(seq).unwrap_or(i64::MAX);
        leg.updated = at;
        let size = leg.position.qty;
        let price = self.matcher.valuation(slot).unwrap_or_default();
        let execution = Execution {
            n: None,
            exec_id: self.ids.next(rules.category),
            instrument,
            side: size.side().unwrap_or(Side::Buy),
            price,
            qty: size.abs(),
            value: price * size.abs(),
            fee: paid,
            base_fee: SignedQty::ZERO,
            liquidity: Liquidity::Taker,
            kind: FillKind::Trade,
            exec_type: "Funding".to_owned(),
            closed: Qty::ZERO,
            pnl: Money::ZERO,
            leaves: Qty::ZERO,
            mark: Some(price),
            seq,
            at,
            expected: price,
            rate,
        };
        let row = self.execution_row(&execution, true);
        if execution.exec_type == "Trade" {
            let quick = self.fast_row(&execution);
            self.push("execution.fast", rules.category, at, &quick);
        }
        self.executions.push(execution);
        self.push("execution", rules.category, at, &row);
        self.tell_position(slot, at);
        self.tell_wallet(&rules, at);
    }
}
