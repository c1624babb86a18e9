//! The simulated venue behind the v5 interface, without sockets.
//!
//! It is pure: no clock, no chance, no I/O. Time is passed in and never runs backwards; the same
//! calls give the same answers, ids included. PROTOCOL here and below is the collection of what
//! Bybit documents for v5.
//!
//! # What is whose
//!
//! Every fill comes from the one [`Matcher`]: an order reaches it when its request does (or
//! `ack_delay_ms` later) and is measured against the last price known at the request, as with the
//! paper broker. So the same orders at the same moments give the same fills here and there.
//! What the venue adds:
//!
//! - requests: keys, signatures, clocks, limits, parameters, and a code for each refusal
//!   (`routes`, `keys`, `limits`, `create`, `checks`, `amend`, `cancel`);
//! - the two legs of hedge mode: a short leg is an instrument of its own for the matcher, so that
//!   both legs hold margin;
//! - conditional limit orders and trailing stops, which the matcher does not know: they are
//!   parked here and reach it when they wake (`flow`). One that wakes within a bar reaches it
//!   after that bar;
//! - take-profit and stop-loss of positions as orders of the venue's own (`guards`);
//! - what is told: private pushes (`answers`, `fills`, `tell`), lists (`queries`, `executions`), public topics
//!   (`public`), market data (`market`, `view`);
//! - drills (`drills`, `faults`) and the truth for a checker (`truth`).
//!
//! # Where it differs from the venue
//!
//! - Conditional orders that the matcher holds need margin from the start, not from the trigger.
//! - Leverage per symbol is told, not used: margin is the matcher's, by the account's leverage.
//! - A spot market purchase by amount is turned into base coins at the price of its arrival.
//! - Spot TP/SL, prices from the book, self-match prevention and slippage tolerance are not
//!   simulated; the first two are refused, the others ignored.
//! - Nothing is borrowed, and only the settlement coin is collateral.
//! - Only `order/realtime`, `order/history`, `execution/list` and `closed-pnl` lag.

mod account;
mod amend;
mod answers;
mod api;
mod bars;
mod cancel;
mod checks;
mod create;
mod drills;
mod executions;
mod faults;
mod fills;
mod flow;
mod guards;
mod ids;
mod keys;
mod limits;
mod market;
mod order;
mod page;
mod params;
mod positions;
mod public;
mod queries;
mod refusal;
mod routes;
mod setup;
mod tell;
mod truth;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use api::{Call, Method, PrivatePush, PublicPush, Reply, SocketUser};
pub use drills::Drill;
pub use setup::{ApiKey, ExchangeError, ExchangeSetup, MarginMode, VenueRules};
pub use truth::{Truth, TruthExecution, TruthOrder, TruthPosition};

use self::amend::Amendment;
use self::executions::{ClosedPnl, Execution};
use self::faults::AnswerCode;
use self::ids::Ids;
use self::limits::Limits;
use self::order::VenueOrder;
use self::positions::Leg;
use self::public::Topic;
use self::refusal::Outcome;
use self::view::View;
use super::matcher::{Answers, Costs, Matcher};
use crate::domain::{
    Category, InstrumentId, Instruments, MarketEvent, Money, Qty, Rate, Timestamp,
};

/// Something on its way to the matching engine.
#[derive(Debug, Clone)]
enum Arrival {
    Submit(usize),
    Cancel(usize),
    Amend(usize, Box<Amendment>),
}

/// A venue with one account.
#[derive(Debug)]
pub struct Exchange {
    rules: VenueRules,
    keys: Vec<ApiKey>,
    started: Timestamp,
    /// What is listed.
    table: Instruments,
    /// By listed instrument: the matcher's instrument for its short leg.
    short_of: Vec<Option<InstrumentId>>,
    matcher: Matcher,
    /// By the matcher's instrument.
    costs: Vec<Costs>,
    legs: Vec<Leg>,
    /// The matcher's cash, as far as it has been told.
    cash: Money,
    coin: String,
    account_leverage: u16,
    maintenance_rate: Rate,
    /// By listed instrument: leverage of buys and of sells.
    leverage: Vec<(Rate, Rate)>,
    views: Vec<View>,
    topics: Vec<Vec<Topic>>,
    /// `u` of a book that is subscribed to for the first time.
    first_u: u64,
    /// Every order ever accepted.
    orders: Vec<VenueOrder>,
    by_id: BTreeMap<String, usize>,
    by_link: BTreeMap<(Category, String), usize>,
    open: BTreeSet<usize>,
    /// Closed orders that are remembered, oldest first.
    closed: VecDeque<usize>,
    executions: Vec<Execution>,
    closed_pnl: Vec<ClosedPnl>,
    coming: BTreeMap<(Timestamp, u64), Arrival>,
    n_sent: u64,
    limits: Limits,
    ids: Ids,
    private: Vec<PrivatePush>,
    public: Vec<PublicPush>,
    /// Orders that have woken, and that have filled, in the batch that is being told.
    to_drop: Vec<usize>,
    filled_now: Vec<(usize, Qty)>,
    answer_codes: Vec<AnswerCode>,
    maintenance: bool,
    reject_later: Option<(String, u32)>,
    odd_exec_type: Option<(InstrumentId, String)>,
    partial_fills: Qty,
}

impl Exchange {
    /// A venue as `setup` says.
    ///
    /// # Errors
    ///
    /// When keys or instruments are given twice, or a setting is out of its range.
    pub fn new(setup: ExchangeSetup) -> Result<Self, ExchangeError> {
        setup.check()?;
        let ExchangeSetup {
            instruments: table,
            matcher: mut settings,
            keys,
            start,
            rules,
        } = setup;
        let mut all: Vec<_> = table.iter().map(|(_, rules)| rules.clone()).collect();
        let mut short_of = vec![None; table.len()];
        for (id, listed) in table.iter() {
            if listed.category == Category::Linear {
                let short = u16::try_from(all.len()).map_err(|_| ExchangeError::TooMany)?;
                short_of[id.index()] = Some(InstrumentId(short));
                all.push(listed.clone());
                if let Some(costs) = settings.costs_of.get(&id).copied() {
                    settings.costs_of.insert(InstrumentId(short), costs);
                }
            }
        }
        let all = Instruments::new(all).map_err(ExchangeError::Instruments)?;
        let costs = all.iter().map(|(id, _)| {
            let own = settings.costs_of.get(&id);
            *own.unwrap_or(&settings.costs)
        });
        let leverage = Rate::from_raw(i64::from(rules.leverage) * Rate::ONE.raw());
        Ok(Self {
            costs: costs.collect(),
            legs: vec![Leg::new(start); all.len()],
            cash: settings.cash,
            coin: settings.coin.clone(),
            account_leverage: settings.leverage,
            maintenance_rate: settings.maintenance,
            matcher: Matcher::new(all, settings)?,
            leverage: vec![(leverage, leverage); table.len()],
            views: vec![View::new(start); table.len()],
            topics: vec![Vec::new(); table.len()],
            first_u: 1_000,
            short_of,
            table,
            keys,
            started: start,
            rules,
            orders: Vec::new(),
            by_id: BTreeMap::new(),
            by_link: BTreeMap::new(),
            open: BTreeSet::new(),
            closed: VecDeque::new(),
            executions: Vec::new(),
            closed_pnl: Vec::new(),
            coming: BTreeMap::new(),
            n_sent: 0,
            limits: Limits::default(),
            ids: Ids::default(),
            private: Vec::new(),
            public: Vec::new(),
            to_drop: Vec::new(),
            filled_now: Vec::new(),
            answer_codes: Vec::new(),
            maintenance: false,
            reject_later: None,
            odd_exec_type: None,
            partial_fills: Qty::ZERO,
        })
    }

    /// Answers one REST call that arrives at `now`. What follows from it is in
    /// [`Exchange::take_private`] afterwards, so the answer leaves first.
    ///
    /// A transport that knows the caller's address may add it as header `x-real-ip`.
    pub fn rest(&mut self, now: Timestamp, call: &Call<'_>) -> Reply {
        self.advance(now);
        self.answer_rest(now, call)
    }

    /// Checks the `args` of an `auth` frame: key, expiry (number or text), signature.
    ///
    /// # Errors
    ///
    /// Code and text of the refusal; the private stream tells the text only.
    pub fn check_socket_auth(
        &self,
        now: Timestamp,
        args: &serde_json::Value,
    ) -> Result<SocketUser, (i64, String)> {
        self.check_auth(now, args)
    }

    /// Answers one order-entry frame of an authenticated socket, without `connId`, which is the
    /// transport's, as are `ping`, `auth` and repeated `reqId`s (20006). `None` when the frame is
    /// one of those or no request at all.
    pub fn trade_op(&mut self, now: Timestamp, user: &SocketUser, frame: &str) -> Option<String> {
        self.advance(now);
        self.answer_entry(now, user, frame)
    }

    /// Shows the venue one market event: the market moves, orders trade. What is due by `at`
    /// happens before.
    pub fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        self.advance(at);
        let id = event.instrument();
        if self.table.len() <= id.index() {
            return;
        }
        let seq = self.ids.seq();
        let print = match event {
            MarketEvent::Trade(_) => self.ids.next(self.table.get(id).category),
            _ => String::new(),
        };
        self.views[id.index()].apply(at, seq, event, print);
        let mut out = Answers::new();
        self.matcher.on_market(at, event, &mut out);
        self.settle(&out);
        if let Some(short) = self.short_of[id.index()]
            && let Some(event) = self.for_short_leg(event, short)
        {
            let mut out = Answers::new();
            self.matcher.on_market(at, &event, &mut out);
            self.settle(&out);
        }
        self.watch_parked(at, event);
        self.publish(at, event);
    }

    /// The event for the short leg; books only once there can be one.
    fn for_short_leg(&self, event: &MarketEvent, short: InstrumentId) -> Option<MarketEvent> {
        let mut event = match event {
            MarketEvent::Book(_) if !self.rules.hedge_mode => return None,
            event => event.clone(),
        };
        match &mut event {
            MarketEvent::BarOpen { instrument, .. } | MarketEvent::Mark { instrument, .. } => {
                *instrument = short;
            }
            MarketEvent::Bar(bar) => bar.instrument = short,
            MarketEvent::Quote(quote) => quote.instrument = short,
            MarketEvent::Book(update) => update.instrument = short,
            MarketEvent::Trade(trade) => trade.instrument = short,
            MarketEvent::Funding(funding) => funding.instrument = short,
        }
        Some(event)
    }

    /// Shows the short legs the books that they have missed.
    fn feed_short_legs(&mut self, now: Timestamp) {
        for at in 0..self.table.len() {
            if let Some(short) = self.short_of[at]
                && let Some(book) = self.views[at].snapshot(short)
            {
                let mut out = Answers::new();
                self.matcher
                    .on_market(now, &MarketEvent::Book(book), &mut out);
                self.settle(&out);
            }
        }
    }

    /// Lets everything happen that is due up to and including `now`.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(first) = self.coming.first_entry()
            && first.key().0 <= now
        {
            let ((at, _), arrival) = first.remove_entry();
            self.arrive(at, arrival);
        }
        self.repeat_books(now);
    }

    /// When something that is on its way reaches the matching engine; `None` when nothing is.
    ///
    /// Books of one level want [`Exchange::advance`] about every second besides.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.coming.first_key_value().map(|((at, _), _)| *at)
    }

    /// Private frames since the last call, in the venue's order.
    pub fn take_private(&mut self) -> Vec<PrivatePush> {
        std::mem::take(&mut self.private)
    }

    /// Public frames since the last call, in the venue's order; of topics that were ever asked
    /// for with [`Exchange::public_topic`].
    pub fn take_public(&mut self) -> Vec<PublicPush> {
        std::mem::take(&mut self.public)
    }

    /// A socket subscribes to a public topic: the snapshot to send first, if there is one.
    ///
    /// Frames that were made before and not taken yet are older than this snapshot.
    ///
    /// # Errors
    ///
    /// `ret_msg` of the refusal, such as `error:handler not found,topic:orderbook.500.BTCUSDT`.
    pub fn public_topic(
        &mut self,
        now: Timestamp,
        category: Category,
        topic: &str,
    ) -> Result<Option<String>, String> {
        self.open_topic(now, category, topic)
    }

    /// What really happened, for a checker.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.tell_truth()
    }

    /// Carries out a drill.
    ///
    /// # Errors
    ///
    /// When it names what the venue does not have.
    pub fn drill(&mut self, now: Timestamp, drill: &Drill) -> Result<(), String> {
        self.advance(now);
        self.carry_out(now, drill)
    }
}
