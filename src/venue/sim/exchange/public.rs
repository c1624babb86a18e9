//! Public topics: what is sent on subscribing and as the market moves.
//!
//! PROTOCOL sections 6 and 7 (Bybit v5, public topics). A topic makes frames from its first
//! subscription on; every subscriber of it is sent the same ones. Book numbers belong to a topic
//! and have no hole, except after a drill.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::bars::turnover;
use super::order::side_name;
use super::view::View;
use super::{Exchange, PublicPush};
use crate::domain::{
    Bar, Category, Instrument, InstrumentId, Interval, Level, MarketEvent, Price, Qty, Timestamp,
};

/// After this long without a change a book of one level is sent again, in milliseconds.
const REPEAT_MS: i64 = 3_000;
/// Trades make no more than one frame of an open bar in this time, in milliseconds.
const FORMING_MS: i64 = 1_000;

/// One topic that somebody has subscribed to.
#[derive(Debug, Clone)]
pub(super) struct Topic {
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Book(Book),
    Kline {
        interval: Interval,
        code: String,
        sent: Timestamp,
    },
    Ticker {
        told: Map<String, Value>,
    },
    Trade,
    /// Exists and never says anything here.
    Silent,
}

/// A book as its subscribers have it.
#[derive(Debug, Clone)]
struct Book {
    depth: usize,
    u: u64,
    bids: Vec<Level>,
    asks: Vec<Level>,
    sent: Timestamp,
    /// Swallow the next change.
    gap: bool,
}

impl Exchange {
    /// See [`Exchange::public_topic`].
    pub(super) fn open_topic(
        &mut self,
        now: Timestamp,
        category: Category,
        name: &str,
    ) -> Result<Option<String>, String> {
        let unknown = || format!("error:handler not found,topic:{name}");
        let (head, symbol) = name.rsplit_once('.').ok_or_else(unknown)?;
        let id = self.table.find(symbol, category).map_err(|_| unknown())?;
        if self.views[id.index()].status == "PreLaunch" {
            return Err(unknown());
        }
        let known = self.topics[id.index()].iter().position(|t| t.name == name);
        let at = if let Some(at) = known {
            at
        } else {
            let kind = self.kind_of(now, id, head).ok_or_else(unknown)?;
            let name = name.to_owned();
            self.topics[id.index()].push(Topic { name, kind });
            self.topics[id.index()].len() - 1
        };
        Ok(self.first_frame(now, id, at))
    }

    fn kind_of(&self, now: Timestamp, id: InstrumentId, head: &str) -> Option<Kind> {
        match head {
            "tickers" => Some(Kind::Ticker {
                told: self.ticker(id, now, false),
            }),
            "publicTrade" => Some(Kind::Trade),
            "priceLimit" | "allLiquidation" => Some(Kind::Silent),
            _ => {
                let (kind, what) = head.split_once('.')?;
                match (kind, what) {
                    ("kline", code) => Some(Kind::Kline {
                        interval: interval_of(code)?,
                        code: code.to_owned(),
                        sent: now,
                    }),
                    ("orderbook", "1" | "50" | "200" | "1000") => {
                        let depth = what.parse().ok()?;
                        let rules = self.table.get(id);
                        let (bids, asks) = self.views[id.index()].levels(rules, depth);
                        Some(Kind::Book(Book {
                            depth,
                            u: self.first_u,
                            bids,
                            asks,
                            sent: now,
                            gap: false,
                        }))
                    }
                    _ => None,
                }
            }
        }
    }

    /// What a new subscriber is sent at once.
    fn first_frame(&self, now: Timestamp, id: InstrumentId, at: usize) -> Option<String> {
        let (view, rules) = (&self.views[id.index()], self.table.get(id));
        let topic = &self.topics[id.index()][at];
        let frame = match &topic.kind {
            Kind::Book(book) => book.frame(topic, rules, view, now, true, &book.bids, &book.asks),
            Kind::Ticker { .. } => {
                ticker_frame(topic, now, view, "snapshot", &self.ticker(id, now, false))
            }
            Kind::Kline { interval, code, .. } => {
                let bars = view.bars_of(*interval);
                let bar = bars.first()?;
                let open = bar.open_time.plus_millis(interval.millis());
                if open <= now {
                    return None;
                }
                kline_frame(topic, now, *interval, code, bar, false)
            }
            Kind::Trade | Kind::Silent => return None,
        };
        Some(frame)
    }

    /// Makes the frames that follow from an event, which the view has taken already.
    pub(super) fn publish(&mut self, at: Timestamp, event: &MarketEvent) {
        let id = event.instrument();
        let mut topics = std::mem::take(&mut self.topics[id.index()]);
        for topic in &mut topics {
            self.publish_one(at, id, topic, event);
        }
        self.topics[id.index()] = topics;
    }

    fn publish_one(
        &mut self,
        at: Timestamp,
        id: InstrumentId,
        topic: &mut Topic,
        event: &MarketEvent,
    ) {
        let (view, rules) = (&self.views[id.index()], self.table.get(id));
        let frame = match &mut topic.kind {
            Kind::Trade => match (event, view.trades.back()) {
                (MarketEvent::Trade(_), Some(print)) => {
                    let mut row = json!({
                        "T": print.at.millis(), "s": rules.symbol.as_str(),
                        "S": side_name(print.taker), "v": print.qty.to_string(),
                        "p": print.price.to_string(), "i": print.id, "BT": false, "RPI": false,
                        "seq": print.seq,
                    });
                    if rules.category == Category::Linear {
                        row["L"] = json!(print.tick);
                    }
                    Some(
                        json!({"topic": topic.name, "type": "snapshot", "ts": at.millis(),
                            "data": [row]})
                        .to_string(),
                    )
                }
                _ => None,
            },
            Kind::Kline {
                interval,
                code,
                sent,
            } => {
                let (interval, code) = (*interval, code.clone());
                let news = match event {
                    MarketEvent::Trade(_) if at.since(*sent) < FORMING_MS => None,
                    MarketEvent::Trade(_) => view.forming(at, interval).map(|bar| (bar, false)),
                    _ => kline_news(view, event, interval),
                };
                if news.is_some() {
                    *sent = at;
                }
                news.map(|(bar, confirm)| kline_frame(topic, at, interval, &code, &bar, confirm))
            }
            Kind::Ticker { .. } => self.ticker_news(at, id, topic),
            Kind::Book(book) => {
                let (bids, asks) = view.levels(rules, book.depth);
                let (news_b, news_a) = (changes(&book.bids, &bids), changes(&book.asks, &asks));
                (book.bids, book.asks) = (bids, asks);
                if news_b.is_empty() && news_a.is_empty() {
                    None
                } else {
                    book.u += 1;
                    book.sent = at;
                    let swallowed = std::mem::take(&mut book.gap);
                    let book = book.clone();
                    let whole = book.depth == 1;
                    let (b, a) = if whole {
                        (&book.bids, &book.asks)
                    } else {
                        (&news_b, &news_a)
                    };
                    (!swallowed).then(|| book.frame(topic, rules, view, at, whole, b, a))
                }
            }
            Kind::Silent => None,
        };
        if let Some(frame) = frame {
            self.publish_frame(at, id, topic.name.clone(), frame);
        }
    }

    /// Changed fields on linear, everything on spot; `None` when nothing changed.
    fn ticker_news(&self, at: Timestamp, id: InstrumentId, topic: &mut Topic) -> Option<String> {
        let new = self.ticker(id, at, false);
        let Kind::Ticker { told } = &mut topic.kind else {
            return None;
        };
        let changed: Map<String, Value> = new
            .iter()
            .filter(|(name, value)| told.get(*name) != Some(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if changed.is_empty() {
            return None;
        }
        told.clone_from(&new);
        let view = &self.views[id.index()];
        Some(match self.table.get(id).category {
            Category::Spot => ticker_frame(topic, at, view, "snapshot", &new),
            Category::Linear => {
                let mut data = changed;
                data.insert("symbol".to_owned(), new["symbol"].clone());
                ticker_frame(topic, at, view, "delta", &data)
            }
        })
    }

    fn publish_frame(&mut self, at: Timestamp, id: InstrumentId, topic: String, frame: String) {
        self.public.push(PublicPush {
            category: self.table.get(id).category,
            topic,
            at,
            frame,
        });
    }

    /// Sends books of one level again that have not changed for a while.
    pub(super) fn repeat_books(&mut self, now: Timestamp) {
        let is_due = |topic: &Topic| match &topic.kind {
            Kind::Book(book) => book.depth == 1 && REPEAT_MS <= now.since(book.sent),
            _ => false,
        };
        if !self.topics.iter().flatten().any(is_due) {
            return;
        }
        for (id, rules) in self.table.clone().iter() {
            let view = &self.views[id.index()];
            let mut due = Vec::new();
            for topic in &mut self.topics[id.index()] {
                let name = topic.name.clone();
                if let Kind::Book(book) = &mut topic.kind
                    && book.depth == 1
                    && REPEAT_MS <= now.since(book.sent)
                {
                    book.sent = now;
                    let book = book.clone();
                    let frame = book.frame(topic, rules, view, now, true, &book.bids, &book.asks);
                    due.push((name, frame));
                }
            }
            for (name, frame) in due {
                self.publish_frame(now, id, name, frame);
            }
        }
    }

    /// Starts every book anew with `u=1`, as a restart of the venue does.
    pub(super) fn restart_books(&mut self, now: Timestamp) {
        self.first_u = 1;
        for (id, rules) in self.table.clone().iter() {
            let view = &self.views[id.index()];
            let mut due = Vec::new();
            for topic in &mut self.topics[id.index()] {
                if let Kind::Book(book) = &mut topic.kind {
                    book.u = 1;
                    book.sent = now;
                    let book = book.clone();
                    let frame = book.frame(topic, rules, view, now, true, &book.bids, &book.asks);
                    due.push((topic.name.clone(), frame));
                }
            }
            for (name, frame) in due {
                self.publish_frame(now, id, name, frame);
            }
        }
    }

    /// Swallows the next change of an instrument's books.
    pub(super) fn tear_books(&mut self, id: InstrumentId) {
        for topic in &mut self.topics[id.index()] {
            if let Kind::Book(book) = &mut topic.kind {
                book.gap = true;
            }
        }
    }
}

impl Book {
    #[expect(
        clippy::too_many_arguments,
        reason = "a frame is made of exactly these parts"
    )]
    fn frame(
        &self,
        topic: &Topic,
        rules: &Instrument,
        view: &View,
        at: Timestamp,
        whole: bool,
        bids: &[Level],
        asks: &[Level],
    ) -> String {
        json!({
            "topic": topic.name, "type": if whole { "snapshot" } else { "delta" },
            "ts": at.millis(), "cts": view.at.millis(),
            "data": {
                "s": rules.symbol.as_str(), "b": rows(bids), "a": rows(asks),
                "u": self.u, "seq": view.seq,
            },
        })
        .to_string()
    }
}

/// Levels as the venue writes them.
pub(super) fn rows(levels: &[Level]) -> Vec<Value> {
    let row = |level: &Level| json!([level.price.to_string(), level.qty.to_string()]);
    levels.iter().map(row).collect()
}

/// What has to be said so that `old` becomes `new`; a size of zero takes a level away.
fn changes(old: &[Level], new: &[Level]) -> Vec<Level> {
    let by_price = |levels: &[Level]| -> BTreeMap<Price, Qty> {
        levels.iter().map(|l| (l.price, l.qty)).collect()
    };
    let (before, after) = (by_price(old), by_price(new));
    let gone = old.iter().filter(|l| !after.contains_key(&l.price));
    let gone = gone.map(|level| Level {
        price: level.price,
        qty: Qty::ZERO,
    });
    let set = new.iter().filter(|l| before.get(&l.price) != Some(&l.qty));
    gone.chain(set.copied()).collect()
}

fn ticker_frame(
    topic: &Topic,
    at: Timestamp,
    view: &View,
    kind: &str,
    data: &Map<String, Value>,
) -> String {
    json!({"topic": topic.name, "type": kind, "cs": view.seq, "ts": at.millis(), "data": data})
        .to_string()
}

/// The bar to tell after an event, and whether it is closed.
fn kline_news(view: &View, event: &MarketEvent, interval: Interval) -> Option<(Bar, bool)> {
    match event {
        MarketEvent::BarOpen { .. } => {
            let bar = *view.bars_of(interval).first()?;
            (bar.open_time.plus_millis(interval.millis()) > view.at).then_some((bar, false))
        }
        MarketEvent::Bar(event) if event.interval == interval => Some((event.bar, event.confirmed)),
        MarketEvent::Bar(event)
            if view.is_finest(event.interval) && !view.bars.contains_key(&interval) =>
        {
            let bar = *view.bars_of(interval).first()?;
            let closes = event.confirmed && View::closes(interval, event.interval, &event.bar);
            Some((bar, closes))
        }
        _ => None,
    }
}

fn kline_frame(
    topic: &Topic,
    at: Timestamp,
    interval: Interval,
    code: &str,
    bar: &Bar,
    confirm: bool,
) -> String {
    let start = bar.open_time.millis();
    json!({
        "topic": topic.name, "type": "snapshot", "ts": at.millis(),
        "data": [{
            "start": start, "end": start + interval.millis() - 1, "interval": code,
            "open": bar.open.to_string(), "close": bar.close.to_string(),
            "high": bar.high.to_string(), "low": bar.low.to_string(),
            "volume": bar.volume.to_string(), "turnover": turnover(bar).to_string(),
            "confirm": confirm, "timestamp": at.millis().min(start + interval.millis() - 1),
        }],
    })
    .to_string()
}

/// Interval of a kline code; weeks and months are not recorded.
pub(super) fn interval_of(code: &str) -> Option<Interval> {
    let minutes: i64 = match code {
        "D" => 1_440,
        "1" | "3" | "5" | "15" | "30" | "60" | "120" | "240" | "360" | "720" => {
            code.parse().ok()?
        }
        _ => return None,
    };
    Interval::from_millis(minutes * 60_000)
}
