//! The venue's broker, over real sockets.

use std::collections::BTreeMap;
use std::sync::Arc;

use tradeterm::config::{OrderEntry, Settings};
use tradeterm::domain::{AccountEvent, ClientOrderId, MarketEvent, OrderSpec, Timestamp};
use tradeterm::engine::Event;
use tradeterm::runtime::Remote;
use tradeterm::venue::broker::{Broker, KnownOrder, RemoteBroker};
use tradeterm::venue::bybit::broker::BybitBroker;
use tradeterm::venue::sim::exchange::Truth;
use tradeterm::venue::sim::server::{ListFeed, Step};

use super::desk::{Desk, State, Told, fill_words};
use super::line::Line;
use super::script::{START, Script, account, approved, instruments};

/// Statuses of orders that nothing can happen to any more (Bybit v5, orderStatus).
pub(crate) const FINAL: [&str; 5] = [
    "Filled",
    "Cancelled",
    "PartiallyFilledCanceled",
    "Rejected",
    "Deactivated",
];

pub(crate) struct Bybit {
    line: Line,
    remote: Remote,
    /// Asks for the account at the end, beside the session.
    reader: BybitBroker,
    told: Told,
}

impl Bybit {
    pub(crate) fn new(script: &Script, order_entry: OrderEntry) -> Self {
        let market = ListFeed::new(script.market());
        let mut settings = Settings::default();
        settings.venue.order_entry = order_entry;
        let mut line = Line::new(instruments(), Box::new(market), account(), settings);
        let remote = line.open(|_, _| {});
        let rest = Arc::clone(&line.connection.rest);
        let reader = BybitBroker::new(rest, None, instruments(), "USDT").unwrap();
        Self {
            line,
            remote,
            reader,
            told: Told::default(),
        }
    }

    /// Listens until everything that the venue did has been heard, and `is_heard`.
    fn settle(&mut self, is_heard: impl Fn(&Told) -> bool) {
        let server = Arc::clone(&self.line.server);
        let told = &mut self.told;
        self.line.until("the venue's word", |_, event| {
            if let Some(event) = event {
                if let Event::Account(event) = event {
                    told.hear(&event);
                }
                return false;
            }
            is_heard(told) && agrees(told, &server.truth())
        });
    }
}

/// Whether all that has happened was heard.
fn agrees(told: &Told, truth: &Truth) -> bool {
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    for order in &truth.orders {
        let is_final = FINAL.contains(&order.status.as_str());
        let twice = known.insert(&order.link_id, is_final);
        assert_eq!(twice, None, "{} is at the venue twice", order.link_id);
    }
    told.orders.iter().all(|order| {
        let n_fills = truth
            .executions
            .iter()
            .filter(|e| e.link_id == order.id.as_str())
            .count();
        let is_known = match known.get(order.id.as_str()) {
            Some(true) => order.state.is_final(),
            Some(false) => order.state == State::Open,
            None => order.state == State::Refused,
        };
        is_known && order.fills.len() == n_fills
    })
}

impl Desk for Bybit {
    fn market(&mut self, at: Timestamp, event: &MarketEvent) {
        let stepped = self.line.step(Step::Events(1));
        assert_eq!((stepped.events, stepped.now), (1, at));
        let mut answers = Vec::new();
        self.remote.on_market(at, event, &mut answers);
        assert_eq!(answers, [], "its market is the venue's own");
        self.settle(|_| true);
    }

    fn submit(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec) {
        self.told.expect(id, spec.qty);
        self.reader.remember(KnownOrder {
            id,
            spec: spec.clone(),
            expected: None,
        });
        self.remote.submit(at, approved(id, at, spec));
        self.settle(|_| true);
    }

    fn again(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec) {
        let noticed = self.told.get(id).n_repeats_noticed;
        self.remote.submit(at, approved(id, at, spec));
        self.settle(|told| {
            let order = told.orders.iter().find(|order| order.id == id);
            order.is_some_and(|order| noticed < order.n_repeats_noticed)
        });
    }

    fn cancel(&mut self, at: Timestamp, id: ClientOrderId) {
        let order = self.told.get(id);
        let was_over = order.state.is_final();
        let n_too_late = order.n_too_late + usize::from(was_over);
        self.remote.cancel(at, id);
        self.settle(|told| {
            let order = told.orders.iter().find(|order| order.id == id);
            order.is_some_and(|o| o.state.is_final() && n_too_late <= o.n_too_late)
        });
    }

    fn heard(&self) -> &Told {
        &self.told
    }

    /// What the venue answers when it is asked. Its list of executions has to say what its
    /// stream said.
    fn account(&mut self) -> Vec<String> {
        let now = self.line.server.now();
        let report = self.line.block_on(self.reader.report(now)).unwrap();
        let since = Timestamp::from_millis(START);
        let listed = self.line.block_on(self.reader.executions(since)).unwrap();
        let mut listed: Vec<String> = listed
            .iter()
            .filter_map(|event| match event {
                AccountEvent::Fill(fill) => Some(format!("{} {}", fill.order, fill_words(fill))),
                _ => None,
            })
            .collect();
        let orders = self.told.orders.iter();
        let fills = orders.flat_map(|order| &order.fills);
        let mut heard: Vec<String> = fills
            .map(|fill| format!("{} {}", fill.order, fill_words(fill)))
            .collect();
        listed.sort();
        heard.sort();
        assert_eq!(listed, heard);
        let orders = report.orders.iter().map(|o| {
            let id = o.order.map_or("?".to_owned(), |id| id.to_string());
            format!("works {id} {}/{}", o.filled, o.qty)
        });
        let positions = report.positions.iter().map(|p| {
            let entry = p.entry.unwrap();
            format!("holds {} @ {entry}", p.size)
        });
        let cash = [format!("cash {}", report.cash.unwrap())];
        orders.chain(positions).chain(cash).collect()
    }
}
