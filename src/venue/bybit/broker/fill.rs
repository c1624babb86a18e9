//! Executions of the venue in our words.
//!
//! Pure. An execution becomes a fill or a funding, or is told as strange; none is dropped and
//! none stops the others. Fees and kinds as in Bybit v5, "execution" and "spot fee currency".

use rust_decimal::{Decimal, RoundingStrategy};
use sha2::{Digest, Sha256};

use super::Roster;
use super::strange::{StrangeEvent, StrangeKind};
use super::words::plain;
use crate::domain::{
    AccountEvent, Category, ClientOrderId, Fill, FillKind, Instrument, InstrumentId, Instruments,
    Liquidity, Money, Qty, Rate, Side,
};
use crate::venue::bybit::wire::execution::Execution;
use crate::venue::bybit::wire::names::{
    CreateType, ExecType, StopOrderType, WireCategory, WireSide,
};

/// What one execution tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) event: Option<AccountEvent>,
    pub(super) strange: Option<StrangeEvent>,
}

/// Whose an execution is.
enum Owner {
    Ours(ClientOrderId),
    Foreign(ClientOrderId),
}

/// What translates executions: the session's instruments and orders.
pub(super) struct Teller<'a> {
    pub(super) instruments: &'a Instruments,
    pub(super) roster: &'a Roster,
}

impl Teller<'_> {
    /// Tells one execution; `category` is that of its list, where it has none itself. Strange
    /// ones are told once.
    pub(super) fn tell(&self, exec: &Execution, category: Option<&WireCategory>) -> Told {
        let category = exec.category.as_ref().or(category);
        let known = category
            .and_then(WireCategory::to_domain)
            .and_then(|category| find(self.instruments, exec.symbol.as_str(), category));
        let mut told = match known {
            Some((id, instrument)) => self.tell_known(exec, id, instrument),
            None => Told {
                event: None,
                strange: Some(strange(
                    StrangeKind::Elsewhere,
                    None,
                    exec,
                    "traded elsewhere",
                )),
            },
        };
        told.strange = told.strange.filter(|_| {
            let category = category.map_or("", WireCategory::as_str);
            let name = format!("{category}/{}/{}", exec.symbol, exec.exec_id);
            self.roster.is_news(&name)
        });
        told
    }

    fn tell_known(&self, exec: &Execution, id: InstrumentId, instrument: &Instrument) -> Told {
        let odd = |why: &str| Told {
            event: None,
            strange: Some(strange(StrangeKind::Execution, Some(id), exec, why)),
        };
        let kind = match &exec.exec_type {
            ExecType::Funding => return funding(exec, id).unwrap_or_else(odd),
            ExecType::Trade => FillKind::Trade,
            ExecType::AdlTrade => FillKind::Adl,
            ExecType::BustTrade => FillKind::Liquidation,
            ExecType::Settle | ExecType::Delivery => FillKind::Settlement,
            // Agreed outside of the book, by a person: never an order of ours.
            ExecType::BlockTrade | ExecType::MovePosition | ExecType::FutureSpread => {
                FillKind::Foreign
            }
            ExecType::CorporateAction | ExecType::Unknown(_) => return odd("unknown kind"),
        };
        let Some(side) = exec.side.as_ref().and_then(WireSide::to_domain) else {
            return odd("no side");
        };
        if exec.exec_qty.is_zero() || exec.exec_price.is_zero() {
            return odd("no amount or no price");
        }
        let (order, kind) = match (self.owner(exec, id, side), kind) {
            (Owner::Foreign(order), FillKind::Trade) => (order, FillKind::Foreign),
            (Owner::Ours(order) | Owner::Foreign(order), kind) => (order, kind),
        };
        let fee = fee(exec, instrument, side);
        let expected = self.roster.expected(&order);
        Told {
            event: Some(AccountEvent::Fill(Fill {
                exec_id: exec.exec_id.clone(),
                order,
                instrument: id,
                side,
                price: exec.exec_price,
                qty: exec.exec_qty,
                fee: fee.paid,
                withheld: fee.withheld,
                liquidity: exec.liquidity().unwrap_or(Liquidity::Taker),
                kind,
                at: exec.exec_time,
                expected: expected.unwrap_or(exec.exec_price),
            })),
            strange: fee
                .problem
                .map(|why| strange(StrangeKind::Fee, Some(id), exec, &why)),
        }
    }

    fn owner(&self, exec: &Execution, instrument: InstrumentId, side: Side) -> Owner {
        let (link, venue_id) = (exec.order_link_id.as_deref(), exec.order_id.as_deref());
        if let Some(order) = self.roster.name_of(link, venue_id) {
            return Owner::Ours(order);
        }
        // The venue makes orders without a name out of ours: parts of a close that is too
        // large, the stop of a position. They only ever close.
        let parent = || self.roster.parent(instrument, side);
        if link.is_none()
            && is_venue_made(exec)
            && let Some(order) = parent()
        {
            return Owner::Ours(order);
        }
        Owner::Foreign(foreign_name(venue_id.unwrap_or(&exec.exec_id)))
    }
}

/// Name under which an order of somebody else is told: the same for the same order, for ever.
pub(super) fn foreign_name(venue_id: &str) -> ClientOrderId {
    let hash = Sha256::digest(venue_id.as_bytes());
    format!("ext-{}", hex::encode(&hash[..8]))
        .parse()
        .expect("20 letters, digits and a dash are a name")
}

pub(super) fn find<'a>(
    instruments: &'a Instruments,
    symbol: &str,
    category: Category,
) -> Option<(InstrumentId, &'a Instrument)> {
    instruments
        .iter()
        .find(|(_, known)| known.category == category && known.symbol.as_str() == symbol)
}

/// Whether the venue has made the order of a position that it closed a part of.
fn is_venue_made(exec: &Execution) -> bool {
    let closes = exec.closed_size.is_some_and(|size| !size.is_zero());
    let by_type = matches!(
        exec.create_type,
        Some(
            CreateType::StopOrder
                | CreateType::TakeProfit
                | CreateType::PartialTakeProfit
                | CreateType::StopLoss
                | CreateType::PartialStopLoss
                | CreateType::TrailingStop
        )
    );
    // `UNKNOWN` stands there for "no".
    let by_stop = matches!(&exec.stop_order_type, Some(kind)
        if !matches!(kind, StopOrderType::Unknown(_)));
    closes && (by_type || by_stop)
}

fn funding(exec: &Execution, instrument: InstrumentId) -> Result<Told, &'static str> {
    let paid = exec.exec_fee.ok_or("a funding without an amount")?;
    let paid = money(paid).ok_or("a funding that is no amount of money")?;
    Ok(Told {
        event: Some(AccountEvent::Funding {
            instrument,
            paid,
            // Only shown; the amount is what counts.
            rate: exec.fee_rate.unwrap_or(Rate::ZERO),
            payment: Some(exec.exec_id.clone()),
        }),
        strange: None,
    })
}

#[derive(Default)]
struct Fee {
    paid: Money,
    withheld: Qty,
    problem: Option<String>,
}

/// Fee of a fill: in the quote coin, or kept by the venue out of what was bought. A rebate in
/// the base coin counts at its value.
fn fee(exec: &Execution, instrument: &Instrument, side: Side) -> Fee {
    let problem = |why: String| Fee {
        problem: Some(why),
        ..Fee::default()
    };
    let Some(amount) = exec.exec_fee else {
        return problem("it has no fee: none is counted".to_owned());
    };
    if amount.is_zero() {
        return Fee::default();
    }
    let (base, quote) = (instrument.base.as_str(), instrument.quote.as_str());
    let category = WireCategory::from(instrument.category);
    let coin = exec.fee_coin(&category, base, quote);
    let is_kept = instrument.category == Category::Spot
        && side == Side::Buy
        && coin == base
        && amount.is_sign_positive();
    if is_kept {
        // Never to believe in more than there is: what the type cannot hold counts as kept.
        let digits = Qty::DIGITS;
        let kept = amount.round_dp_with_strategy(digits, RoundingStrategy::AwayFromZero);
        return match Qty::from_decimal(kept) {
            Ok(withheld) => Fee {
                withheld,
                ..Fee::default()
            },
            Err(error) => problem(format!("its fee is not counted: {error}")),
        };
    }
    match exec.fee_in_quote(&category, base, quote) {
        Some(paid) => Fee {
            paid,
            ..Fee::default()
        },
        None => problem(format!(
            "its fee of {amount} {} is not counted",
            plain(coin)
        )),
    }
}

fn money(amount: Decimal) -> Option<Money> {
    Money::from_decimal(amount.round_dp(Money::DIGITS)).ok()
}

/// An execution with its own words.
fn strange(
    kind: StrangeKind,
    instrument: Option<InstrumentId>,
    exec: &Execution,
    why: &str,
) -> StrangeEvent {
    let side = exec.side.as_ref().map_or("no side", |side| side.as_str());
    let text = format!(
        "{why}: {} {side} {} at {} (execution {}, order {})",
        exec.exec_type,
        exec.exec_qty,
        exec.exec_price,
        exec.exec_id,
        exec.order_id.as_deref().unwrap_or("none"),
    );
    StrangeEvent {
        kind,
        instrument,
        symbol: exec.symbol.to_string(),
        text: plain(&text),
        at: Some(exec.exec_time),
    }
}

#[cfg(test)]
mod tests;
