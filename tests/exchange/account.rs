//! Wallet, fees, margin mode, and the market facts that need no key.

use serde_json::json;
use tradeterm::venue::sim::exchange::Method;

use super::desk::{Desk, MINUTE, PERP, START, linear, market, spot};

#[test]
fn the_wallet_adds_up() {
    let mut desk = Desk::new();
    desk.create(&market("Buy", "10"));
    desk.create(&spot(
        json!({"orderType": "Market", "qty": "2", "price": null,
        "marketUnit": "baseCoin"}),
    ));
    desk.create(&spot(json!({"side": "Sell", "price": "120", "qty": "0.5"})));
    desk.mark(PERP, "110");
    let path = "/v5/account/wallet-balance";
    let row = desk.list(path, "accountType=UNIFIED").remove(0);
    let coins = row["coin"].as_array().unwrap();
    // 10000 less 1 of fee less 200 for two coins, of which the fee took 0.002.
    assert_eq!(
        (&coins[0]["coin"], &coins[0]["walletBalance"]),
        (&json!("USDT"), &json!("9799"))
    );
    assert_eq!(
        (&coins[0]["equity"], &coins[0]["unrealisedPnl"]),
        (&json!("9899"), &json!("100"))
    );
    assert_eq!(
        (&coins[1]["coin"], &coins[1]["walletBalance"]),
        (&json!("BTC"), &json!("1.998"))
    );
    assert_eq!(
        (&coins[1]["locked"], &coins[1]["usdValue"]),
        (&json!("0.5"), &json!("199.8"))
    );
    assert_eq!(
        (&row["totalEquity"], &row["totalPerpUPL"]),
        (&json!("10098.8"), &json!("100"))
    );
    assert_eq!(row["totalInitialMargin"], "110");
    assert_eq!(row["totalAvailableBalance"], "9789");
    assert_eq!(coins[0]["availableToWithdraw"], "");
    let one = desk.list(path, "accountType=UNIFIED&coin=BTC").remove(0);
    assert_eq!(one["coin"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get(path, "accountType=SPOT")["retCode"], 10001);
    let truth = desk.venue.truth();
    assert_eq!(
        truth.equity.to_string(),
        row["totalEquity"].as_str().unwrap()
    );
}

#[test]
fn the_margin_mode_changes_only_when_nothing_is_open() {
    let mut desk = Desk::new();
    let info = desk.get("/v5/account/info", "");
    assert_eq!(info["result"]["marginMode"], "REGULAR_MARGIN");
    assert_eq!(info["result"]["unifiedMarginStatus"], 6);
    let path = "/v5/account/set-margin-mode";
    let body = |mode: &str| json!({"setMarginMode": mode});
    assert_eq!(desk.code(path, &body("REGULAR_MARGIN")), 3_400_045);
    assert_eq!(desk.code(path, &body("OTHER")), 10001);
    desk.create(&linear(json!({})));
    let answer = desk.post(path, &body("ISOLATED_MARGIN"));
    assert_eq!(answer["retCode"], 3_400_045);
    assert!(answer["result"]["reasons"][0]["reasonCode"].is_string());
    let all = json!({"category": "linear", "settleCoin": "USDT"});
    assert_eq!(desk.code("/v5/order/cancel-all", &all), 0);
    assert_eq!(desk.code(path, &body("ISOLATED_MARGIN")), 0);
    let info = desk.get("/v5/account/info", "");
    assert_eq!(info["result"]["marginMode"], "ISOLATED_MARGIN");
}

#[test]
fn fees_coins_and_dcp_are_told() {
    let mut desk = Desk::new();
    let rows = desk.list("/v5/account/fee-rate", "category=linear&symbol=BTCUSDT");
    assert_eq!(rows.len(), 1);
    let fees = (&rows[0]["takerFeeRate"], &rows[0]["makerFeeRate"]);
    assert_eq!(fees, (&json!("0.001"), &json!("0.0002")));
    let answer = desk.get("/v5/account/query-dcp-info", "");
    assert_eq!(
        (&answer["retCode"], &answer["retMsg"]),
        (&json!(0), &json!("success"))
    );
    let answer = desk.get("/v5/asset/coin/query-info", "");
    assert_eq!(answer["result"]["rows"][0]["coin"], "USDT");
}

#[test]
fn instruments_are_told_in_the_shape_of_their_category() {
    let mut desk = Desk::new();
    let path = "/v5/market/instruments-info";
    let rows = desk.list(path, "category=linear");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["lotSizeFilter"]["qtyStep"], "0.001");
    assert_eq!(rows[0]["lotSizeFilter"]["minNotionalValue"], "5");
    assert_eq!(
        (&rows[0]["fundingInterval"], &rows[0]["settleCoin"]),
        (&json!(480), &json!("USDT"))
    );
    let rows = desk.list(path, "category=spot&symbol=BTCUSDT");
    assert_eq!(rows[0]["lotSizeFilter"]["basePrecision"], "0.001");
    assert!(rows[0]["lotSizeFilter"].get("qtyStep").is_none());
    assert!(rows[0].get("leverageFilter").is_none());
    for (query, n) in [
        ("category=linear&status=PreLaunch", 0),
        ("category=inverse", 0),
        ("category=option&baseCoin=BTC", 0),
        ("category=linear&baseCoin=ETH", 1),
    ] {
        assert_eq!(desk.list(path, query).len(), n, "{query}");
    }
    assert_eq!(
        desk.get(path, "category=linear&symbol=XXX")["retCode"],
        10001
    );
    let page = desk.get(path, "category=linear&limit=1");
    let cursor = page["result"]["nextPageCursor"].as_str().unwrap();
    assert_ne!(cursor, "");
    let page = desk.get(path, &format!("category=linear&limit=1&cursor={cursor}"));
    assert_eq!(page["result"]["list"][0]["symbol"], "ETHUSDT");
    assert_eq!(page["result"]["nextPageCursor"], "");
}

#[test]
fn bars_come_newest_first_and_coarser_ones_are_made_of_them() {
    let mut desk = Desk::new();
    let grid = START - START.rem_euclid(5 * MINUTE);
    for (k, close) in ["101", "102", "103", "104", "105", "106"]
        .iter()
        .enumerate()
    {
        let k = i64::try_from(k).unwrap();
        desk.now = grid + (k + 1) * MINUTE;
        desk.bar(PERP, grid + k * MINUTE, ["100", "110", "90", close]);
    }
    desk.open(PERP, "107");
    let path = "/v5/market/kline";
    let rows = desk.list(path, "category=linear&symbol=BTCUSDT&interval=1&limit=2");
    assert_eq!(rows[0][0], (grid + 6 * MINUTE).to_string());
    assert_eq!((&rows[0][4], &rows[0][5]), (&json!("107"), &json!("0")));
    assert_eq!(
        rows[1],
        json!([
            (grid + 5 * MINUTE).to_string(),
            "100",
            "110",
            "90",
            "106",
            "1000",
            "106000"
        ])
    );
    let rows = desk.list(path, "symbol=BTCUSDT&interval=5");
    assert_eq!(rows.len(), 2);
    let five = json!([
        grid.to_string(),
        "100",
        "110",
        "90",
        "105",
        "5000",
        "525000"
    ]);
    assert_eq!(rows[1], five);
    let start = grid + 2 * MINUTE;
    let query = format!("symbol=BTCUSDT&interval=1&start={start}&limit=2");
    let rows = desk.list(path, &query);
    assert_eq!((&rows[1][0], rows.len()), (&json!(start.to_string()), 2));
    let rows = desk.list(path, &format!("symbol=BTCUSDT&interval=1&end={start}"));
    assert_eq!(rows.len(), 3);
    assert_eq!(
        desk.get(path, "symbol=BTCUSDT&interval=7")["retCode"],
        10001
    );
    let marks = desk.list("/v5/market/mark-price-kline", "symbol=BTCUSDT&interval=1");
    assert_eq!(marks[0].as_array().unwrap().len(), 5);
}

#[test]
fn public_calls_need_no_key() {
    let mut desk = Desk::new();
    let reply = desk.send(Method::Get, "/v5/market/time", "", &[]);
    let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["result"]["timeSecond"], (START / 1_000).to_string());
    assert_eq!(body["time"], START);
    desk.trade(PERP, "101", "0.5", tradeterm::domain::Side::Buy);
    let trades = desk.list("/v5/market/recent-trade", "category=linear&symbol=BTCUSDT");
    assert_eq!(
        (&trades[0]["price"], &trades[0]["side"]),
        (&json!("101"), &json!("Buy"))
    );
    let spot = desk.list("/v5/market/tickers", "category=spot").remove(0);
    assert!(spot["bid1Price"].is_string());
    // Without a recorded book a small one is shown around the last price.
    let book = desk.get(
        "/v5/market/orderbook",
        "category=linear&symbol=BTCUSDT&limit=2",
    );
    let result = &book["result"];
    assert_eq!(result["b"], json!([["101", "0.01"], ["100.9", "0.013"]]));
    assert_eq!(result["a"], json!([["101.1", "0.01"], ["101.2", "0.013"]]));
    let funding = tradeterm::venue::sim::exchange::Drill::Funding {
        symbol: "BTCUSDT".to_owned(),
        rate: "0.0003".parse().unwrap(),
    };
    desk.drill(&funding);
    let rows = desk.list(
        "/v5/market/funding/history",
        "category=linear&symbol=BTCUSDT",
    );
    assert_eq!((&rows[0]["fundingRate"], rows.len()), (&json!("0.0003"), 1));
}
