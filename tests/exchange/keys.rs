//! Keys, signatures, clocks, rights, limits and routes.

use rstest::rstest;
use serde_json::{Value, json};
use tradeterm::venue::sim::exchange::{ApiKey, Drill, Method, SocketUser, VenueRules};

use super::desk::{Desk, KEY, SECRET, START, at, hmac, linear, signed, spot};

const ORDERS: &str = "/v5/order/realtime";
const QUERY: &str = "category=linear&symbol=BTCUSDT";

fn code_of(body: &str) -> i64 {
    let body: Value = serde_json::from_str(body).unwrap();
    body["retCode"].as_i64().unwrap()
}

#[rstest]
#[case::now(0, 0)]
#[case::at_the_window(-5_000, 0)]
#[case::behind_the_window(-5_001, 10002)]
#[case::just_ahead(999, 0)]
#[case::ahead(1_000, 10002)]
fn a_clock_may_be_behind_by_the_window_and_ahead_by_a_second(#[case] off: i64, #[case] code: i64) {
    let mut desk = Desk::new();
    let headers = signed(KEY, SECRET, desk.now + off, QUERY);
    let reply = desk.send(Method::Get, ORDERS, QUERY, &headers);
    assert_eq!(code_of(&reply.body), code, "{}", reply.body);
    assert_eq!(reply.status, 200);
    if code == 10002 {
        let text = format!("req_timestamp[{}],server_timestamp[{START}]", START + off);
        assert!(reply.body.contains(&text), "{}", reply.body);
    }
}

#[test]
fn the_signature_covers_the_bytes_as_sent() {
    let mut desk = Desk::new();
    // Spaces in JSON, an encoded cursor: whatever was signed counts, not what it means.
    let spaced = "{\"category\": \"linear\", \"symbol\": \"BTCUSDT\",  \"orderId\": \"x\"}";
    let headers = signed(KEY, SECRET, desk.now, spaced);
    let reply = desk.send(Method::Post, "/v5/order/cancel", spaced, &headers);
    assert_eq!(code_of(&reply.body), 110_001);
    let compact = spaced.replace(' ', "");
    let reply = desk.send(Method::Post, "/v5/order/cancel", &compact, &headers);
    assert_eq!(code_of(&reply.body), 10004);
    let query = "category=linear&symbol=BTCUSDT&cursor=page_args%3D5%26";
    let headers = signed(KEY, SECRET, desk.now, query);
    let reply = desk.send(Method::Get, ORDERS, query, &headers);
    assert_eq!(code_of(&reply.body), 0);
    let headers = signed(KEY, "other secret", desk.now, query);
    let reply = desk.send(Method::Get, ORDERS, query, &headers);
    assert_eq!(code_of(&reply.body), 10004);
    assert!(!reply.body.contains(SECRET));
}

#[test]
fn the_window_is_signed_as_sent_or_not_at_all() {
    let mut desk = Desk::new();
    let sign = hmac(SECRET, &format!("{}{KEY}{QUERY}", desk.now));
    let headers = [
        ("x-bapi-api-key", KEY.to_owned()),
        ("x-bapi-timestamp", desk.now.to_string()),
        ("x-bapi-sign", sign),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let reply = desk.send(Method::Get, ORDERS, QUERY, &headers);
    assert_eq!(code_of(&reply.body), 0);
}

#[rstest]
#[case::unknown("NOBODY", ORDERS, 10003)]
#[case::ended("ENDED", ORDERS, 33004)]
#[case::reader_reads("READER", ORDERS, 0)]
#[case::unbound_elsewhere("BOUND", ORDERS, 10010)]
fn keys(#[case] key: &str, #[case] path: &str, #[case] code: i64) {
    let mut desk = Desk::new();
    desk.later();
    let mut headers = signed(key, SECRET, desk.now, QUERY);
    headers.push(("x-real-ip".to_owned(), "10.9.9.9".to_owned()));
    let reply = desk.send(Method::Get, path, QUERY, &headers);
    assert_eq!(code_of(&reply.body), code);
}

#[rstest]
#[case::reader("READER", linear(json!({})), 10005)]
#[case::spot_only_on_linear("SPOTONLY", linear(json!({})), 10005)]
#[case::spot_only_on_spot("SPOTONLY", spot(json!({})), 0)]
fn rights(#[case] key: &str, #[case] body: Value, #[case] code: i64) {
    let mut desk = Desk::new();
    let body = body.to_string();
    let headers = signed(key, SECRET, desk.now, &body);
    let reply = desk.send(Method::Post, "/v5/order/create", &body, &headers);
    assert_eq!(code_of(&reply.body), code);
}

#[test]
fn missing_headers_are_401_and_unknown_routes_404() {
    let mut desk = Desk::new();
    let reply = desk.send(Method::Get, ORDERS, QUERY, &[]);
    assert_eq!((reply.status, code_of(&reply.body)), (401, 10003));
    for (method, path) in [
        (Method::Get, "/v5/nothing"),
        (Method::Post, ORDERS),
        (Method::Get, "/v5/order/create"),
    ] {
        let reply = desk.raw(method, path, "");
        assert_eq!((reply.status, code_of(&reply.body)), (404, 10017));
    }
    let body = desk.raw(Method::Post, "/v5/order/create", "not json").body;
    assert_eq!(code_of(&body), 10001);
}

#[test]
fn a_key_tells_about_itself_and_never_its_secret() {
    let mut desk = Desk::new();
    let answer = desk.get("/v5/user/query-api", "");
    assert_eq!(answer["result"]["uta"], 1);
    assert_eq!(answer["result"]["readOnly"], 0);
    assert_eq!(answer["result"]["ips"], json!(["*"]));
    let spot = &answer["result"]["permissions"]["Spot"];
    assert_eq!(spot, &json!(["SpotTrade"]));
    assert!(!answer.to_string().contains(SECRET));
    let shown = format!("{:?}", ApiKey::new(KEY, SECRET));
    assert!(shown.contains(KEY) && !shown.contains(SECRET));
    assert!(!format!("{:?}", desk.venue).contains(SECRET));
}

#[test]
fn creates_are_limited_per_second_and_category() {
    let mut desk = Desk::new();
    let body = linear(json!({"qty": "0.1"})).to_string();
    for left in (0..10).rev() {
        let reply = desk.raw(Method::Post, "/v5/order/create", &body);
        assert_eq!(code_of(&reply.body), 0);
        let header = |name: &str| reply.headers.iter().find(|(n, _)| n == name).unwrap();
        assert_eq!(header("X-Bapi-Limit").1, "10");
        assert_eq!(header("X-Bapi-Limit-Status").1, left.to_string());
    }
    let reply = desk.raw(Method::Post, "/v5/order/create", &body);
    assert_eq!((reply.status, code_of(&reply.body)), (200, 10006));
    let reset = (START + 1_000).to_string();
    assert!(
        reply
            .headers
            .contains(&("X-Bapi-Limit-Reset-Timestamp".to_owned(), reset))
    );
    let other = spot(json!({"qty": "0.1"}));
    assert_eq!(desk.code("/v5/order/create", &other), 0);
    assert_eq!(desk.later().code("/v5/order/create", &linear(json!({}))), 0);
}

#[test]
fn a_batch_over_its_budget_does_the_part_that_fits() {
    let mut desk = Desk::new();
    let item = |n: i32| linear(json!({"qty": "0.1", "orderLinkId": format!("b{n}")}));
    let items: Vec<Value> = (0..12).map(item).collect();
    let answer = desk.post(
        "/v5/order/create-batch",
        &json!({"category": "linear", "request": items}),
    );
    assert_eq!(answer["retCode"], 0);
    let codes = answer["retExtInfo"]["list"].as_array().unwrap();
    let codes: Vec<i64> = codes.iter().map(|c| c["code"].as_i64().unwrap()).collect();
    assert_eq!(codes[..10], [0; 10]);
    assert_eq!(codes[10..], [10006; 2]);
    let list = answer["result"]["list"].as_array().unwrap();
    assert_eq!(list.len(), 12);
    assert_eq!(list[11]["orderLinkId"], "b11");
    assert_eq!(list[11]["orderId"], "");
    // The budget of single creates is another one.
    assert_eq!(desk.code("/v5/order/create", &linear(json!({}))), 0);
}

#[test]
fn sockets_show_a_key_and_a_signature() {
    let mut desk = Desk::new();
    let until = desk.now + 10_000;
    let sign = hmac(SECRET, &format!("GET/realtime{until}"));
    let user = SocketUser {
        key: KEY.to_owned(),
    };
    for args in [
        json!([KEY, until, sign]),
        json!([KEY, until.to_string(), sign]),
    ] {
        let got = desk.venue.check_socket_auth(at(desk.now), &args);
        assert_eq!(got, Ok(user.clone()));
    }
    let refused = |args: Value| {
        let got = desk.venue.check_socket_auth(at(desk.now), &args);
        got.unwrap_err().0
    };
    let past = desk.now;
    let old = hmac(SECRET, &format!("GET/realtime{past}"));
    assert_eq!(refused(json!([KEY, past, old])), 10001);
    assert_eq!(refused(json!([KEY, until])), 10001);
    assert_eq!(refused(json!([KEY, until, "00"])), 10004);
    assert_eq!(refused(json!(["NOBODY", until, sign])), 10003);
    desk.drill(&Drill::KeyExpired {
        key: KEY.to_owned(),
    });
    let args = json!([KEY, until, sign]);
    let got = desk.venue.check_socket_auth(at(desk.now), &args);
    assert_eq!(got.unwrap_err().0, 33004);
}

#[test]
fn orders_take_the_same_way_from_a_socket() {
    let mut desk = Desk::new();
    let reply = desk.entry("order.create", &linear(json!({"orderLinkId": "w"})));
    assert_eq!(
        (&reply["retCode"], &reply["reqId"]),
        (&json!(0), &json!("r1"))
    );
    assert_eq!(reply["op"], "order.create");
    assert_eq!(reply["data"]["orderLinkId"], "w");
    assert_eq!(reply["header"]["X-Bapi-Limit-Status"], "9");
    let reply = desk.entry("order.create", &linear(json!({"orderLinkId": "w"})));
    assert_eq!(reply["retCode"], 110_072);
    assert_eq!(reply["data"], json!({}));
    // Sockets and REST share the limits.
    let reply = desk.raw(
        Method::Post,
        "/v5/order/create",
        &linear(json!({})).to_string(),
    );
    let left = ("X-Bapi-Limit-Status".to_owned(), "7".to_owned());
    assert!(reply.headers.contains(&left));
    let cancel = json!({"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "w"});
    assert_eq!(desk.entry("order.cancel", &cancel)["retCode"], 0);
    assert_eq!(desk.entry("order.delete", &json!({}))["retCode"], 10404);
    let odd = json!({"category": "option"});
    assert_eq!(desk.entry("order.create", &odd)["retCode"], 10404);
}

#[test]
fn a_frame_needs_a_clock_and_rights() {
    let mut desk = Desk::new();
    let mut send = |key: &str, frame: Value| {
        let user = SocketUser {
            key: key.to_owned(),
        };
        let reply = desk.venue.trade_op(at(START), &user, &frame.to_string());
        reply.map(|reply| code_of(&reply))
    };
    let args = json!([linear(json!({}))]);
    let frame = |stamp: Value| json!({"op": "order.create", "args": args, "header": {"X-BAPI-TIMESTAMP": stamp}});
    assert_eq!(send(KEY, frame(json!(START))), Some(0));
    assert_eq!(send(KEY, frame(json!(START - 6_000))), Some(10002));
    assert_eq!(send("READER", frame(json!(START))), Some(10005));
    let two = json!({"op": "order.create", "args": [{"category": "linear"}, {}],
        "header": {"X-BAPI-TIMESTAMP": START}});
    assert_eq!(send(KEY, two), Some(10001));
    assert_eq!(send(KEY, json!({"op": "ping"})), None);
    assert_eq!(send(KEY, json!([1])), None);
}

#[test]
fn a_second_key_or_symbol_of_one_name_is_refused() {
    use tradeterm::venue::sim::exchange::{Exchange, ExchangeError, ExchangeSetup};
    let setup = |keys| ExchangeSetup {
        instruments: super::desk::table(),
        matcher: super::desk::settings(),
        keys,
        start: at(START),
        rules: VenueRules::default(),
    };
    let key = || ApiKey::new("K", "S");
    let twice = Exchange::new(setup(vec![key(), key()]));
    assert_eq!(
        twice.unwrap_err(),
        ExchangeError::DuplicateKey("K".to_owned())
    );
    let empty = Exchange::new(setup(vec![ApiKey::new("K", "")]));
    assert_eq!(empty.unwrap_err(), ExchangeError::EmptyKey("K".to_owned()));
}
