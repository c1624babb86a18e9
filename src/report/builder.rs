//! Folds the steps of a session into a report.

use std::collections::{BTreeMap, VecDeque};

use super::execution::{Execution, Tally};
use super::model::{
    AccountSection, DecisionSection, KillRow, Report, RuleRow, SessionFacts, StatsSection,
    SymbolRow, TradeRow,
};
use crate::account::Ledger;
use crate::account::stats::{EquityCurve, EquityStats, TradeStats};
use crate::control::TradeCommand;
use crate::domain::{
    AccountEvent, AccountReport, InstrumentId, Intent, MarketEvent, Money, Price, Timestamp,
};
use crate::engine::{EffectOf, Event, Outcome};

/// Newest trades and kill steps that a report lists.
const LISTED: usize = 100;

/// Folds steps into a report. Memory grows with the number of orders, not of bars.
///
/// Positions are valued at the venue's mark price where the feed has one, else at the newest
/// price of a bar, a trade or the middle of a quote: the engine's own rule.
#[derive(Debug)]
pub struct ReportBuilder {
    facts: SessionFacts,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    n_steps: u64,
    ledger: Ledger,
    /// Instruments whose feed has mark prices.
    has_marks: Vec<bool>,
    max_exposure: Money,
    trade_stats: TradeStats,
    symbol_stats: Vec<TradeStats>,
    equity_stats: EquityStats,
    curve: EquityCurve,
    execution: Execution,
    n_targets: u64,
    n_holds: u64,
    holds: Tally,
    rules: BTreeMap<String, (u64, u64)>,
    kills: VecDeque<KillRow>,
    trades: VecDeque<TradeRow>,
    /// Trades that the newest step closed, with their instruments.
    closed: Vec<TradeRow>,
    closed_on: Vec<InstrumentId>,
    /// The venue's newest picture of the account.
    reported: Option<AccountReport>,
}

impl ReportBuilder {
    /// Report on a session with these facts, before its first step.
    #[must_use]
    pub fn new(facts: SessionFacts) -> Self {
        let n = facts.symbols.len();
        Self {
            from: None,
            to: None,
            n_steps: 0,
            ledger: Ledger::new(facts.start, n),
            has_marks: vec![false; n],
            max_exposure: Money::ZERO,
            trade_stats: TradeStats::default(),
            symbol_stats: vec![TradeStats::default(); n],
            equity_stats: EquityStats::default(),
            curve: EquityCurve::default(),
            execution: Execution::default(),
            n_targets: 0,
            n_holds: 0,
            holds: Tally::default(),
            rules: BTreeMap::new(),
            kills: VecDeque::new(),
            trades: VecDeque::new(),
            closed: Vec::new(),
            closed_on: Vec::new(),
            reported: None,
            facts,
        }
    }

    /// Takes one input and what the engine made of it, in the order of the session. Returns the
    /// trades that were closed by it.
    pub fn step<O: AsRef<Intent>>(
        &mut self,
        at: Timestamp,
        event: &Event,
        effects: &[EffectOf<O>],
    ) -> &[TradeRow] {
        self.from.get_or_insert(at);
        self.to = Some(at);
        self.n_steps += 1;
        self.closed.clear();
        self.closed_on.clear();
        self.ledger.roll(at);
        match event {
            Event::Market(event) => self.market(event),
            Event::Account(event) => self.account(event, at),
            Event::Command(TradeCommand::Adopt(id)) => self.adopt(*id, at),
            Event::Command(_) | Event::Tick | Event::Link(_) => {}
        }
        for effect in effects {
            self.effect(effect, at);
        }
        let equity = self.ledger.equity();
        self.ledger.update_peak();
        self.max_exposure = self.max_exposure.max(self.ledger.exposure());
        self.equity_stats
            .observe(at, equity, !self.ledger.is_flat());
        if !matches!(event, Event::Command(_) | Event::Tick | Event::Link(_)) {
            self.curve.push(at, equity);
        }
        for row in &self.closed {
            self.trades.push_back(row.clone());
            if self.trades.len() > LISTED {
                self.trades.pop_front();
            }
        }
        &self.closed
    }

    /// Equity after the newest step.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.ledger.equity()
    }

    fn market(&mut self, event: &MarketEvent) {
        match event {
            MarketEvent::BarOpen { instrument, price } => self.mark_by_price(*instrument, *price),
            MarketEvent::Bar(event) => self.mark_by_price(event.instrument, event.bar.close),
            MarketEvent::Mark { instrument, price } => {
                if let Some(has_marks) = self.has_marks.get_mut(instrument.index()) {
                    *has_marks = true;
                }
                self.ledger.mark(*instrument, *price);
            }
            MarketEvent::Quote(quote) => {
                self.mark_by_price(quote.instrument, quote.bid.midpoint(quote.ask));
            }
            MarketEvent::Trade(trade) => self.mark_by_price(trade.instrument, trade.price),
            MarketEvent::Book(_) | MarketEvent::Funding(_) => {}
        }
    }

    fn mark_by_price(&mut self, instrument: InstrumentId, price: Price) {
        if !self.has_marks.get(instrument.index()).is_some_and(|m| *m) {
            self.ledger.mark(instrument, price);
        }
    }

    fn account(&mut self, event: &AccountEvent, at: Timestamp) {
        let mut fill_is_new = false;
        match event {
            AccountEvent::Fill(fill) => {
                let outcome = self.ledger.apply_fill(fill, self.execution.leg(fill));
                fill_is_new = outcome.applied;
                if let Some(trade) = outcome.closed {
                    self.trade_stats.record(&trade);
                    let index = fill.instrument.index();
                    if self.symbol_stats.len() <= index {
                        self.symbol_stats.resize(index + 1, TradeStats::default());
                    }
                    self.symbol_stats[index].record(&trade);
                    self.closed.push(self.facts.row(&trade));
                    self.closed_on.push(fill.instrument);
                }
            }
            AccountEvent::Report(report) => self.reported = Some(report.clone()),
            AccountEvent::Funding {
                instrument,
                paid,
                payment,
                ..
            } => {
                self.ledger
                    .apply_funding(*instrument, *paid, payment.as_deref());
            }
            _ => {}
        }
        self.execution.apply(event, at, fill_is_new);
    }

    /// Takes over the venue's position, as the engine did.
    fn adopt(&mut self, id: InstrumentId, at: Timestamp) {
        let theirs = self
            .reported
            .iter()
            .flat_map(|report| &report.positions)
            .find(|p| p.instrument == Some(id));
        let size = theirs.map(|p| p.size).unwrap_or_default();
        let entry = theirs.and_then(|p| p.entry);
        if let Some(price) = entry.or_else(|| self.ledger.mark_of(id)) {
            self.ledger.adopt(id, size, price, at, None);
        }
    }

    fn effect<O: AsRef<Intent>>(&mut self, effect: &EffectOf<O>, at: Timestamp) {
        match effect {
            EffectOf::Submit(order) => self.execution.sent(order.as_ref(), at),
            EffectOf::Decision(record) => match &record.outcome {
                Outcome::Target(_) => self.n_targets += 1,
                Outcome::Hold(reason) => {
                    self.n_holds += 1;
                    self.holds.add(reason);
                }
            },
            EffectOf::Refused(record) => {
                self.rules.entry(record.rule.clone()).or_default().0 += 1;
            }
            EffectOf::Paused { rule, .. } => {
                self.rules.entry(rule.clone()).or_default().1 += 1;
            }
            EffectOf::Trip { level, reason } => self.kill(at, "limit", level.name(), reason),
            EffectOf::KillApplied { level, reason } => {
                self.kill(at, "applied", level.name(), reason);
            }
            EffectOf::TradeClosed(record) => {
                let at = self.closed_on.iter().position(|i| *i == record.instrument);
                if let Some(row) = at.and_then(|at| self.closed.get_mut(at)) {
                    row.reason = Some(record.trade.reason.clone().into_owned());
                }
            }
            EffectOf::Cancel { .. } | EffectOf::Notice(_) => {}
        }
    }

    fn kill(&mut self, at: Timestamp, what: &'static str, level: &str, reason: &str) {
        self.kills.push_back(KillRow {
            at,
            what,
            level: level.to_owned(),
            reason: reason.to_owned(),
        });
        if self.kills.len() > LISTED {
            self.kills.pop_front();
        }
    }

    /// The report on everything so far.
    #[must_use]
    pub fn finish(self) -> Report {
        let account = self.account_section();
        let symbols = self.symbol_rows();
        let rules = self.rules.into_iter();
        Report {
            from: self.from,
            to: self.to,
            n_steps: self.n_steps,
            account,
            stats: StatsSection::new(&self.trade_stats, &self.equity_stats),
            symbols,
            orders: self.execution.rows(),
            incidents: self.execution.incidents.rows(),
            latency: self.execution.latency(),
            decisions: DecisionSection {
                n_targets: self.n_targets,
                n_holds: self.n_holds,
                holds: self.holds.rows(),
            },
            rules: rules
                .map(|(rule, (n_refused, n_paused))| RuleRow {
                    rule,
                    n_refused,
                    n_paused,
                })
                .collect(),
            kills: self.kills.into(),
            trades: self.trades.into(),
            equity: self.curve.points().collect(),
            session: self.facts,
        }
    }

    fn account_section(&self) -> AccountSection {
        let ledger = &self.ledger;
        let pnl = ledger.equity() - ledger.start();
        AccountSection {
            start: ledger.start(),
            equity: ledger.equity(),
            pnl,
            pnl_rate: pnl.fraction_of(ledger.start()),
            realised: ledger.realised(),
            unrealised: ledger.unrealised(),
            fees: ledger.fees(),
            funding: ledger.funding(),
            slippage: ledger.slippage(),
            peak: ledger.peak(),
            exposure: ledger.exposure(),
            max_exposure: self.max_exposure,
            n_fills: ledger.n_fills(),
        }
    }

    fn symbol_rows(&self) -> Vec<SymbolRow> {
        let ids = (0_u16..).map(InstrumentId).zip(&self.symbol_stats);
        let row = |(id, stats): (InstrumentId, &TradeStats)| SymbolRow {
            symbol: self.facts.symbol(id.index()),
            n_trades: stats.n_trades(),
            win_rate: stats.win_rate(),
            net: stats.net(),
            fees: stats.fees(),
            funding: stats.funding(),
            slippage: stats.slippage(),
            open: self.ledger.position(id).map(|p| p.size),
            unrealised: self.ledger.unrealised_of(id),
        };
        ids.map(row).collect()
    }
}
