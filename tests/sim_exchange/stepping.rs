//! The clock that is moved by hand: nothing moves without it, and the same steps tell the same.

use serde_json::{Value, json};
use tradeterm::venue::sim::server::{SimClock, SimServer, Step};

use super::desk::{BAR_MS, Client, Desk, START_MS, config, resting};

/// What every kind of socket tells of three bars with an order in them.
async fn session() -> (Vec<Value>, Value) {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    let mut public = desk.socket("/v5/public/linear").await;
    let topics = ["kline.1.BTCUSDT", "tickers.BTCUSDT", "publicTrade.BTCUSDT"];
    public
        .say(&json!({"op": "subscribe", "args": topics}))
        .await;
    let mut private = desk
        .private(&["order", "execution", "position", "wallet"])
        .await;
    let market = json!({
        "category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market",
        "qty": "0.1", "orderLinkId": "in",
    });
    for body in [market, resting("rest")] {
        let answer = desk.post("/v5/order/create", &body).await.unwrap();
        assert_eq!(answer["retCode"], json!(0), "{answer}");
    }
    for _ in 0..3 {
        desk.step(Step::UntilBar).await;
    }
    let mut told = drain(&mut public).await;
    told.extend(drain(&mut private).await);
    let truth = desk.get("/sim/truth").await.unwrap().1;
    (told, serde_json::from_str(&truth).unwrap())
}

/// Everything that a step has handed to a socket: what comes before the answer to a ping.
async fn drain(socket: &mut Client) -> Vec<Value> {
    let mut all = Vec::new();
    socket.say(&json!({"op": "ping"})).await;
    loop {
        let frame = socket.hear().await;
        if frame["ret_msg"] == json!("pong") || frame["op"] == json!("pong") {
            return all;
        }
        all.push(frame);
    }
}

#[tokio::test]
async fn the_same_steps_tell_the_same() {
    let (told, truth) = session().await;
    let topics: Vec<&str> = told
        .iter()
        .filter_map(|frame| frame["topic"].as_str())
        .collect();
    for topic in [
        "kline.1.BTCUSDT",
        "order",
        "execution",
        "position",
        "wallet",
    ] {
        assert!(topics.contains(&topic), "{topic} of {topics:?}");
    }
    assert_eq!(truth["positions"][0]["qty"], json!("0.1"), "{truth}");
    let (again, truth_again) = session().await;
    assert_eq!(told, again);
    assert_eq!(truth, truth_again);
}

#[tokio::test]
async fn steps_go_by_events_bars_and_milliseconds() {
    let desk = Desk::new().await;
    let at = |ms: i64| START_MS + ms;
    assert_eq!(desk.server.now().millis(), at(0));
    let stepped = desk.step(Step::Events(1)).await;
    assert_eq!((stepped.events, stepped.now.millis()), (1, at(0)));
    let stepped = desk.step(Step::UntilBar).await;
    assert_eq!((stepped.events, stepped.now.millis()), (1, at(BAR_MS)));
    // The next bar's open is of the same moment and waits for the next step.
    let stepped = desk.step(Step::Millis(500)).await;
    assert_eq!(
        (stepped.events, stepped.now.millis()),
        (1, at(BAR_MS + 500))
    );
    let stepped = desk.step(Step::Events(100)).await;
    assert_eq!((stepped.events, stepped.at_end), (17, true));
    assert_eq!(stepped.now.millis(), at(10 * BAR_MS));
    let stepped = desk.step(Step::UntilBar).await;
    assert_eq!((stepped.events, stepped.at_end), (0, true));
    assert_eq!(desk.server.counters().events, 20);
}

#[tokio::test]
async fn requests_do_not_move_the_market() {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    let events = desk.server.counters().events;
    desk.get("/v5/market/time").await.unwrap();
    desk.socket("/v5/public/linear").await.is_quiet().await;
    assert_eq!(desk.server.counters().events, events);
}

#[tokio::test]
async fn the_control_plane_steps_too() {
    let desk = Desk::new().await;
    let (status, answer) = desk.control("/sim/step", &json!({"until_bar": true})).await;
    let expected = json!({"events": 2, "now": START_MS + BAR_MS, "end": false});
    assert_eq!((status, answer), (200, expected));
    for body in [json!({}), json!({"bars": 1}), json!({"events": 1, "ms": 1})] {
        assert_eq!(desk.control("/sim/step", &body).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn history_has_passed_when_the_server_starts() {
    let mut config = config();
    config.history_ms = 3 * BAR_MS;
    let desk = Desk::with(config).await;
    assert_eq!(desk.server.now().millis(), START_MS + 3 * BAR_MS);
    // Three bars with their opens, and the open of the fourth.
    assert_eq!(desk.server.counters().events, 7);
    let path = "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1";
    let answer: Value = serde_json::from_str(&desk.get(path).await.unwrap().1).unwrap();
    let rows = answer["result"]["list"].as_array().unwrap();
    assert!(3 <= rows.len(), "{answer}");
}

#[tokio::test]
async fn only_a_clock_moved_by_hand_can_be_stepped() {
    let mut config = config();
    config.clock = SimClock::Market { speed: 1.0 };
    let desk = Desk::with(config).await;
    let error = desk.server.step(Step::UntilBar).await.unwrap_err();
    assert!(error.contains("not moved by hand"), "{error}");
    let (status, _) = desk.control("/sim/step", &json!({"ms": 1})).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn the_markets_clock_plays_the_market_by_itself() {
    let mut config = config();
    // Ten minutes in a hundredth of a second.
    config.clock = SimClock::Market { speed: 60_000.0 };
    let desk = Desk::with(config).await;
    while desk.server.counters().events < 20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_port_serves_everything_when_it_is_asked_for() {
    let mut config = config();
    config.ws = None;
    let desk = Desk::with(config).await;
    assert_eq!(desk.server.rest(), desk.server.ws());
    desk.socket("/v5/public/linear").await.is_quiet().await;
    assert_eq!(desk.get("/v5/market/time").await.unwrap().0, 200);
    // On two ports each serves its own.
    let desk = Desk::new().await;
    let url = format!("http://{}/v5/market/time", desk.server.ws());
    assert_eq!(desk.http.get(url).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn only_loopback_addresses_are_listened_on() {
    let mut config = config();
    config.rest = "0.0.0.0:0".parse().unwrap();
    let error = SimServer::start(config).await.unwrap_err();
    assert!(error.to_string().contains("no loopback address"), "{error}");
}

#[tokio::test]
async fn stopping_tells_the_sockets() {
    let desk = Desk::new().await;
    let mut socket = desk.socket("/v5/private").await;
    socket.is_quiet().await;
    desk.server.stop().await;
    let rest = socket.rest().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0].is_close());
}
