//! Faults of REST requests and of the whole server, each as a client sees it.

use serde_json::{Value, json};
use tradeterm::venue::sim::server::{Script, Step};

use super::desk::{Desk, config, resting};

const TIME: &str = "/v5/market/time";
const CREATE: &str = "/v5/order/create";

async fn desk() -> Desk {
    let desk = Desk::new().await;
    desk.step(Step::UntilBar).await;
    desk
}

fn links(desk: &Desk) -> Vec<String> {
    desk.server
        .truth()
        .orders
        .into_iter()
        .map(|order| order.link_id)
        .collect()
}

async fn time(desk: &Desk) -> (u16, Value) {
    let (status, text) = desk.get(TIME).await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn an_untouched_request_is_the_venues() {
    let desk = desk().await;
    let (status, answer) = time(&desk).await;
    assert_eq!((status, &answer["retCode"]), (200, &json!(0)));
    // The clock stands still until it is moved.
    assert_eq!(answer["time"], json!(desk.server.now().millis()));
    let (status, _) = desk.get(&format!("{TIME}?")).await.unwrap();
    assert_eq!(status, 200, "an empty query is none");
}

#[tokio::test]
async fn lost_requests_have_no_effect_and_lost_answers_have() {
    let desk = desk().await;
    desk.fault(json!({"kind": "drop-request", "path": CREATE}));
    desk.fault(json!({"kind": "drop-reply", "path": CREATE, "nth": 2}));
    for link in ["lost", "done"] {
        let error = desk.post(CREATE, &resting(link)).await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
    }
    let answer = desk.post(CREATE, &resting("plain")).await.unwrap();
    assert_eq!(answer["retCode"], json!(0), "{answer}");
    assert_eq!(links(&desk), ["done", "plain"]);
    let counters = desk.server.counters();
    // Bodies are counted whatever became of them.
    assert_eq!(counters.creates.len(), 3);
    assert_eq!(counters.creates[0], resting("lost").to_string());
    assert_eq!((counters.requests[CREATE], counters.signed), (3, 3));
    assert_eq!(
        (
            counters.faults["drop-request"],
            counters.faults["drop-reply"]
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn late_answers_and_held_requests_wait_for_the_clock() {
    let desk = desk().await;
    for (kind, links_before) in [("delay", vec!["a"]), ("hold", vec!["a"])] {
        desk.fault(json!({"kind": kind, "path": CREATE, "ms": 3_000}));
        let link = if kind == "delay" { "a" } else { "b" };
        let request = tokio::spawn(desk.signed(CREATE, &resting(link)).send());
        // Seen, because counted; what comes next is for the clock.
        while !desk.server.counters().faults.contains_key(kind) {
            tokio::task::yield_now().await;
        }
        assert_eq!(links(&desk), links_before, "{kind}");
        desk.step(Step::Millis(2_999)).await;
        assert!(!request.is_finished());
        assert_eq!(links(&desk), links_before, "{kind}");
        desk.step(Step::Millis(1)).await;
        let answer: Value =
            serde_json::from_str(&request.await.unwrap().unwrap().text().await.unwrap()).unwrap();
        assert_eq!(answer["retCode"], json!(0), "{answer}");
    }
    assert_eq!(links(&desk), ["a", "b"]);
    // Beyond its receive window the venue refuses what it gets.
    desk.fault(json!({"kind": "hold", "path": CREATE, "ms": 10_000}));
    let request = tokio::spawn(desk.signed(CREATE, &resting("c")).send());
    while desk.server.counters().faults["hold"] < 2 {
        tokio::task::yield_now().await;
    }
    desk.step(Step::Millis(10_000)).await;
    let text = request.await.unwrap().unwrap().text().await.unwrap();
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["retCode"], json!(10_002), "{answer}");
    assert_eq!(links(&desk), ["a", "b"]);
}

#[tokio::test]
async fn a_held_request_arrives_although_its_caller_has_gone() {
    let desk = desk().await;
    desk.fault(json!({"kind": "hold", "path": CREATE, "ms": 1_000}));
    let request = tokio::spawn(desk.signed(CREATE, &resting("a")).send());
    while !desk.server.counters().faults.contains_key("hold") {
        tokio::task::yield_now().await;
    }
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    desk.step(Step::Millis(1_000)).await;
    assert_eq!(links(&desk), ["a"]);
}

#[tokio::test]
async fn an_answer_breaks_at_any_byte() {
    let desk = desk().await;
    let (_, whole) = desk.get(TIME).await.unwrap();
    for bytes in 0..=whole.len() {
        desk.fault(json!({"kind": "truncate", "path": TIME, "bytes": bytes}));
        let answer = desk.http.get(desk.url(TIME)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let error = answer.text().await.unwrap_err();
        assert!(error.is_body() || error.is_decode(), "{bytes}: {error:?}");
        desk.fault(json!({"kind": "truncate", "path": TIME, "bytes": bytes, "clean": true}));
        assert_eq!(desk.get(TIME).await.unwrap().1, whole[..bytes]);
    }
}

#[tokio::test]
async fn the_bytes_before_a_break_arrive() {
    let desk = desk().await;
    let (_, whole) = desk.get(TIME).await.unwrap();
    desk.fault(json!({"kind": "truncate", "path": TIME, "bytes": 25}));
    let mut answer = desk.http.get(desk.url(TIME)).send().await.unwrap();
    let mut got = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        got.extend_from_slice(&chunk);
    }
    assert_eq!(got, whole.as_bytes()[..25]);
}

#[tokio::test]
async fn pages_and_statuses_stand_in_for_answers_with_or_without_effect() {
    let desk = desk().await;
    for (fault, status, part) in [
        (json!({"kind": "html", "effect": true}), 502, "<html>"),
        (json!({"kind": "html", "status": 200}), 200, "<html>"),
        (
            json!({"kind": "status", "status": 429, "body": "slow down"}),
            429,
            "slow down",
        ),
        (
            json!({"kind": "status", "status": 503, "effect": true}),
            503,
            "",
        ),
    ] {
        let link = format!("s{status}");
        desk.fault(fault);
        let answer = desk.signed(CREATE, &resting(&link)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.text().await.unwrap().contains(part));
    }
    assert_eq!(links(&desk), ["s502", "s503"]);
}

#[tokio::test]
async fn a_doubled_create_makes_one_order() {
    let desk = desk().await;
    for (second, link, code) in [(false, "a", 0), (true, "b", 110_072)] {
        desk.fault(json!({"kind": "duplicate", "path": CREATE, "second": second}));
        let answer = desk.post(CREATE, &resting(link)).await.unwrap();
        assert_eq!(answer["retCode"], json!(code), "{answer}");
    }
    assert_eq!(links(&desk), ["a", "b"]);
}

#[tokio::test]
async fn a_ban_is_403_until_it_ends_and_sockets_stay() {
    let desk = desk().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    for (reason, part) in [("ip", "too frequent"), ("region", "country")] {
        desk.fault(json!({"kind": "ban", "reason": reason, "for_ms": 600_000}));
        let (status, body) = desk.get(TIME).await.unwrap();
        assert_eq!(status, 403);
        assert!(body.contains(part) && body.contains("<html>"), "{body}");
        socket.is_quiet().await;
        desk.step(Step::Millis(600_000)).await;
        assert_eq!(time(&desk).await.0, 200);
    }
}

#[tokio::test]
async fn an_outage_answers_nothing_and_closes_everything() {
    let desk = desk().await;
    let mut socket = desk.socket("/v5/public/linear").await;
    desk.fault(json!({"kind": "offline", "for_ms": 5_000}));
    assert!(!matches!(socket.next().await, Some(Ok(_))));
    assert!(desk.get(TIME).await.unwrap_err().is_request());
    assert!(desk.try_socket("/v5/public/linear").await.is_err());
    desk.step(Step::Millis(5_000)).await;
    assert_eq!(time(&desk).await.0, 200);
    desk.socket("/v5/public/linear").await.is_quiet().await;
}

#[tokio::test]
async fn faults_begin_after_requests_and_end_with_heal() {
    let script = "[[fault]]\nkind = \"ban\"\nafter_requests = 3\n";
    let mut config = config();
    config.script = Script::parse(script).unwrap();
    let desk = Desk::with(config).await;
    for expected in [200, 200, 200, 403, 403] {
        assert_eq!(desk.get(TIME).await.unwrap().0, expected);
    }
    desk.fault(json!({"kind": "heal"}));
    assert_eq!(desk.get(TIME).await.unwrap().0, 200);
}

#[tokio::test]
async fn chance_hits_the_same_requests_for_the_same_seed() {
    let run = async |seed: u64| {
        let mut config = config();
        let text = format!("[chaos]\nseed = {seed}\nbusy = 0.3\nhtml = 0.3\n");
        config.script = Script::parse(&text).unwrap();
        let desk = Desk::with(config).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(desk.get(TIME).await.unwrap().0);
        }
        statuses
    };
    let first = run(1).await;
    for status in [200, 502, 503] {
        assert!(first.contains(&status), "{first:?}");
    }
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}

#[tokio::test]
async fn drills_of_the_venue_come_by_the_control_plane() {
    let desk = desk().await;
    let drill = json!({
        "drill": "answer-code", "op": "order.create", "code": 10_016, "message": "Server error",
        "accept": true, "times": 1,
    });
    assert_eq!(
        desk.control("/sim/drill", &drill).await,
        (200, json!({"ok": true}))
    );
    let answer = desk.post(CREATE, &resting("a")).await.unwrap();
    assert_eq!(answer["retCode"], json!(10_016), "{answer}");
    assert_eq!(links(&desk), ["a"]);
    let fault = json!({"kind": "drill", "drill": {"drill": "liquidate", "symbol": "NOSUCHUSDT"}});
    for (path, body) in [
        (
            "/sim/drill",
            json!({"drill": "liquidate", "symbol": "NOSUCHUSDT"}),
        ),
        ("/sim/drill", json!({"drill": "dance"})),
        ("/sim/fault", fault),
        ("/sim/fault", json!({"kind": "dance"})),
    ] {
        let (status, answer) = desk.control(path, &body).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].is_string());
    }
}

#[tokio::test]
async fn the_control_plane_tells_counters_and_truth_and_no_fault_touches_it() {
    let desk = desk().await;
    desk.post(CREATE, &resting("a")).await.unwrap();
    desk.fault(json!({"kind": "offline"}));
    let ask = async |path: &str| -> Value {
        serde_json::from_str(&desk.get(path).await.unwrap().1).unwrap()
    };
    let counters = ask("/sim/counters").await;
    assert_eq!(counters["requests"][CREATE], json!(1));
    assert_eq!(counters["creates"], json!([resting("a").to_string()]));
    let truth = ask("/sim/truth").await;
    assert_eq!(truth["orders"][0]["orderLinkId"], json!("a"), "{truth}");
    assert_eq!(truth["orders"][0]["orderStatus"], json!("New"), "{truth}");
    assert_eq!(truth["cash"], json!("100000"));
    let clock = ask("/sim/clock").await;
    let now = desk.server.now().millis();
    assert_eq!(clock, json!({"now": now, "clock": "manual"}));
    assert_eq!(desk.get("/sim/other").await.unwrap().0, 404);
    // Nothing that a client shows to prove itself is kept.
    assert!(!counters.to_string().contains("testkey"), "{counters}");
}
