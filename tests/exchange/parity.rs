//! The same orders at the same moments fill here as at the paper broker.

use proptest::prelude::*;
use serde_json::json;
use tradeterm::domain::{
    AccountEvent, Intent, LegId, MarketEvent, Money, OrderKind, OrderSpec, Price, Purpose, Qty,
    Side, TimeInForce, TriggerPrice,
};
use tradeterm::venue::sim::exchange::{Exchange, ExchangeSetup, SocketUser, VenueRules};
use tradeterm::venue::sim::matcher::Answers;
use tradeterm::venue::sim::{Matcher, Settings};

use super::desk::{
    Desk, KEY, MINUTE, PERP, SPOT, START, at, bar_event, linear, n, settings, table,
};

/// What a strategy does at the close of a bar.
#[derive(Debug, Clone)]
enum Act {
    Nothing,
    Market(Side, u32, bool),
    Limit(Side, u32, i32, bool),
    Stop(Side, u32, i32),
    CancelAll,
}

fn any_act() -> impl Strategy<Value = Act> {
    let side = || prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    prop_oneof![
        2 => Just(Act::Nothing),
        3 => (side(), 1_u32..40, any::<bool>()).prop_map(|(s, q, r)| Act::Market(s, q, r)),
        3 => (side(), 1_u32..40, -30_i32..30, any::<bool>())
            .prop_map(|(s, q, d, p)| Act::Limit(s, q, d, p)),
        2 => (side(), 1_u32..40, 1_i32..40).prop_map(|(s, q, d)| Act::Stop(s, q, d)),
        1 => Just(Act::CancelAll),
    ]
}

/// Tenths as a price.
fn tenths(value: i32) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// A bar in tenths: open, high, low, close.
fn bar_of(open: i32, (up, down, close): (i32, i32, i32)) -> [i32; 4] {
    let close = open + close;
    [open, open.max(close) + up, open.min(close) - down, close]
}

fn spec(side: Side, qty: u32, kind: OrderKind, reduce_only: bool) -> OrderSpec {
    OrderSpec {
        instrument: PERP,
        side,
        qty: n(&format!("{}.{}", qty / 10, qty % 10)),
        kind,
        tif: TimeInForce::Gtc,
        reduce_only,
        purpose: Purpose::Entry,
    }
}

fn spec_of(act: &Act, close: i32) -> Option<OrderSpec> {
    match *act {
        Act::Nothing | Act::CancelAll => None,
        Act::Market(side, qty, reduce) => Some(spec(side, qty, OrderKind::Market, reduce)),
        Act::Limit(side, qty, away, post_only) => {
            let price = n(&tenths(close + away));
            let kind = OrderKind::Limit { price, post_only };
            Some(spec(side, qty, kind, false))
        }
        Act::Stop(side, qty, away) => {
            let up = side == Side::Buy;
            let trigger = n(&tenths(if up { close + away } else { close - away }));
            let kind = OrderKind::Stop {
                trigger,
                by: TriggerPrice::Last,
            };
            Some(spec(side, qty, kind, true))
        }
    }
}

fn body_of(spec: &OrderSpec, link: &str) -> serde_json::Value {
    let side = if spec.side == Side::Buy {
        "Buy"
    } else {
        "Sell"
    };
    let mut body = linear(json!({
        "side": side, "qty": spec.qty.to_string(), "orderLinkId": link, "price": null,
        "orderType": "Market", "timeInForce": null, "reduceOnly": spec.reduce_only,
    }));
    match spec.kind {
        OrderKind::Limit { price, post_only } => {
            body["orderType"] = json!("Limit");
            body["price"] = json!(price.to_string());
            body["timeInForce"] = json!(if post_only { "PostOnly" } else { "GTC" });
        }
        OrderKind::Stop { trigger, .. } => {
            body["triggerPrice"] = json!(trigger.to_string());
            body["triggerDirection"] = json!(if spec.side == Side::Buy { 1 } else { 2 });
        }
        _ => {}
    }
    body
}

type Told = (String, Side, Price, Qty, Money, Price, i64);

fn paper_fills(out: &Answers) -> Vec<Told> {
    let fills = out.iter().filter_map(|(_, event)| match event {
        AccountEvent::Fill(f) => Some(f),
        _ => None,
    });
    fills
        .map(|f| {
            let order = f.order.to_string();
            let ms = f.at.millis();
            (order, f.side, f.price, f.qty, f.fee, f.expected, ms)
        })
        .collect()
}

fn with_slippage() -> Settings {
    let mut settings = settings();
    settings.costs.slippage = n("0.0015");
    settings
}

fn desk_with_slippage(rules: VenueRules) -> Desk {
    let mut desk = Desk::empty(rules.clone());
    let setup = ExchangeSetup {
        instruments: table(),
        matcher: with_slippage(),
        keys: super::desk::keys(),
        start: at(START),
        rules,
    };
    desk.venue = Exchange::new(setup).unwrap();
    desk
}

/// Both, over the same bars: each act happens at the close of a bar.
fn run(acts: &[(Act, (i32, i32, i32), i32)], over_socket: bool) {
    let mut paper = Matcher::new(table(), with_slippage()).unwrap();
    let mut desk = desk_with_slippage(VenueRules::default());
    let user = SocketUser {
        key: KEY.to_owned(),
    };
    let mut out = Answers::new();
    let mut open = 1_000;
    for (k, (act, shape, gap)) in acts.iter().enumerate() {
        let begins = START + i64::try_from(k).unwrap() * MINUTE;
        let prices = bar_of(open, *shape);
        let texts = prices.map(tenths);
        let [o, h, l, c] = [&texts[0], &texts[1], &texts[2], &texts[3]].map(String::as_str);
        desk.now = begins;
        let event = MarketEvent::BarOpen {
            instrument: PERP,
            price: n(o),
        };
        paper.on_market(at(begins), &event, &mut out);
        desk.market(&event);
        desk.now = begins + MINUTE;
        let mut event = bar_event(PERP, begins, [o, h, l, c], true);
        if let MarketEvent::Bar(bar) = &mut event {
            // Small enough for orders to fill over several bars.
            bar.bar.volume = n("20");
        }
        paper.on_market(at(desk.now), &event, &mut out);
        desk.market(&event);
        let link = format!("o{k}");
        if let Some(spec) = spec_of(act, prices[3]) {
            let body = body_of(&spec, &link);
            let intent = Intent {
                id: n(&link),
                leg: LegId(0),
                trace: 0,
                decided_at: at(desk.now),
                spec,
            };
            paper.submit(at(desk.now), &intent, &mut out);
            if over_socket {
                let frame = json!({"op": "order.create", "args": [body],
                    "header": {"X-BAPI-TIMESTAMP": desk.now}});
                desk.venue.trade_op(at(desk.now), &user, &frame.to_string());
            } else {
                desk.post("/v5/order/create", &body);
            }
        } else if matches!(act, Act::CancelAll) {
            paper.cancel_all(at(desk.now), None, &mut out);
            let all = json!({"category": "linear", "settleCoin": "USDT"});
            assert_eq!(desk.code("/v5/order/cancel-all", &all), 0);
        }
        open = (prices[3] + gap).max(200);
    }
    agree(&mut desk, &paper, &out);
}

/// Fills, cash, equity and what was told are the same.
fn agree(desk: &mut Desk, paper: &Matcher, out: &Answers) {
    let truth = desk.venue.truth();
    let venue: Vec<Told> = truth
        .executions
        .iter()
        .map(|e| {
            let link = e.link_id.clone();
            (
                link,
                e.side,
                e.price,
                e.qty,
                e.fee,
                e.expected,
                e.at.millis(),
            )
        })
        .collect();
    assert_eq!(venue, paper_fills(out));
    assert_eq!(truth.cash, paper.cash());
    assert_eq!(truth.equity, paper.equity());
    // What was told adds up to what is.
    let row = desk
        .list("/v5/account/wallet-balance", "accountType=UNIFIED")
        .remove(0);
    assert_eq!(row["coin"][0]["walletBalance"], truth.cash.to_string());
    let held: Vec<String> = paper.positions().map(|p| p.qty.abs().to_string()).collect();
    let row = desk.position();
    assert_eq!(row["size"], *held.first().unwrap_or(&"0".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_same_agent_fills_alike_on_paper_and_at_the_venue(
        acts in prop::collection::vec(
            (any_act(), (0_i32..20, 0_i32..20, -20_i32..20), -8_i32..8),
            1..40,
        ),
        over_socket in any::<bool>(),
    ) {
        run(&acts, over_socket);
    }
}

#[test]
fn a_market_order_at_the_close_fills_at_the_next_open_with_slippage() {
    let flat = (0, 0, 0);
    let acts = [
        (Act::Market(Side::Buy, 10, false), flat, 5),
        (Act::Market(Side::Sell, 10, true), flat, -5),
        (Act::Nothing, flat, 0),
    ];
    run(&acts, false);
}

#[test]
fn spot_fills_alike_where_fees_are_taken_in_the_quote_coin() {
    let mut paper = Matcher::new(table(), with_slippage()).unwrap();
    let mut desk = desk_with_slippage(VenueRules {
        spot_fee_in_base: false,
        ..VenueRules::default()
    });
    let mut out = Answers::new();
    let prices = ["100", "103.4", "98", "101.3"];
    for (k, (price, side)) in
        (0_i64..).zip(prices.iter().zip([Side::Buy, Side::Sell].iter().cycle()))
    {
        let event = MarketEvent::BarOpen {
            instrument: SPOT,
            price: n(price),
        };
        desk.now += 1_000;
        paper.on_market(at(desk.now), &event, &mut out);
        desk.market(&event);
        let mut spec = spec(*side, 10, OrderKind::Market, false);
        spec.instrument = SPOT;
        let link = format!("s{k}");
        let mut body = body_of(&spec, &link);
        body["category"] = json!("spot");
        body["marketUnit"] = json!("baseCoin");
        let intent = Intent {
            id: n(&link),
            leg: LegId(0),
            trace: 0,
            decided_at: at(desk.now),
            spec,
        };
        paper.submit(at(desk.now), &intent, &mut out);
        assert_eq!(desk.code("/v5/order/create", &body), 0);
    }
    assert_eq!(desk.venue.truth().executions.len(), 4);
    agree(&mut desk, &paper, &out);
}
