//! Lines about the account: how it is set up, demo, what the venue does by itself, wrong keys.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::json;
use tradeterm::domain::{AccountEvent, Category, ClientOrderId, FillKind, Timestamp};
use tradeterm::venue::broker::{AskError, Found, RemoteBroker, Submitted};
use tradeterm::venue::bybit::broker::BybitBroker;
use tradeterm::venue::bybit::broker::account::{SetupError, Wanted, key_facts, set_up};
use tradeterm::venue::bybit::hosts::{Environment, Hosts};
use tradeterm::venue::bybit::wire::names::MarginMode;

use crate::desk::{CREATE, Desk, PERP, approved, at, buy, client, frame_of, instruments, n, short};

fn wanted(leverage: i64) -> Wanted {
    Wanted {
        margin_mode: Some(MarginMode::Isolated),
        leverage: Some(Decimal::from(leverage)),
        fee_rates: true,
    }
}

#[tokio::test]
async fn line_09_leverage_and_margin_are_set_at_connect() {
    let desk = Desk::new().await;
    let table = instruments();
    let facts = set_up(&desk.rest, &table, "USDT", &wanted(5))
        .await
        .unwrap();
    assert_eq!(facts.changes.len(), 2, "{:?}", facts.changes);
    assert_eq!(facts.margin_mode, Some(MarginMode::Isolated));
    assert_eq!(facts.symbols[0].leverage, [n("5")]);
    assert!(!facts.symbols[0].is_hedged);
    desk.pass(1_000).await;
    // Again: nothing to do.
    let facts = set_up(&desk.rest, &table, "USDT", &wanted(5))
        .await
        .unwrap();
    assert!(facts.changes.is_empty(), "{:?}", facts.changes);
    // "Not modified" is as good as done.
    let path = "/v5/position/set-leverage";
    desk.answer(path, 110_043, "leverage not modified", false);
    desk.pass(1_000).await;
    let facts = set_up(&desk.rest, &table, "USDT", &wanted(7))
        .await
        .unwrap();
    assert!(facts.changes.is_empty(), "{:?}", facts.changes);
    assert_eq!(desk.n_asked(path), 2);
}

#[tokio::test]
async fn line_09_another_refusal_is_none() {
    let desk = Desk::new().await;
    desk.answer(
        "/v5/position/set-leverage",
        110_013,
        "cannot set leverage",
        false,
    );
    let error = set_up(&desk.rest, &instruments(), "USDT", &wanted(5)).await;
    assert!(
        matches!(error, Err(SetupError::Leverage { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn line_09_hedge_mode_ends_the_start_before_an_order() {
    let desk = Desk::new().await;
    desk.drill(json!({"drill": "hedge-mode", "on": true}));
    let error = set_up(&desk.rest, &instruments(), "USDT", &wanted(5)).await;
    let error = error.unwrap_err();
    assert!(matches!(error, SetupError::HedgeMode { .. }), "{error}");
    assert!(error.to_string().contains("BTCUSDT"), "{error}");
    assert_eq!(desk.n_asked(CREATE), 0);
}

#[tokio::test]
async fn line_23_demo_has_no_socket_for_orders_and_no_fee_rates() {
    let demo = Hosts::of(Environment::Demo);
    assert_eq!(demo.trade_ws(), None);
    assert_eq!(demo.rest(), "https://api-demo.bybit.com");
    assert_eq!(demo.private_ws(), "wss://stream-demo.bybit.com/v5/private");
    let public = demo.public_ws_of(Category::Linear);
    assert_eq!(public, "wss://stream.bybit.com/v5/public/linear");

    let desk = Desk::new().await;
    let wanted = Wanted {
        fee_rates: false,
        ..wanted(5)
    };
    let facts = set_up(&desk.rest, &instruments(), "USDT", &wanted).await;
    assert!(facts.unwrap().fees.is_empty());
    assert_eq!(desk.n_asked("/v5/account/fee-rate"), 0);
    // Orders and private frames need nothing but REST and the private socket.
    let (mut socket, mut stream) = desk.listen().await;
    desk.place("tt-a-1", buy(PERP, "0.1")).await;
    let heard = stream.read(&frame_of(&mut socket, "execution").await);
    assert_eq!(short(&heard.unwrap().events), ["trade tt-a-1 buy 0.1"]);
    let counters = desk.server.counters();
    assert_eq!(counters.connects.get("trade"), None);
    assert_eq!(counters.requests[CREATE], 1);
}

#[tokio::test]
async fn line_23_an_order_that_is_too_old_to_be_known_is_nowhere_and_no_error() {
    let desk = Desk::new().await;
    let week = 7 * 86_400_000;
    let decided = Timestamp::from_millis(at(0).millis() - week - 1);
    let old = ClientOrderId::of_decision(7, decided, 'o', 0);
    let found = desk.broker.find(old, PERP).await;
    assert_eq!(found, Ok(Found::Nowhere));
}

#[tokio::test]
async fn line_24_what_the_venue_does_by_itself_is_told_as_such() {
    let desk = Desk::new().await;
    let (mut socket, mut stream) = desk.listen().await;
    desk.place("tt-a-1", buy(PERP, "0.5")).await;
    desk.drill(json!({"drill": "adl", "symbol": "BTCUSDT", "qty": "0.1"}));
    desk.drill(json!({"drill": "liquidate", "symbol": "BTCUSDT"}));
    desk.pass(0).await;
    let kinds = |events: &[AccountEvent]| -> Vec<(FillKind, String)> {
        let fills = events.iter().filter_map(|event| match event {
            AccountEvent::Fill(fill) => Some((fill.kind, format!("{} {}", fill.side, fill.qty))),
            _ => None,
        });
        fills.collect()
    };
    let expected = [
        (FillKind::Trade, "buy 0.5".to_owned()),
        (FillKind::Adl, "sell 0.1".to_owned()),
        (FillKind::Liquidation, "sell 0.4".to_owned()),
    ];
    let mut heard = Vec::new();
    while kinds(&heard).len() < 3 {
        let text = frame_of(&mut socket, "execution").await;
        let told = stream.read(&text).unwrap();
        assert!(told.strange.is_empty(), "{told:?}");
        heard.extend(told.events);
    }
    assert_eq!(kinds(&heard), expected);
    assert_eq!(
        kinds(&desk.broker.executions(at(0)).await.unwrap()),
        expected
    );
    // Not under the name of the order that opened the position.
    let names: Vec<&str> = heard
        .iter()
        .filter_map(|event| match event {
            AccountEvent::Fill(fill) => Some(fill.order.as_str()),
            _ => None,
        })
        .collect();
    assert!(names[0] == "tt-a-1" && names[1..].iter().all(|name| *name != "tt-a-1"));
    assert!(
        desk.broker
            .report(at(0))
            .await
            .unwrap()
            .positions
            .is_empty()
    );
}

#[tokio::test]
async fn line_25_a_key_of_another_environment_is_named_with_the_host() {
    let desk = Desk::new().await;
    let rest = Arc::new(client(&desk.server, &desk.clock, "keyofanotherworld"));
    let host = rest.host().to_owned();
    let broker = BybitBroker::new(Arc::clone(&rest), None, instruments(), "USDT").unwrap();
    let asked = [
        key_facts(&rest).await.map(|_| ()),
        broker.report(at(0)).await.map(|_| ()),
        broker.executions(at(0)).await.map(|_| ()),
    ];
    let mut texts = Vec::new();
    for answer in asked {
        match answer {
            Err(AskError::Refused(text)) => texts.push(text),
            other => panic!("{other:?}"),
        }
    }
    match broker
        .submit(&approved("tt-a-1", buy(PERP, "0.1")), None)
        .await
    {
        Submitted::Refused(text) => texts.push(text),
        other => panic!("{other:?}"),
    }
    for text in texts {
        assert!(text.contains("10003"), "{text}");
        assert!(text.contains(&host), "{text}");
        assert!(text.contains("another environment"), "{text}");
        assert!(!text.contains("keyofanotherworld"), "{text}");
    }
}
