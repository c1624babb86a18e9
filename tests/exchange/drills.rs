//! Drills: what the venue does that nobody here has asked for.

use serde_json::json;
use tradeterm::domain::Side;
use tradeterm::venue::sim::exchange::Drill;

use super::desk::{Desk, linear, market, n};

fn symbol() -> String {
    "BTCUSDT".to_owned()
}

#[test]
fn an_answer_may_lie_about_what_happened() {
    for (accept, n_orders) in [(true, 1), (false, 0)] {
        let mut desk = Desk::new();
        desk.drill(&Drill::AnswerCode {
            op: "order.create".to_owned(),
            code: 10000,
            message: "Server Timeout".to_owned(),
            accept,
            times: 1,
        });
        let body = linear(json!({"orderLinkId": "a"}));
        let answer = desk.post("/v5/order/create", &body);
        assert_eq!(
            (&answer["retCode"], &answer["retMsg"]),
            (&json!(10000), &json!("Server Timeout"))
        );
        assert_eq!(desk.venue.truth().orders.len(), n_orders);
        // The same name again tells whether it was there.
        let again = desk.code("/v5/order/create", &body);
        assert_eq!(again, if accept { 110_072 } else { 0 });
    }
}

#[test]
fn answers_can_be_ordered_for_sockets_paths_and_everything() {
    let mut desk = Desk::new();
    let code = |op: &str, times| Drill::AnswerCode {
        op: op.to_owned(),
        code: 10016,
        message: "x".to_owned(),
        accept: false,
        times,
    };
    desk.drill(&code("order.create", 1));
    assert_eq!(
        desk.entry("order.create", &linear(json!({})))["retCode"],
        10016
    );
    assert_eq!(desk.entry("order.create", &linear(json!({})))["retCode"], 0);
    desk.drill(&code("/v5/account/info", 2));
    for expected in [10016, 10016, 0] {
        assert_eq!(desk.get("/v5/account/info", "")["retCode"], expected);
    }
    desk.drill(&code("*", 1));
    let cancel = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "x"});
    assert_eq!(desk.code("/v5/order/cancel", &cancel), 10016);
    assert_eq!(desk.code("/v5/order/cancel", &cancel), 110_001);
}

#[test]
fn a_liquidation_takes_orders_and_position() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "2"));
    desk.create(&linear(json!({"orderLinkId": "rest"})));
    desk.pushes();
    desk.drill(&Drill::Liquidate { symbol: symbol() });
    let pushes = desk.pushes();
    assert_eq!(
        pushes[0],
        "order Cancelled 0/1 CancelAllBeforeLiq EC_PerCancelRequest"
    );
    assert!(
        pushes.contains(&"execution BustTrade 2@100".to_owned()),
        "{pushes:?}"
    );
    assert_eq!(desk.position()["size"], "0");
    let rows = desk.list("/v5/order/history", "category=linear");
    assert_eq!(rows[0]["createType"], "CreateByLiq");
    let drill = Drill::Liquidate { symbol: symbol() };
    assert!(desk.venue.drill(super::desk::at(desk.now), &drill).is_err());
}

#[test]
fn adl_takes_a_part() {
    let mut desk = Desk::new();
    desk.create(&market("Sell", "2"));
    desk.pushes();
    desk.drill(&Drill::Adl {
        symbol: symbol(),
        qty: n("0.5"),
    });
    let pushes = desk.pushes();
    assert_eq!(pushes[1], "execution AdlTrade 0.5@100");
    assert_eq!(pushes[2], "position Sell1.5");
    let too_much = Drill::Adl {
        symbol: symbol(),
        qty: n("9"),
    };
    assert!(
        desk.venue
            .drill(super::desk::at(desk.now), &too_much)
            .is_err()
    );
}

#[test]
fn funding_moves_money_and_no_position() {
    let mut desk = Desk::new();
    desk.create(&market("Sell", "2"));
    desk.pushes();
    desk.drill(&Drill::Funding {
        symbol: symbol(),
        rate: n("0.0001"),
    });
    let rows = desk.list("/v5/execution/list", "category=linear&execType=Funding");
    let row = &rows[0];
    // A short is paid.
    assert_eq!(
        (&row["execFee"], &row["orderType"], &row["orderQty"]),
        (&json!("-0.02"), &json!("UNKNOWN"), &json!("0"))
    );
    assert_eq!(
        desk.pushes(),
        [
            "execution Funding 2@100",
            "position Sell2",
            "wallet 9999.82"
        ]
    );
    assert_eq!(desk.venue.truth().cash, n("9999.82"));
}

#[test]
fn strangers_trade_with_the_account() {
    let mut desk = Desk::new();
    desk.drill(&Drill::ForeignFill {
        symbol: symbol(),
        side: Side::Buy,
        qty: n("1"),
        price: n("99"),
    });
    assert_eq!(
        desk.pushes(),
        [
            "order Filled 1/1",
            "execution Trade 1@99",
            "position Buy1",
            "wallet 9999.901"
        ]
    );
    desk.drill(&Drill::ForeignOrder {
        symbol: "spot:BTCUSDT".to_owned(),
        side: Side::Buy,
        qty: n("1"),
        price: Some(n("90")),
        link: "web".to_owned(),
    });
    let rows = desk.list("/v5/order/realtime", "category=spot");
    assert_eq!(rows[0]["orderLinkId"], "web");
    let truth = desk.venue.truth();
    assert!(truth.orders.iter().all(|order| !order.by_user));
    let uncovered = Drill::ForeignFill {
        symbol: "spot:BTCUSDT".to_owned(),
        side: Side::Sell,
        qty: n("1"),
        price: n("99"),
    };
    assert!(
        desk.venue
            .drill(super::desk::at(desk.now), &uncovered)
            .is_err()
    );
}

#[test]
fn maintenance_answers_every_signed_call_and_does_nothing() {
    let mut desk = Desk::new();
    desk.drill(&Drill::Maintenance { on: true });
    assert_eq!(desk.code("/v5/order/create", &linear(json!({}))), 10016);
    assert_eq!(desk.get("/v5/account/info", "")["retCode"], 10016);
    assert_eq!(desk.get("/v5/market/time", "")["retCode"], 0);
    desk.drill(&Drill::Maintenance { on: false });
    assert_eq!(desk.code("/v5/order/create", &linear(json!({}))), 0);
    assert_eq!(desk.venue.truth().orders.len(), 1);
}

#[test]
fn fills_can_come_in_pieces_that_add_up() {
    let mut desk = Desk::new();
    desk.drill(&Drill::PartialFills { max_qty: n("0.4") });
    desk.create(&market("Buy", "1"));
    let rows = desk.rows("execution");
    let qtys: Vec<&str> = rows
        .iter()
        .map(|row| row["execQty"].as_str().unwrap())
        .collect();
    assert_eq!(qtys, ["0.4", "0.4", "0.2"]);
    let fees: tradeterm::domain::Money = rows
        .iter()
        .map(|row| n::<tradeterm::domain::Money>(row["execFee"].as_str().unwrap()))
        .sum();
    assert_eq!(fees, n("0.1"));
    let ids: std::collections::BTreeSet<&str> = rows
        .iter()
        .map(|row| row["execId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 3);
    let row = desk
        .list("/v5/account/wallet-balance", "accountType=UNIFIED")
        .remove(0);
    assert_eq!(row["coin"][0]["walletBalance"], "9999.9");
}

#[test]
fn an_execution_may_be_of_an_unheard_kind() {
    let mut desk = Desk::new();
    desk.drill(&Drill::UnknownExecType {
        symbol: symbol(),
        text: "Wormhole".to_owned(),
    });
    desk.create(&market("Buy", "1"));
    desk.create(&market("Buy", "1"));
    let rows = desk.rows("execution");
    assert_eq!(
        (&rows[0]["execType"], &rows[1]["execType"]),
        (&json!("Wormhole"), &json!("Trade"))
    );
}

#[test]
fn hedge_mode_can_come_over_night() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "1"));
    desk.drill(&Drill::HedgeMode { on: true });
    assert_eq!(desk.code("/v5/order/create", &market("Sell", "1")), 10001);
    let rows = desk.list("/v5/position/list", "category=linear&symbol=BTCUSDT");
    assert_eq!((rows.len(), &rows[0]["positionIdx"]), (2, &json!(1)));
    desk.create(&linear(
        json!({"side": "Sell", "positionIdx": 1, "orderType": "Market"}),
    ));
    assert_eq!(desk.venue.truth().positions, []);
}

#[test]
fn a_drill_names_what_the_venue_has() {
    let mut desk = Desk::new();
    let now = super::desk::at(desk.now);
    for drill in [
        Drill::BookGap {
            symbol: "XXX".to_owned(),
        },
        Drill::KeyExpired {
            key: "nobody".to_owned(),
        },
        Drill::Adl {
            symbol: "spot:BTCUSDT".to_owned(),
            qty: n("1"),
        },
    ] {
        assert!(desk.venue.drill(now, &drill).is_err(), "{drill:?}");
    }
    let text = r#"{"drill": "funding", "symbol": "BTCUSDT", "rate": "0.0001"}"#;
    let read: Drill = serde_json::from_str(text).unwrap();
    assert_eq!(
        read,
        Drill::Funding {
            symbol: symbol(),
            rate: n("0.0001")
        }
    );
}
