//! A desk at the venue: signed calls, a market to move, and pushes in short words.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tradeterm::domain::{
    Bar, BarEvent, BookUpdate, Category, Instrument, InstrumentId, Instruments, Interval, Level,
    MarketEvent, PublicTrade, Side, Symbol, Timestamp,
};
use tradeterm::venue::sim::exchange::{
    ApiKey, Call, Drill, Exchange, ExchangeSetup, Method, Reply, SocketUser, VenueRules,
};
use tradeterm::venue::sim::{Costs, Settings};

pub(crate) const PERP: InstrumentId = InstrumentId(0);
pub(crate) const SPOT: InstrumentId = InstrumentId(1);
pub(crate) const ETH: InstrumentId = InstrumentId(2);
pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const START: i64 = 1_700_000_040_000;
pub(crate) const KEY: &str = "KEY0123456789";
pub(crate) const SECRET: &str = "SECRETabcdefghijklmnop";

/// Parses any of the number types.
pub(crate) fn n<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn instrument(symbol: &str, base: &str, category: Category) -> Instrument {
    Instrument {
        symbol: Symbol::new(symbol).unwrap(),
        category,
        base: base.to_owned(),
        quote: "USDT".to_owned(),
        tick: n("0.1"),
        qty_step: n("0.001"),
        min_qty: n("0.001"),
        max_qty: n("1000"),
        max_market_qty: n("500"),
        min_notional: n("5"),
        funding_hours: if category == Category::Spot { 0 } else { 8 },
    }
}

pub(crate) fn table() -> Instruments {
    Instruments::new(vec![
        instrument("BTCUSDT", "BTC", Category::Linear),
        instrument("BTCUSDT", "BTC", Category::Spot),
        instrument("ETHUSDT", "ETH", Category::Linear),
    ])
    .unwrap()
}

pub(crate) fn settings() -> Settings {
    let costs = Costs {
        maker: n("0.0002"),
        taker: n("0.001"),
        slippage: n("0"),
    };
    Settings::new(n("10000"), "USDT", costs)
}

pub(crate) fn keys() -> Vec<ApiKey> {
    let other = |key: &str| ApiKey::new(key, SECRET);
    vec![
        other(KEY),
        ApiKey {
            read_only: true,
            ..other("READER")
        },
        ApiKey {
            expires: Some(at(START + 1)),
            ..other("ENDED")
        },
        ApiKey {
            ips: vec!["10.0.0.1".to_owned()],
            ..other("BOUND")
        },
        ApiKey {
            contract_trade: false,
            ..other("SPOTONLY")
        },
    ]
}

/// The venue with a clock.
pub(crate) struct Desk {
    pub(crate) venue: Exchange,
    pub(crate) now: i64,
}

impl Desk {
    /// A venue where both BTC markets stand at 100, within a bar.
    pub(crate) fn new() -> Self {
        Self::with(VenueRules::default())
    }

    pub(crate) fn with(rules: VenueRules) -> Self {
        let mut desk = Self::empty(rules);
        for id in [PERP, SPOT, ETH] {
            desk.open(id, "100");
        }
        desk
    }

    /// A venue that has not seen a price.
    pub(crate) fn empty(rules: VenueRules) -> Self {
        let setup = ExchangeSetup {
            instruments: table(),
            matcher: settings(),
            keys: keys(),
            start: at(START),
            rules,
        };
        Self {
            venue: Exchange::new(setup).unwrap(),
            now: START,
        }
    }

    /// A second later, so that no limit binds.
    pub(crate) fn later(&mut self) -> &mut Self {
        self.now += 1_000;
        self.venue.advance(at(self.now));
        self
    }

    pub(crate) fn market(&mut self, event: &MarketEvent) {
        self.venue.on_market(at(self.now), event);
    }

    pub(crate) fn open(&mut self, instrument: InstrumentId, price: &str) {
        let price = n(price);
        self.market(&MarketEvent::BarOpen { instrument, price });
    }

    pub(crate) fn mark(&mut self, instrument: InstrumentId, price: &str) {
        let price = n(price);
        self.market(&MarketEvent::Mark { instrument, price });
    }

    pub(crate) fn trade(&mut self, instrument: InstrumentId, price: &str, qty: &str, taker: Side) {
        self.market(&MarketEvent::Trade(PublicTrade {
            instrument,
            price: n(price),
            qty: n(qty),
            taker,
        }));
    }

    /// A closed minute bar that began at `open_ms`.
    pub(crate) fn bar(&mut self, instrument: InstrumentId, open_ms: i64, prices: [&str; 4]) {
        self.market(&bar_event(instrument, open_ms, prices, true));
    }

    pub(crate) fn book(&mut self, id: u64, bids: &[(&str, &str)], asks: &[(&str, &str)]) {
        self.market(&book_event(PERP, id, true, bids, asks));
    }

    pub(crate) fn drill(&mut self, drill: &Drill) {
        self.venue.drill(at(self.now), drill).unwrap();
    }

    /// A signed or public call as it is; returns the whole reply.
    pub(crate) fn raw(&mut self, method: Method, path: &str, payload: &str) -> Reply {
        let headers = signed(KEY, SECRET, self.now, payload);
        self.send(method, path, payload, &headers)
    }

    pub(crate) fn send(
        &mut self,
        method: Method,
        path: &str,
        payload: &str,
        headers: &[(String, String)],
    ) -> Reply {
        let find = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let (query, body) = match method {
            Method::Get => (payload, ""),
            Method::Post => ("", payload),
        };
        let call = Call {
            method,
            path,
            query,
            body: body.as_bytes(),
            headers: &find,
        };
        self.venue.rest(at(self.now), &call)
    }

    pub(crate) fn get(&mut self, path: &str, query: &str) -> Value {
        let reply = self.raw(Method::Get, path, query);
        serde_json::from_str(&reply.body).unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        let reply = self.raw(Method::Post, path, &body.to_string());
        serde_json::from_str(&reply.body).unwrap()
    }

    /// `retCode` of a post.
    pub(crate) fn code(&mut self, path: &str, body: &Value) -> i64 {
        self.post(path, body)["retCode"].as_i64().unwrap()
    }

    /// Creates an order that must be accepted, a second later; returns its `orderId`.
    pub(crate) fn create(&mut self, body: &Value) -> String {
        let answer = self.later().post("/v5/order/create", body);
        assert_eq!(answer["retCode"], 0, "{answer} for {body}");
        answer["result"]["orderId"].as_str().unwrap().to_owned()
    }

    /// Rows of a list.
    pub(crate) fn list(&mut self, path: &str, query: &str) -> Vec<Value> {
        let answer = self.get(path, query);
        assert_eq!(answer["retCode"], 0, "{answer}");
        answer["result"]["list"].as_array().unwrap().clone()
    }

    /// The order that `realtime`, else `history`, has by its link id.
    pub(crate) fn order(&mut self, link: &str) -> Value {
        let query = format!("category=linear&orderLinkId={link}");
        let mut rows = self.list("/v5/order/realtime", &query);
        assert_eq!(rows.len(), 1, "{link}");
        rows.remove(0)
    }

    /// Position of the linear BTC contract.
    pub(crate) fn position(&mut self) -> Value {
        self.list("/v5/position/list", "category=linear&symbol=BTCUSDT")
            .remove(0)
    }

    /// Pushes since the last call, one line each; without `execution.fast`, which says nothing
    /// that `execution` does not say.
    pub(crate) fn pushes(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let pushes = self.venue.take_private().into_iter();
        for push in pushes.filter(|push| push.topic != "execution.fast") {
            for row in push.data.as_array().unwrap() {
                lines.push(line(push.topic, row));
                if push.topic != "wallet" {
                    assert_eq!(row["category"], push.category.to_string());
                }
            }
        }
        lines
    }

    /// Rows of one private topic since the last call.
    pub(crate) fn rows(&mut self, topic: &str) -> Vec<Value> {
        let pushes = self.venue.take_private().into_iter();
        let of_topic = pushes.filter(|push| push.topic == topic);
        let rows = of_topic.flat_map(|push| push.data.as_array().unwrap().clone());
        rows.collect()
    }

    /// One order-entry frame; returns the reply.
    pub(crate) fn entry(&mut self, op: &str, args: &Value) -> Value {
        let frame = json!({
            "reqId": "r1", "op": op, "args": [args],
            "header": {"X-BAPI-TIMESTAMP": self.now.to_string()},
        });
        let user = SocketUser {
            key: KEY.to_owned(),
        };
        let reply = self.venue.trade_op(at(self.now), &user, &frame.to_string());
        serde_json::from_str(&reply.unwrap()).unwrap()
    }
}

/// One push in short words.
fn line(topic: &str, row: &Value) -> String {
    let text = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
    match topic {
        "order" => {
            let reject = match text("rejectReason").as_str() {
                "EC_NoError" => String::new(),
                reason => format!(" {reason}"),
            };
            let cancel = match text("cancelType").as_str() {
                "UNKNOWN" => String::new(),
                kind => format!(" {kind}"),
            };
            format!(
                "order {} {}/{}{cancel}{reject}",
                text("orderStatus"),
                text("cumExecQty"),
                text("qty")
            )
        }
        "execution" => format!(
            "execution {} {}@{}",
            text("execType"),
            text("execQty"),
            text("execPrice")
        ),
        "position" => format!("position {}{}", text("side"), text("size")),
        "wallet" => format!(
            "wallet {}",
            row["coin"][0]["walletBalance"].as_str().unwrap()
        ),
        other => panic!("unknown topic {other}"),
    }
}

/// Headers of a signed call.
pub(crate) fn signed(key: &str, secret: &str, now: i64, payload: &str) -> Vec<(String, String)> {
    let sign = hmac(secret, &format!("{now}{key}5000{payload}"));
    [
        ("x-bapi-api-key", key.to_owned()),
        ("x-bapi-timestamp", now.to_string()),
        ("x-bapi-recv-window", "5000".to_owned()),
        ("x-bapi-sign", sign),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

pub(crate) fn hmac(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

pub(crate) fn bar_event(
    instrument: InstrumentId,
    open_ms: i64,
    [open, high, low, close]: [&str; 4],
    confirmed: bool,
) -> MarketEvent {
    MarketEvent::Bar(BarEvent {
        instrument,
        interval: Interval::from_millis(MINUTE).unwrap(),
        confirmed,
        bar: Bar {
            open_time: at(open_ms),
            open: n(open),
            high: n(high),
            low: n(low),
            close: n(close),
            volume: n("1000"),
        },
    })
}

pub(crate) fn book_event(
    instrument: InstrumentId,
    update_id: u64,
    snapshot: bool,
    bids: &[(&str, &str)],
    asks: &[(&str, &str)],
) -> MarketEvent {
    let level = |(price, qty): &(&str, &str)| Level {
        price: n(price),
        qty: n(qty),
    };
    MarketEvent::Book(BookUpdate {
        instrument,
        snapshot,
        update_id,
        bids: bids.iter().map(level).collect(),
        asks: asks.iter().map(level).collect(),
    })
}

/// A linear order of one BTC with changes; `null` takes a field away.
pub(crate) fn linear(changes: Value) -> Value {
    let base = json!({
        "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
        "qty": "1", "price": "90", "timeInForce": "GTC",
    });
    merged(base, changes)
}

/// A linear market order.
pub(crate) fn market(side: &str, qty: &str) -> Value {
    linear(
        json!({"side": side, "qty": qty, "orderType": "Market", "price": null,
        "timeInForce": null}),
    )
}

/// A spot order of one BTC with changes.
pub(crate) fn spot(changes: Value) -> Value {
    merged(linear(json!({"category": "spot"})), changes)
}

fn merged(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        if value.is_null() {
            base.as_object_mut().unwrap().remove(&name);
        } else {
            base[name] = value;
        }
    }
    base
}
