//! What tests of the whole feed share: a feed that is spoken to in frames and answers in words.

use super::out::{FeedOut, FeedSettings, Heard, Scope, Wanted, WantedBars};
use super::topics::Depth;
use super::{FeedHealth, FeedState};
use crate::domain::{Category, InstrumentId, Interval, MarketEvent, Symbol, Timestamp};

pub(super) const A: InstrumentId = InstrumentId(0);
pub(super) const B: InstrumentId = InstrumentId(3);

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(super) fn minute() -> Interval {
    "1m".parse().unwrap()
}

pub(super) fn wanted(instrument: InstrumentId, category: Category, symbol: &str) -> Wanted {
    Wanted {
        instrument,
        category,
        symbol: Symbol::new(symbol).unwrap(),
        best: true,
        depth: Some(Depth::L50),
        ticker: true,
        trades: true,
        klines: vec![WantedBars {
            interval: minute(),
            next_open: None,
        }],
    }
}

/// A feed with `AUSDT` of linear as instrument 0, and what it has said.
pub(super) struct Desk {
    pub(super) feed: FeedState,
    pub(super) out: Vec<FeedOut>,
}

impl Desk {
    pub(super) fn new(settings: FeedSettings) -> Self {
        let mut feed = FeedState::new(settings);
        feed.watch(wanted(A, Category::Linear, "AUSDT"));
        let mut desk = Self {
            feed,
            out: Vec::new(),
        };
        desk.feed.on_up(at(0), Scope::All, &mut desk.out);
        assert_eq!(desk.said(), "up");
        desk
    }

    pub(super) fn hear(&mut self, ms: i64, text: &str) -> Heard {
        let text = text.as_bytes();
        self.feed
            .on_frame(at(ms), Category::Linear, text, &mut self.out)
    }

    /// Hears a frame of data and gives what it led to.
    pub(super) fn told(&mut self, ms: i64, text: &str) -> String {
        assert_eq!(self.hear(ms, text), Heard::Data, "{text}");
        self.said()
    }

    pub(super) fn tick(&mut self, ms: i64) -> String {
        self.feed.on_tick(at(ms), &mut self.out);
        self.said()
    }

    pub(super) fn said(&mut self) -> String {
        let words: Vec<String> = self.out.drain(..).map(|out| word(&out)).collect();
        words.join("; ")
    }
}

pub(super) fn word(out: &FeedOut) -> String {
    match out {
        FeedOut::Event(at, event) => format!("{}:{}", at.millis(), event_word(event)),
        FeedOut::Health(health) => health_word(health),
        FeedOut::NeedBackfill { span, .. } => {
            format!("need {}..{}", span.from.millis(), span.to.millis())
        }
        FeedOut::Resync { topic, attempt } => format!("resync {topic} {attempt}"),
        FeedOut::Refused { instrument, error } => {
            format!("refused {:?} {error}", instrument.map(|id| id.0))
        }
    }
}

pub(super) fn event_word(event: &MarketEvent) -> String {
    match event {
        MarketEvent::Book(update) => {
            let kind = if update.snapshot { "book" } else { "change" };
            let (bids, asks) = (update.bids.len(), update.asks.len());
            format!("{kind} {} {bids}+{asks}", update.update_id)
        }
        MarketEvent::Quote(quote) => format!("quote {}/{}", quote.bid, quote.ask),
        MarketEvent::Mark { price, .. } => format!("mark {price}"),
        MarketEvent::Trade(trade) => format!("trade {}x{}", trade.price, trade.qty),
        MarketEvent::BarOpen { price, .. } => format!("open {price}"),
        MarketEvent::Bar(event) => {
            assert!(event.confirmed);
            format!("bar {}", event.bar.close)
        }
        MarketEvent::Funding(funding) => format!("funding {}", funding.rate),
    }
}

pub(super) fn health_word(health: &FeedHealth) -> String {
    match health {
        FeedHealth::Down { .. } => "down".to_owned(),
        FeedHealth::Up { .. } => "up".to_owned(),
        FeedHealth::Stale {
            instrument,
            silent_ms,
        } => format!("stale {} {silent_ms:?}", instrument.0),
        FeedHealth::Fresh { instrument } => format!("fresh {}", instrument.0),
        FeedHealth::BookLost { instrument, .. } => format!("lost {}", instrument.0),
        FeedHealth::BookWhole { instrument } => format!("whole {}", instrument.0),
        FeedHealth::Broken { instrument } => format!("broken {}", instrument.0),
        FeedHealth::Mended { instrument } => format!("mended {}", instrument.0),
        FeedHealth::BarRevised { now, .. } => format!("revised to {}", now.close),
        FeedHealth::BarsAbsent { span, .. } => format!("absent from {}", span.from.millis()),
    }
}

pub(super) fn book(depth: u32, kind: &str, ts: i64, u: u64, bids: &str, asks: &str) -> String {
    format!(
        r#"{{"topic":"orderbook.{depth}.AUSDT","type":"{kind}","ts":{ts},"data":{{"s":"AUSDT","b":[{bids}],"a":[{asks}],"u":{u},"seq":7}},"cts":{}}}"#,
        ts - 2
    )
}

pub(super) fn best(ts: i64, u: u64, bid: &str, ask: &str) -> String {
    let side = |price: &str| format!(r#"["{price}","1"]"#);
    book(1, "snapshot", ts, u, &side(bid), &side(ask))
}

pub(super) fn snapshot(ts: i64, u: u64) -> String {
    book(50, "snapshot", ts, u, r#"["99","1"]"#, r#"["101","1"]"#)
}

pub(super) fn change(ts: i64, u: u64) -> String {
    book(50, "delta", ts, u, r#"["98","2"]"#, "")
}

pub(super) fn ticker(kind: &str, cs: u64, ts: i64, fields: &str) -> String {
    format!(
        r#"{{"topic":"tickers.AUSDT","type":"{kind}","data":{{"symbol":"AUSDT",{fields}}},"cs":{cs},"ts":{ts}}}"#
    )
}

pub(super) fn trades(ts: i64, rows: &[(&str, &str)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(id, price)| {
            format!(
                r#"{{"T":{ts},"s":"AUSDT","S":"Buy","v":"2","p":"{price}","i":"{id}","BT":false}}"#
            )
        })
        .collect();
    format!(
        r#"{{"topic":"publicTrade.AUSDT","type":"snapshot","ts":{ts},"data":[{}]}}"#,
        rows.join(",")
    )
}

pub(super) fn kline(n: i64, close: &str, confirm: bool) -> String {
    let (start, end) = (n * 60_000, n * 60_000 + 59_999);
    format!(
        r#"{{"topic":"kline.1.AUSDT","data":[{{"start":{start},"end":{end},"interval":"1","open":"10","close":"{close}","high":"20","low":"5","volume":"1","turnover":"9","confirm":{confirm},"timestamp":{end}}}],"ts":{end},"type":"snapshot"}}"#
    )
}
