//! Which requests, pushes and connections faults hit, and when they begin and end.

use serde_json::json;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_000);

fn faults(list: &[serde_json::Value]) -> Faults {
    let mut faults = Faults::new(Script {
        faults: list
            .iter()
            .map(|value| Fault::parse(value.clone()).unwrap())
            .collect(),
        chaos: None,
    });
    assert_eq!(faults.tick(START, 0, 0), []);
    faults
}

#[test]
fn the_nth_request_of_a_path_is_hit_and_the_next_ones() {
    let mut faults = faults(&[json!({
        "kind": "drop-reply", "path": "/v5/order/create", "nth": 2, "times": 2
    })]);
    let hit = |faults: &mut Faults, path: &str| faults.request(path).is_some();
    assert!(!hit(&mut faults, "/v5/order/create"));
    assert!(!hit(&mut faults, "/v5/order/cancel"));
    assert!(hit(&mut faults, "/v5/order/create"));
    assert!(hit(&mut faults, "/v5/order/create"));
    assert!(!hit(&mut faults, "/v5/order/create"));
    assert_eq!(faults.hits()["drop-reply"], 2);
}

#[test]
fn faults_begin_and_end_by_time_and_by_count() {
    let mut faults = faults(&[
        json!({"kind": "offline", "at_ms": 50, "for_ms": 100}),
        json!({"kind": "ban", "after_requests": 3}),
    ]);
    let at = |ms: i64| START.plus_millis(ms);
    assert_eq!(faults.tick(at(49), 49, 2), []);
    assert!(!faults.is_offline() && faults.ban().is_none());
    let deeds = faults.tick(at(50), 50, 2);
    assert_eq!(deeds, [Deed::Close(Sockets::All, None)]);
    assert!(faults.is_offline());
    assert_eq!(faults.connect(SocketKind::Private), Some(Refusal::Ends));
    faults.tick(at(149), 149, 3);
    assert!(faults.is_offline());
    assert_eq!(faults.ban(), Some(BanReason::Ip));
    faults.tick(at(150), 150, 3);
    assert!(!faults.is_offline());
    faults.add(Fault::now(Act::Server(ServerAct::Heal {})), at(151));
    assert!(faults.ban().is_none());
}

#[test]
fn pushes_are_muted_dropped_and_doubled_where_they_are_meant() {
    let mut faults = faults(&[
        json!({"kind": "mute", "socket": "private", "topic": "execution*"}),
        json!({"kind": "drop-pushes", "socket": "linear", "topic": "kline*", "nth": 2}),
        json!({"kind": "duplicate-pushes", "socket": "spot", "p": 1.0}),
    ]);
    let mut copies = |kind, topic: &str| faults.push(kind, topic).copies;
    assert_eq!(copies(SocketKind::Private, "execution.fast"), 0);
    assert_eq!(copies(SocketKind::Private, "order"), 1);
    assert_eq!(copies(SocketKind::Linear, "kline.1.BTCUSDT"), 1);
    assert_eq!(copies(SocketKind::Linear, "kline.1.BTCUSDT"), 0);
    assert_eq!(copies(SocketKind::Linear, "kline.1.BTCUSDT"), 1);
    assert_eq!(copies(SocketKind::Spot, "kline.1.BTCUSDT"), 2);
}

#[test]
fn half_open_sockets_end_when_the_fault_does() {
    let mut faults = faults(&[]);
    let fault = Fault::parse(json!({"kind": "half-open", "for_ms": 10})).unwrap();
    assert_eq!(faults.add(fault, START), [Deed::HalfOpen(Sockets::All)]);
    assert_eq!(faults.tick(START.plus_millis(9), 9, 0), []);
    assert_eq!(
        faults.tick(START.plus_millis(10), 10, 0),
        [Deed::EndHalfOpen]
    );
}

#[test]
fn connects_are_refused_as_often_as_asked_for() {
    let mut faults = faults(&[
        json!({"kind": "refuse-connects", "socket": "trade", "times": 1, "status": 503}),
        json!({"kind": "close-after-auth", "socket": "private", "times": 1}),
    ]);
    assert_eq!(faults.connect(SocketKind::Private), None);
    assert_eq!(
        faults.connect(SocketKind::Trade),
        Some(Refusal::Status(503))
    );
    assert_eq!(faults.connect(SocketKind::Trade), None);
    assert!(faults.ends_after_auth(SocketKind::Private));
    assert!(!faults.ends_after_auth(SocketKind::Private));
}
