//! Lists: what they hold, how they are paged, and how they lag.

use serde_json::{Value, json};
use tradeterm::domain::Side;
use tradeterm::venue::sim::exchange::{Drill, VenueRules};

use super::desk::{Desk, PERP, linear, market, spot};

const REALTIME: &str = "/v5/order/realtime";
const HISTORY: &str = "/v5/order/history";

fn links(rows: &[Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["orderLinkId"].as_str().unwrap())
        .collect()
}

#[test]
fn markets_without_holdings_have_empty_lists() {
    let mut desk = Desk::new();
    for path in [
        REALTIME,
        HISTORY,
        "/v5/execution/list",
        "/v5/position/list",
        "/v5/position/closed-pnl",
        "/v5/account/fee-rate",
    ] {
        for category in ["inverse", "option"] {
            let answer = desk.get(path, &format!("category={category}"));
            assert_eq!(
                answer["result"],
                json!({"category": category, "list": [], "nextPageCursor": ""}),
                "{path}"
            );
        }
        assert_eq!(desk.get(path, "category=forward")["retCode"], 10001);
    }
}

#[test]
fn realtime_knows_open_orders_and_the_last_closed_ones() {
    let mut desk = Desk::with(VenueRules {
        closed_kept: 2,
        ..VenueRules::default()
    });
    for link in ["a", "b", "c"] {
        desk.create(&linear(json!({"price": "101", "orderLinkId": link})));
    }
    desk.create(&linear(json!({"orderLinkId": "d"})));
    let query = "category=linear&symbol=BTCUSDT";
    assert_eq!(links(&desk.list(REALTIME, query)), ["d"]);
    let closed = desk.list(REALTIME, &format!("{query}&openOnly=1"));
    assert_eq!(links(&closed), ["c", "b"]);
    // A name finds both, whatever openOnly says.
    for (link, n) in [("a", 0), ("b", 1), ("d", 1)] {
        let query = format!("category=linear&openOnly=1&orderLinkId={link}");
        assert_eq!(desk.list(REALTIME, &query).len(), n, "{link}");
    }
    assert_eq!(links(&desk.list(HISTORY, query)), ["c", "b", "a"]);
    desk.drill(&Drill::Restart);
    assert_eq!(desk.list(REALTIME, &format!("{query}&openOnly=1")).len(), 0);
    assert_eq!(links(&desk.list(REALTIME, query)), ["d"]);
    assert_eq!(desk.get(REALTIME, "category=linear")["retCode"], 10001);
    assert_eq!(
        desk.get(REALTIME, &format!("{query}&limit=51"))["retCode"],
        10001
    );
    assert_eq!(desk.list(REALTIME, "category=spot").len(), 0);
}

#[test]
fn history_forgets_unfilled_cancels_after_a_day() {
    let mut desk = Desk::new();
    for link in ["full", "gone"] {
        let price = if link == "full" { "101" } else { "90" };
        desk.create(&linear(json!({"price": price, "orderLinkId": link})));
    }
    let body = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "gone"});
    assert_eq!(desk.code("/v5/order/cancel", &body), 0);
    let query = "category=linear";
    assert_eq!(links(&desk.list(HISTORY, query)), ["gone", "full"]);
    desk.now += 86_400_001;
    assert_eq!(links(&desk.list(HISTORY, query)), ["full"]);
    desk.now += 7 * 86_400_000;
    assert_eq!(desk.list(HISTORY, query).len(), 0);
    // By its name it is found whenever.
    assert_eq!(
        desk.list(HISTORY, "category=linear&orderLinkId=full").len(),
        1
    );
    let (from, to) = (desk.now - 8 * 86_400_000, desk.now);
    let wide = format!("category=linear&startTime={from}&endTime={to}");
    assert_eq!(desk.get(HISTORY, &wide)["retCode"], 10001);
}

#[test]
fn pages_follow_the_cursor_as_it_came() {
    let mut desk = Desk::new();
    for n in 0..5 {
        desk.create(&linear(
            json!({"qty": "0.1", "orderLinkId": format!("o{n}")}),
        ));
    }
    let (mut cursor, mut all, mut n_pages) = (String::new(), Vec::new(), 0);
    loop {
        let query = format!("category=linear&symbol=BTCUSDT&limit=2&cursor={cursor}");
        let answer = desk.get(REALTIME, &query);
        assert_eq!(answer["result"]["category"], "linear");
        let rows = answer["result"]["list"].as_array().unwrap();
        all.extend(links(rows).iter().map(|link| (*link).to_owned()));
        n_pages += 1;
        answer["result"]["nextPageCursor"]
            .as_str()
            .unwrap()
            .clone_into(&mut cursor);
        if cursor.is_empty() {
            break;
        }
        assert!(cursor.contains("%3D") && !cursor.contains('='), "{cursor}");
        if n_pages == 1 {
            // A client that encodes it once more gets the same page.
            cursor = cursor.replace('%', "%25");
        }
    }
    assert_eq!(all, ["o4", "o3", "o2", "o1", "o0"]);
    assert_eq!(n_pages, 3);
}

#[test]
fn a_full_page_has_a_cursor_although_nothing_follows() {
    let mut desk = Desk::new();
    for _ in 0..2 {
        desk.create(&market("Buy", "0.1"));
    }
    let path = "/v5/execution/list";
    let answer = desk.get(path, "category=linear&limit=2");
    let cursor = answer["result"]["nextPageCursor"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(cursor, "");
    let query = format!("category=linear&limit=2&cursor={cursor}");
    let answer = desk.get(path, &query);
    assert_eq!(answer["result"]["list"], json!([]));
    assert_eq!(answer["result"]["nextPageCursor"], "");
}

#[test]
fn executions_come_newest_first_and_filtered() {
    let mut desk = Desk::new();
    let first = desk.create(&market("Buy", "1"));
    desk.trade(PERP, "110", "1", Side::Buy);
    desk.create(&linear(
        json!({"side": "Sell", "price": "105", "qty": "0.4",
        "reduceOnly": true, "orderLinkId": "close"}),
    ));
    let path = "/v5/execution/list";
    let rows = desk.list(path, "category=linear");
    assert_eq!(rows.len(), 2);
    let row = &rows[0];
    assert_eq!(row["orderLinkId"], "close");
    assert_eq!(
        (&row["execPrice"], &row["execQty"]),
        (&json!("110"), &json!("0.4"))
    );
    assert_eq!(
        (&row["closedSize"], &row["execPnl"]),
        (&json!("0.4"), &json!("4"))
    );
    assert_eq!(
        (&row["execFee"], &row["feeRate"]),
        (&json!("0.044"), &json!("0.001"))
    );
    assert_eq!(
        (&row["isMaker"], &row["feeCurrency"]),
        (&json!(false), &json!(""))
    );
    assert!(rows[1]["seq"].as_u64() < row["seq"].as_u64());
    let of = desk.list(path, &format!("category=linear&orderId={first}"));
    assert_eq!(of, rows[1..]);
    let of = desk.list(path, "category=linear&execType=Funding");
    assert_eq!(of.len(), 0);
    let since = desk.now;
    let of = desk.list(path, &format!("category=linear&startTime={since}"));
    assert_eq!(of, rows[..1]);
    let rows = desk.list("/v5/position/closed-pnl", "category=linear&symbol=BTCUSDT");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["closedSize"], &rows[0]["fillCount"]),
        (&json!("0.4"), &json!("1"))
    );
    assert_eq!(
        (&rows[0]["avgEntryPrice"], &rows[0]["avgExitPrice"]),
        (&json!("100"), &json!("110"))
    );
    assert_eq!(rows[0]["closedPnl"], "3.956");
}

#[test]
fn queries_lag_behind_the_matching_engine() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({"price": "99", "orderLinkId": "old"})));
    desk.drill(&Drill::VisibilityLag { ms: 300 });
    let query = "category=linear&symbol=BTCUSDT";
    // What was known stays visible; what is new shows up late.
    desk.create(&linear(json!({"price": "98", "orderLinkId": "new"})));
    assert_eq!(links(&desk.list(REALTIME, query)), ["old"]);
    desk.now += 299;
    assert_eq!(links(&desk.list(REALTIME, query)), ["old"]);
    desk.now += 1;
    assert_eq!(links(&desk.list(REALTIME, query)), ["new", "old"]);
    desk.trade(PERP, "98.5", "5", Side::Sell);
    let shown = desk.order("old");
    assert_eq!(
        (&shown["orderStatus"], &shown["cumExecQty"]),
        (&json!("New"), &json!("0"))
    );
    assert_eq!(links(&desk.list(REALTIME, query)), ["new", "old"]);
    assert_eq!(desk.list(HISTORY, query).len(), 0);
    assert_eq!(desk.list("/v5/execution/list", query).len(), 0);
    desk.now += 300;
    assert_eq!(desk.order("old")["orderStatus"], "Filled");
    assert_eq!(links(&desk.list(REALTIME, query)), ["new"]);
    assert_eq!(links(&desk.list(HISTORY, query)), ["old"]);
    assert_eq!(desk.list("/v5/execution/list", query).len(), 1);
}

#[test]
fn an_order_on_its_way_is_not_listed() {
    let mut desk = Desk::with(VenueRules {
        ack_delay_ms: 100,
        ..VenueRules::default()
    });
    desk.create(&linear(json!({"orderLinkId": "a"})));
    let query = "category=linear&orderLinkId=a";
    assert_eq!(desk.list(REALTIME, query).len(), 0);
    desk.now += 100;
    assert_eq!(desk.list(REALTIME, query).len(), 1);
}

#[test]
fn linear_rows_carry_a_tpsl_mode_and_spot_rows_do_not() {
    let mut desk = Desk::new();
    desk.create(&linear(json!({})));
    desk.create(&spot(json!({})));
    let linear = desk
        .list(REALTIME, "category=linear&symbol=BTCUSDT")
        .remove(0);
    let spot = desk.list(REALTIME, "category=spot").remove(0);
    for name in ["tpslMode", "createType"] {
        assert!(
            linear.get(name).is_some() && spot.get(name).is_none(),
            "{name}"
        );
    }
    // A spot order without a link is given one.
    assert_eq!(spot["orderLinkId"].as_str().unwrap().len(), 19);
    assert_eq!(linear["orderLinkId"], "");
    assert_eq!(linear["orderId"].as_str().unwrap().len(), 36);
    assert!(linear["createdTime"].is_string() && linear["positionIdx"] == 0);
    let pushed = desk.rows("order");
    assert!(pushed[0].get("tpslMode").is_some() && pushed[1].get("tpslMode").is_none());
    assert_eq!(
        (&pushed[0]["avgPrice"], &linear["avgPrice"]),
        (&json!(""), &json!("0"))
    );
}
