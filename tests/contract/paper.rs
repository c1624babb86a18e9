//! The paper broker without latency.

use tradeterm::domain::{AccountEvent, ClientOrderId, MarketEvent, OrderSpec, Timestamp};
use tradeterm::venue::broker::Broker;
use tradeterm::venue::sim::{Matcher, PaperBroker};

use super::desk::{Desk, Told};
use super::script::{account, approved, instruments};

pub(crate) struct Paper {
    broker: PaperBroker,
    told: Told,
}

impl Paper {
    pub(crate) fn new() -> Self {
        let matcher = Matcher::new(instruments(), account()).unwrap();
        Self {
            broker: PaperBroker::new(matcher, 0),
            told: Told::default(),
        }
    }

    fn take(&mut self, at: Timestamp) {
        let mut out: Vec<(Timestamp, AccountEvent)> = Vec::new();
        self.broker.advance(at, &mut out);
        self.hear(&out);
        assert_eq!(
            self.broker.next_due(),
            None,
            "without latency nothing waits"
        );
    }

    fn hear(&mut self, out: &[(Timestamp, AccountEvent)]) {
        for (_, event) in out {
            self.told.hear(event);
        }
    }
}

impl Desk for Paper {
    fn market(&mut self, at: Timestamp, event: &MarketEvent) {
        let mut out = Vec::new();
        self.broker.on_market(at, event, &mut out);
        self.hear(&out);
    }

    fn submit(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec) {
        self.told.expect(id, spec.qty);
        self.broker.submit(at, approved(id, at, spec));
        self.take(at);
    }

    fn again(&mut self, at: Timestamp, id: ClientOrderId, spec: &OrderSpec) {
        let noticed = self.told.get(id).n_repeats_noticed;
        self.broker.submit(at, approved(id, at, spec));
        self.take(at);
        assert_eq!(self.told.get(id).n_repeats_noticed, noticed + 1);
    }

    fn cancel(&mut self, at: Timestamp, id: ClientOrderId) {
        self.broker.cancel(at, id);
        self.take(at);
    }

    fn heard(&self) -> &Told {
        &self.told
    }

    fn account(&mut self) -> Vec<String> {
        let account = self.broker.account();
        let orders = account
            .orders
            .iter()
            .map(|o| format!("works {} {}/{}", o.id, o.filled, o.spec.qty));
        let positions = account
            .positions
            .iter()
            .map(|p| format!("holds {} @ {}", p.qty, p.entry));
        let cash = [format!("cash {}", account.cash)];
        orders.chain(positions).chain(cash).collect()
    }
}
