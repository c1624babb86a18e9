//! What the account says, late, twice or not at all: F16 to F18, F27 to F31, F34.

use std::collections::BTreeSet;

use serde_json::json;
use tradeterm::app::{check_account, connect};
use tradeterm::control::{LegPhase, TradeCommand};
use tradeterm::domain::{AccountEvent, InstrumentId, Money, Side};
use tradeterm::venue::sim::exchange::Drill;

use super::desk::{Desk, SYMBOL, Setup, credentials, venue};

fn is_stopped(desk: &Desk) -> bool {
    matches!(desk.seen().legs[0].phase, LegPhase::Stopped)
}

/// Orders that may open something, as the venue has accepted them.
pub(crate) fn n_entries(desk: &Desk) -> usize {
    let truth = desk.truth();
    let mine = truth.orders.iter().filter(|o| o.by_user);
    mine.filter(|o| !o.reduce_only).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_fills_while_the_private_stream_is_down_are_found_on_its_return() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "refuse-connects", "socket": "private"}));
    desk.fault(json!({"kind": "close", "socket": "private"}));
    desk.until("the stream is down", |d| !d.is_ready()).await;
    let (n_executions, n_before) = (desk.truth().executions.len(), n_entries(&desk));
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed at the venue", |d| {
        n_executions < d.truth().executions.len() && d.theirs().is_zero()
    })
    .await;
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), n_before, "entries without a stream");
    desk.heal();
    desk.recover().await;
    let was_down = desk
        .seen()
        .notices
        .iter()
        .any(|n| n.text.contains("private stream is down"));
    assert!(was_down, "{}", desk.picture());
    desk.next_bar().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_fills_on_muted_topics_are_found_by_asking() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "mute", "socket": "private"}));
    let n_executions = desk.truth().executions.len();
    desk.next_bar().await;
    desk.until("something trades", |d| {
        n_executions < d.truth().executions.len()
    })
    .await;
    desk.agree().await;
    desk.heal();
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_a_muted_stream_is_torn_down() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "mute", "socket": "private"}));
    desk.next_bar().await;
    desk.agree().await;
    desk.until("a new private socket", |d| {
        1 < d
            .server
            .counters()
            .connects
            .get("private")
            .copied()
            .unwrap_or(0)
    })
    .await;
    desk.heal();
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_repeated_executions_count_once() {
    let desk = Desk::new().await;
    desk.fault(json!({"kind": "duplicate-pushes", "socket": "private", "p": 1.0}));
    desk.drill(&Drill::PartialFills {
        max_qty: "0.05".parse().unwrap(),
    });
    for _ in 0..3 {
        desk.next_bar().await;
        desk.agree().await;
    }
    let fees = desk.seen().account.fees;
    let checked = desk.check().await;
    let all: Vec<&str> = checked.fills().collect();
    let unique: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "pushed twice, told once");
    assert!(2 < unique.len(), "{unique:?}");
    let paid = checked
        .truth
        .executions
        .iter()
        .fold(Money::ZERO, |sum, e| sum + e.fee);
    assert_eq!(fees, paid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_a_trade_by_hand_counts_and_stops_the_strategy() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::ForeignFill {
        symbol: SYMBOL.to_owned(),
        side: Side::Buy,
        qty: "0.03".parse().unwrap(),
        price: "60030".parse().unwrap(),
    });
    desk.until("the strategy is stopped", is_stopped).await;
    desk.recover().await;
    let n_before = n_entries(&desk);
    for _ in 0..2 {
        desk.leap_to_close();
        let n_bars = desk.seen().counters.n_bars;
        desk.until("a bar", |d| n_bars < d.seen().counters.n_bars)
            .await;
        desk.agree().await;
    }
    assert_eq!(n_entries(&desk), n_before);
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_an_order_by_hand_is_shown_and_left_alone() {
    let desk = Desk::new().await;
    desk.drill(&Drill::ForeignOrder {
        symbol: SYMBOL.to_owned(),
        side: Side::Buy,
        qty: "0.03".parse().unwrap(),
        price: Some("50000".parse().unwrap()),
        link: String::new(),
    });
    desk.until("a difference", |d| !d.seen().differences.is_empty())
        .await;
    let n_before = n_entries(&desk);
    desk.next_bar().await;
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), n_before, "{}", desk.picture());
    let truth = desk.truth();
    let foreign = truth.orders.iter().find(|o| !o.by_user).unwrap();
    assert_eq!(foreign.status, "New");
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_liquidation_moves_the_position_and_stops_the_strategy() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::Liquidate {
        symbol: SYMBOL.to_owned(),
    });
    desk.until("the strategy is stopped", is_stopped).await;
    desk.recover().await;
    assert!(desk.theirs().is_zero());
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f28_auto_deleveraging_moves_the_position_and_stops_the_strategy() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let before = desk.theirs();
    desk.drill(&Drill::Adl {
        symbol: SYMBOL.to_owned(),
        qty: "0.02".parse().unwrap(),
    });
    desk.until("the strategy is stopped", is_stopped).await;
    desk.recover().await;
    assert_ne!(desk.theirs(), before);
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f29_funding_told_twice_or_not_at_all_is_booked_once() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let pay = |d: &Desk, n: usize| {
        d.drill(&Drill::Funding {
            symbol: SYMBOL.to_owned(),
            rate: "0.001".parse().unwrap(),
        });
        let truth = d.truth();
        let paid = truth.executions.iter().filter(|e| e.exec_type == "Funding");
        assert_eq!(paid.clone().count(), n);
        paid.fold(Money::ZERO, |sum, e| sum + e.fee)
    };
    desk.fault(json!({"kind": "duplicate-pushes", "socket": "private", "p": 1.0}));
    let held = desk.theirs();
    let paid = pay(&desk, 1);
    assert_ne!(paid, Money::ZERO);
    desk.until("the first", |d| d.seen().account.funding == paid)
        .await;
    desk.heal();
    desk.fault(json!({"kind": "drop-pushes", "socket": "private", "topic": "execution"}));
    let paid = pay(&desk, 2);
    desk.until("the second", |d| d.seen().account.funding == paid)
        .await;
    // Each later reading tells of both again.
    let compared = desk.seen().venue.as_ref().unwrap().compared_at;
    desk.until("another reading", |d| {
        compared < d.seen().venue.as_ref().unwrap().compared_at
    })
    .await;
    assert_eq!(desk.seen().account.funding, paid);
    assert_eq!(desk.theirs(), held);
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f30_an_unknown_kind_of_execution_holds_entries_until_a_person_adopts() {
    let mut desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::UnknownExecType {
        symbol: SYMBOL.to_owned(),
        text: "MadeUp".to_owned(),
    });
    let n_before = desk.truth().executions.len();
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it traded", |d| n_before < d.truth().executions.len())
        .await;
    desk.until("a difference", |d| !d.seen().differences.is_empty())
        .await;
    assert_ne!(desk.ours(), desk.theirs());
    let entries = n_entries(&desk);
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), entries);
    desk.command(TradeCommand::Adopt(InstrumentId(0)));
    desk.until("the same position", |d| d.ours() == d.theirs())
        .await;
    desk.stop_quietly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f31_a_position_that_cannot_be_read_is_not_flat() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let held = desk.theirs();
    let path = "/v5/position/list";
    let faults = [
        json!({"kind": "status", "status": 500, "times": 0, "path": path}),
        json!({"kind": "truncate", "bytes": 90, "clean": true, "times": 0, "path": path}),
        json!({"kind": "status", "status": 200, "times": 0, "path": path, "body":
            r#"{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[]},"time":1}"#}),
        json!({"kind": "status", "status": 200, "times": 0, "path": path, "body":
            r#"{"retCode":0,"retMsg":"OK","result":{},"time":1}"#}),
    ];
    for fault in faults {
        let kind = fault["kind"].as_str().unwrap().to_owned();
        let before = desk.hits(&kind);
        desk.fault(fault.clone());
        desk.until("it has failed twice", |d| before + 1 < d.hits(&kind))
            .await;
        desk.until("entries are held", |d| {
            d.seen().venue.as_ref().unwrap().account_lacks.is_some()
        })
        .await;
        assert_eq!(desk.ours(), held, "{fault}");
        assert!(desk.seen().differences.is_empty(), "{fault}");
        let entries = n_entries(&desk);
        desk.heal();
        assert_eq!(n_entries(&desk), entries);
        desk.recover().await;
    }
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f34_an_account_in_hedge_mode_is_refused() {
    let mut setup = Setup::default();
    setup.rules.hedge_mode = true;
    let (server, leap) = venue(&mut setup).await;
    let settings = &setup.settings;
    let connection = connect(settings, leap, Some(credentials())).await.unwrap();
    let error = check_account(settings, &connection, true)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("hedge mode"), "{error}");
    assert_eq!(server.counters().creates.len(), 0);
}

/// Leverage and margin mode are set with the owner's consent only: looking changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_only_looked_at_is_not_changed() {
    let mut setup = Setup::default();
    setup.settings.venue.leverage = 7;
    let (server, leap) = venue(&mut setup).await;
    let settings = &setup.settings;
    let connection = connect(settings, leap, Some(credentials())).await.unwrap();
    let n_set = || {
        let requests = server.counters().requests;
        let n = |path: &str| requests.get(path).copied().unwrap_or(0);
        n("/v5/position/set-leverage") + n("/v5/account/set-margin-mode")
    };
    check_account(settings, &connection, false).await.unwrap();
    assert_eq!(n_set(), 0);
    check_account(settings, &connection, true).await.unwrap();
    assert!(0 < n_set());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f34_hedge_mode_switched_on_in_the_middle_holds_entries() {
    let desk = Desk::new().await;
    desk.next_bar().await;
    desk.agree().await;
    desk.drill(&Drill::HedgeMode { on: true });
    let entries = n_entries(&desk);
    desk.until("entries are held", |d| !d.is_ready()).await;
    desk.next_bar().await;
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), entries, "{}", desk.picture());
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f29_funding_is_no_fill() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::Funding {
        symbol: SYMBOL.to_owned(),
        rate: "-0.001".parse().unwrap(),
    });
    desk.until("it is booked", |d| d.seen().account.funding != Money::ZERO)
        .await;
    let funding = desk.seen().account.funding;
    let checked = desk.check().await;
    let is_funding = |e: &AccountEvent| matches!(e, AccountEvent::Funding { .. });
    assert!(0 < checked.n(is_funding));
    let paid = checked
        .truth
        .executions
        .iter()
        .filter(|e| e.exec_type == "Funding");
    assert_eq!(funding, paid.fold(Money::ZERO, |sum, e| sum + e.fee));
}
