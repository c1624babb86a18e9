//! Which instrument and channel a topic's name belongs to.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::topics::{Channel, Topic};
use crate::domain::{Category, InstrumentId};

/// Where a topic's frames go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) instrument: InstrumentId,
    pub(super) channel: Channel,
}

/// The topics that are watched. Only our own names are ever put in, so that the quick hash
/// cannot be filled with colliding ones from outside.
#[derive(Debug, Default)]
pub(super) struct Routes {
    spot: Names,
    linear: Names,
}

type Names = HashMap<Box<str>, Route, BuildHasherDefault<NameHasher>>;

impl Routes {
    #[inline]
    pub(super) fn find(&self, category: Category, name: &str) -> Option<Route> {
        let names = match category {
            Category::Spot => &self.spot,
            Category::Linear => &self.linear,
        };
        names.get(name).copied()
    }

    pub(super) fn insert(&mut self, topic: &Topic, instrument: InstrumentId) {
        let channel = topic.channel;
        self.names(topic.category).insert(
            topic.to_string().into(),
            Route {
                instrument,
                channel,
            },
        );
    }

    pub(super) fn remove(&mut self, topic: &Topic) {
        self.names(topic.category)
            .remove(topic.to_string().as_str());
    }

    fn names(&mut self, category: Category) -> &mut Names {
        match category {
            Category::Spot => &mut self.spot,
            Category::Linear => &mut self.linear,
        }
    }
}

/// A hash of short names: eight bytes at a time, multiplied and folded.
#[derive(Debug, Default)]
struct NameHasher(u64);

impl NameHasher {
    fn add(&mut self, word: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.0 ^ word).wrapping_mul(ODD);
        self.0 = mixed ^ (mixed >> 29);
    }
}

impl Hasher for NameHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.add(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, _end: u8) {
        // The end of a text: nothing follows it in a name.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Symbol;

    #[test]
    fn a_name_belongs_to_its_market() {
        let symbol = Symbol::new("BTCUSDT").unwrap();
        let topic = |category| Topic::new(category, symbol.clone(), Channel::Ticker);
        let mut routes = Routes::default();
        routes.insert(&topic(Category::Spot), InstrumentId(1));
        routes.insert(&topic(Category::Linear), InstrumentId(2));
        let found = |routes: &Routes, category| {
            routes
                .find(category, "tickers.BTCUSDT")
                .map(|route| route.instrument)
        };
        assert_eq!(found(&routes, Category::Spot), Some(InstrumentId(1)));
        assert_eq!(found(&routes, Category::Linear), Some(InstrumentId(2)));
        routes.remove(&topic(Category::Spot));
        assert_eq!(found(&routes, Category::Spot), None);
        assert_eq!(found(&routes, Category::Linear), Some(InstrumentId(2)));
        assert_eq!(routes.find(Category::Linear, "tickers.BTCUSD"), None);
    }

    #[test]
    fn names_of_a_market_hardly_collide() {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..2_000 {
            for kind in ["orderbook.50.", "orderbook.1.", "tickers.", "kline.5."] {
                let mut hasher = NameHasher::default();
                hasher.write(format!("{kind}{n}USDT").as_bytes());
                seen.insert(hasher.finish() >> 40);
            }
        }
        // 8,000 names in 2^24 buckets: two at most share one by chance, now and then.
        assert!(7_980 < seen.len(), "{}", seen.len());
    }
}
