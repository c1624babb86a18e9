//! Whether the account can afford it: balances, margin, funding, liquidation.

use super::admit::RESERVED;
use super::order::slipped;
use super::wallet::Trade;
use super::{Answers, Market, Matcher};
use crate::domain::{
    AccountEvent, Category, ClientOrderId, Fill, FillKind, Funding, Liquidity, Money, OrderSpec,
    Price, Qty, Rate, RejectReason, Side, Timestamp,
};

impl Matcher {
    /// Cash, unrealised profit of linear positions and the value of spot balances, each at its
    /// mark, else its last known price.
    #[must_use]
    pub fn equity(&self) -> Money {
        let spot = self.of(Category::Spot).filter_map(|market| {
            let price = market.valuation()?;
            Some(price * market.position.qty)
        });
        self.collateral() + spot.sum()
    }

    /// Refuses an order that the account does not cover; `priced` values it.
    pub(super) fn admit_funds(
        &self,
        m: usize,
        spec: &OrderSpec,
        qty: Qty,
        priced: Price,
    ) -> Result<(), RejectReason> {
        if spec.reduce_only {
            return Ok(());
        }
        let market = &self.markets[m];
        let (needed, available) = match (market.category, spec.side) {
            (Category::Linear, _) => self.margin_of(m, spec.side, qty, priced),
            (Category::Spot, Side::Buy) => (
                self.purchase_cost(market, spec, qty, priced),
                self.wallet.cash.min(self.collateral()) - self.margin() - self.reserved(),
            ),
            (Category::Spot, Side::Sell) => {
                let held = market.position.reducible(Side::Sell);
                let free = held.saturating_sub(open_qty(market, Side::Sell));
                (priced * qty, priced * free)
            }
        };
        if needed <= available || needed <= Money::ZERO {
            Ok(())
        } else {
            Err(RejectReason::InsufficientBalance { needed, available })
        }
    }

    /// Books a funding payment that is due now.
    pub(super) fn fund(&mut self, m: usize, at: Timestamp, funding: &Funding, out: &mut Answers) {
        let market = &self.markets[m];
        let Some(price) = market.valuation() else {
            return;
        };
        if market.category == Category::Spot || market.position.qty.is_zero() {
            return;
        }
        let paid = price * market.position.qty * funding.rate;
        self.wallet.fund(paid);
        let event = AccountEvent::Funding {
            instrument: funding.instrument,
            paid,
            rate: funding.rate,
            payment: None,
        };
        out.push((at, event));
        self.check_liquidation(m, at, price, out);
    }

    /// Closes everything linear when the account is worth too little with `m` at `price`.
    pub(super) fn check_liquidation(
        &mut self,
        m: usize,
        at: Timestamp,
        price: Price,
        out: &mut Answers,
    ) {
        let here = &self.markets[m];
        if here.category == Category::Spot || here.position.qty.is_zero() {
            return;
        }
        let (mut total, mut collateral) = (Money::ZERO, self.wallet.cash);
        for market in self.of(Category::Linear) {
            if market.position.qty.is_zero() {
                continue;
            }
            if let Some(price) = price_of(market, Some((m, price))) {
                let value = price * market.position.qty;
                total += value.abs();
                collateral += value - market.position.cost;
            }
        }
        // Maintenance is below one, so an account that covers the whole value needs no division.
        if total < collateral || total * self.settings.maintenance < collateral {
            return;
        }
        for i in 0..self.markets.len() {
            if self.markets[i].category == Category::Linear {
                for k in 0..self.markets[i].orders.len() {
                    self.end(i, k, at, out);
                }
            }
        }
        for i in 0..self.markets.len() {
            let price = price_of(&self.markets[i], Some((m, price)));
            if let (Category::Linear, Some(price)) = (self.markets[i].category, price) {
                self.liquidate(i, at, price, out);
            }
            self.sweep(i);
        }
    }

    pub(super) fn liquidate(&mut self, m: usize, at: Timestamp, price: Price, out: &mut Answers) {
        let market = &mut self.markets[m];
        let Some(side) = market.position.qty.side().map(Side::opposite) else {
            return;
        };
        let qty = market.position.qty.abs();
        let fee = (price * qty) * market.costs.taker;
        self.n_liquidations += 1;
        let exec_id = format!("{RESERVED}{}-{}", market.instrument.0, self.n_liquidations);
        let order: ClientOrderId = exec_id
            .parse()
            .expect("two numbers and dashes fit a client order id");
        let fill = Fill {
            exec_id,
            order,
            instrument: market.instrument,
            side,
            price,
            qty,
            fee,
            liquidity: Liquidity::Taker,
            kind: FillKind::Liquidation,
            at,
            expected: price,
            withheld: Qty::ZERO,
        };
        out.push((at, AccountEvent::Fill(fill)));
        let trade = Trade {
            side,
            price,
            qty,
            fee,
        };
        self.wallet
            .trade(at, market.category, &mut market.position, trade);
    }

    fn of(&self, category: Category) -> impl Iterator<Item = &Market> {
        self.markets
            .iter()
            .filter(move |market| market.category == category)
    }

    /// Cash plus unrealised profit of linear positions.
    pub(super) fn collateral(&self) -> Money {
        let open = self.of(Category::Linear).filter_map(|market| {
            let price = market.valuation()?;
            Some(market.position.unrealised(price))
        });
        self.wallet.cash + open.sum()
    }

    /// Initial margin that positions and open orders on linear hold.
    pub(super) fn margin(&self) -> Money {
        let held: Money = self
            .of(Category::Linear)
            .map(|market| worst_case(market, None, None))
            .sum();
        self.part_of_leverage(held)
    }

    /// Margin that one more linear order needs, and what is free for it.
    fn margin_of(&self, m: usize, side: Side, qty: Qty, priced: Price) -> (Money, Money) {
        let market = &self.markets[m];
        let before = worst_case(market, None, Some(priced));
        let after = worst_case(market, Some((side, qty)), Some(priced));
        let needed = self.part_of_leverage(after - before);
        let free = self.collateral() - self.reserved() - self.margin();
        (needed, free)
    }

    fn part_of_leverage(&self, value: Money) -> Money {
        Money::from_raw(value.raw() / i128::from(self.settings.leverage))
    }

    /// Cash that open spot purchases may cost.
    pub(super) fn reserved(&self) -> Money {
        self.of(Category::Spot)
            .flat_map(|market| market.orders.iter().map(move |order| (market, order)))
            .filter(|(_, order)| order.spec.side == Side::Buy && !order.is_done())
            .map(|(market, order)| {
                self.purchase_cost(market, &order.spec, order.remaining, order.expected)
            })
            .sum()
    }

    /// Most that a spot purchase may cost at `priced`, fee included.
    fn purchase_cost(&self, market: &Market, spec: &OrderSpec, qty: Qty, priced: Price) -> Money {
        let tick = self.instruments.get(market.instrument).tick;
        let from = spec.kind.trigger().unwrap_or(priced);
        let price = spec
            .kind
            .limit_price()
            .unwrap_or_else(|| slipped(from, Side::Buy, market.costs.slippage, tick));
        let value = price * qty;
        value + value * market.costs.taker.max(market.costs.maker).max(Rate::ZERO)
    }
}

/// Price that a market's position is valued at; `fixed` overrides one market's.
fn price_of(market: &Market, fixed: Option<(usize, Price)>) -> Option<Price> {
    match fixed {
        Some((m, price)) if market.instrument.index() == m => Some(price),
        _ => market.valuation(),
    }
}

/// Amount of open orders on one side that can open or enlarge a position.
fn open_qty(market: &Market, side: Side) -> Qty {
    market
        .orders
        .iter()
        .filter(|order| order.spec.side == side && !order.spec.reduce_only && !order.is_done())
        .map(|order| order.remaining)
        .sum()
}

/// Largest value a linear market's position can reach through its open orders and `extra`, at
/// its mark, else its last known price, else `priced`, else the dearest of its orders.
fn worst_case(market: &Market, extra: Option<(Side, Qty)>, priced: Option<Price>) -> Money {
    let dearest = || {
        let limits = market
            .orders
            .iter()
            .filter_map(|o| o.spec.kind.limit_price());
        limits.max()
    };
    let Some(price) = market.valuation().or(priced).or_else(dearest) else {
        return Money::ZERO;
    };
    let open = |side: Side| {
        let more = match extra {
            Some((s, qty)) if s == side => qty,
            _ => Qty::ZERO,
        };
        (open_qty(market, side) + more).signed(side)
    };
    let bought = (market.position.qty + open(Side::Buy)).abs();
    let sold = (market.position.qty + open(Side::Sell)).abs();
    price * bought.max(sold)
}
