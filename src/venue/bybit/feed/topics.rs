//! Names of the public topics, from an instrument and back.
//!
//! A name does not say its category: the socket does. `BTCUSDT` is a symbol of spot and of
//! linear, so a topic is only known together with its category (Bybit v5, public topics).

use std::fmt;

use crate::domain::{Category, Interval, Symbol};

/// Levels of a book topic; the set that Bybit serves for spot and linear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// Best bid and ask; snapshots only, every 10 ms, repeated after 3 s without a change.
    Best,
    /// 50 levels a side, every 20 ms.
    L50,
    /// 200 levels a side, every 100 ms.
    L200,
    /// 1000 levels a side, every 200 ms.
    L1000,
}

impl Depth {
    const ALL: [Self; 4] = [Self::Best, Self::L50, Self::L200, Self::L1000];

    /// Levels of a side.
    #[must_use]
    pub const fn levels(self) -> usize {
        match self {
            Self::Best => 1,
            Self::L50 => 50,
            Self::L200 => 200,
            Self::L1000 => 1_000,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Best => "1",
            Self::L50 => "50",
            Self::L200 => "200",
            Self::L1000 => "1000",
        }
    }
}

/// What a topic tells about its instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The order book.
    Book(Depth),
    /// Trades between others.
    Trades,
    /// Last, mark and index price, funding, statistics of the day.
    Ticker,
    /// Bars.
    Kline(Interval),
}

/// A public topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    /// Market that the socket serves.
    pub category: Category,
    /// What it tells.
    pub channel: Channel,
    /// Symbol that it tells it about.
    pub symbol: Symbol,
}

/// Why a text is not a topic that is read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a topic that is read: use orderbook.{{1,50,200,1000}}, publicTrade, tickers \
     or kline.{{1,3,5,15,30,60,120,240,360,720,D}} with a symbol"
)]
pub struct TopicError(String);

impl Topic {
    /// Topic of an instrument.
    #[must_use]
    pub const fn new(category: Category, symbol: Symbol, channel: Channel) -> Self {
        Self {
            category,
            channel,
            symbol,
        }
    }

    /// Reads the name of a topic that came from the socket of `category`.
    ///
    /// # Errors
    ///
    /// When no such topic is read here.
    pub fn parse(category: Category, name: &str) -> Result<Self, TopicError> {
        let unknown = || TopicError(name.chars().take(60).collect());
        let (kind, rest) = name.split_once('.').ok_or_else(unknown)?;
        let (channel, symbol) = match kind {
            "publicTrade" => (Channel::Trades, rest),
            "tickers" => (Channel::Ticker, rest),
            "orderbook" => {
                let (code, symbol) = rest.split_once('.').ok_or_else(unknown)?;
                let depth = Depth::ALL.into_iter().find(|d| d.code() == code);
                (Channel::Book(depth.ok_or_else(unknown)?), symbol)
            }
            "kline" => {
                let (code, symbol) = rest.split_once('.').ok_or_else(unknown)?;
                let interval = interval_of_code(code).ok_or_else(unknown)?;
                (Channel::Kline(interval), symbol)
            }
            _ => return Err(unknown()),
        };
        let symbol = Symbol::new(symbol).map_err(|_| unknown())?;
        Ok(Self::new(category, symbol, channel))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbol = &self.symbol;
        match self.channel {
            Channel::Book(depth) => write!(f, "orderbook.{}.{symbol}", depth.code()),
            Channel::Trades => write!(f, "publicTrade.{symbol}"),
            Channel::Ticker => write!(f, "tickers.{symbol}"),
            Channel::Kline(interval) => write!(f, "kline.{}.{symbol}", interval_code(interval)),
        }
    }
}

/// The venue's name of an interval: minutes, or `D` for a day.
#[must_use]
pub const fn interval_code(interval: Interval) -> &'static str {
    match interval.millis() / 60_000 {
        1 => "1",
        3 => "3",
        5 => "5",
        15 => "15",
        30 => "30",
        60 => "60",
        120 => "120",
        240 => "240",
        360 => "360",
        720 => "720",
        _ => "D",
    }
}

/// Interval of a name; `None` for weeks, months and everything unknown.
#[must_use]
pub fn interval_of_code(code: &str) -> Option<Interval> {
    let minutes = match code {
        "D" => 1_440,
        "1" | "3" | "5" | "15" | "30" | "60" | "120" | "240" | "360" | "720" => {
            code.parse::<i64>().ok()?
        }
        _ => return None,
    };
    Interval::from_millis(minutes * 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        let interval = |name: &str| name.parse::<Interval>().unwrap();
        for (name, channel, symbol) in [
            ("orderbook.1.BTCUSDT", Channel::Book(Depth::Best), "BTCUSDT"),
            ("orderbook.50.BTCPERP", Channel::Book(Depth::L50), "BTCPERP"),
            (
                "orderbook.200.ETHUSDT",
                Channel::Book(Depth::L200),
                "ETHUSDT",
            ),
            (
                "orderbook.1000.1000PEPEUSDT",
                Channel::Book(Depth::L1000),
                "1000PEPEUSDT",
            ),
            (
                "publicTrade.BTCUSDT-21FEB25",
                Channel::Trades,
                "BTCUSDT-21FEB25",
            ),
            ("tickers.BTCUSDT", Channel::Ticker, "BTCUSDT"),
            ("kline.1.BTCUSDT", Channel::Kline(interval("1m")), "BTCUSDT"),
            (
                "kline.15.BTCUSDT",
                Channel::Kline(interval("15m")),
                "BTCUSDT",
            ),
            (
                "kline.240.BTCUSDT",
                Channel::Kline(interval("4h")),
                "BTCUSDT",
            ),
            (
                "kline.720.BTCUSDT",
                Channel::Kline(interval("12h")),
                "BTCUSDT",
            ),
            ("kline.D.BTCUSDT", Channel::Kline(interval("1d")), "BTCUSDT"),
        ] {
            for category in [Category::Spot, Category::Linear] {
                let topic = Topic::new(category, Symbol::new(symbol).unwrap(), channel);
                assert_eq!(topic.to_string(), name);
                assert_eq!(Topic::parse(category, name), Ok(topic));
            }
        }
    }

    #[test]
    fn every_interval_has_a_code() {
        for name in [
            "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d",
        ] {
            let interval: Interval = name.parse().unwrap();
            assert_eq!(interval_of_code(interval_code(interval)), Some(interval));
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "tickers",
            "tickers.",
            "orderbook.BTCUSDT",
            "orderbook.500.BTCUSDT",
            "orderbook.rpi.BTCUSDT",
            "orderbook.50.",
            "kline.W.BTCUSDT",
            "kline.7.BTCUSDT",
            "kline.+1.BTCUSDT",
            "kline.1440.BTCUSDT",
            "publicTrade.BTC.USDT",
            "trade.BTCUSDT",
        ] {
            assert!(Topic::parse(Category::Spot, name).is_err(), "{name:?}");
        }
    }
}
