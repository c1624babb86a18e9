//! Requests and answers of the order-entry socket.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tradeterm::domain::Timestamp;
use tradeterm::venue::bybit::socket::trade::{
    TradeError, TradeHandle, TradeOptions, TradeReply, TradeSocket, TradeState,
};

use crate::harness::{NOW_MS, PIPE, Peer, Venue, auth, seconds, soon};

/// Opens a socket and logs it in.
pub(crate) async fn open() -> (Venue, Peer, TradeSocket) {
    let (mut venue, dial) = Venue::new();
    let socket = TradeSocket::open(TradeOptions::new(dial, auth(), Arc::new(|| 1.0)));
    let peer = venue.accept_login().await;
    wait_for(&socket.handle, |s| matches!(s, TradeState::Up { .. })).await;
    (venue, peer, socket)
}

pub(crate) async fn wait_for(
    handle: &TradeHandle,
    is_it: impl Fn(&TradeState) -> bool,
) -> TradeState {
    let mut state = handle.state();
    soon(state.wait_for(|state| is_it(state)))
        .await
        .unwrap()
        .clone()
}

pub(crate) async fn end(socket: TradeSocket) {
    socket.handle.close();
    soon(socket.task).await.unwrap();
    assert_eq!(*socket.handle.state().borrow(), TradeState::Closed);
}

fn body(n: usize) -> Box<RawValue> {
    let text = json!({"category": "linear", "orderLinkId": format!("x{n}")}).to_string();
    RawValue::from_string(text).unwrap()
}

type Outcome = Result<TradeReply, TradeError>;

fn request(handle: &TradeHandle, n: usize) -> JoinHandle<Outcome> {
    let handle = handle.clone();
    tokio::spawn(async move {
        let at = Timestamp::from_millis(NOW_MS);
        handle.request("order.create", &body(n), at).await
    })
}

fn reply(request: &Value, code: i64) -> Value {
    json!({"reqId": request["reqId"], "retCode": code, "retMsg": "", "op": request["op"],
        "data": {"orderLinkId": request["args"][0]["orderLinkId"]}, "retExtInfo": {},
        "header": {"X-Bapi-Limit-Status": "9"}, "connId": "c"})
}

fn link_id(reply: &TradeReply) -> String {
    let data: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
    data["orderLinkId"].as_str().unwrap().to_owned()
}

fn code_of(outcome: Outcome) -> Result<i64, TradeError> {
    outcome.map(|reply| reply.code)
}

#[tokio::test(start_paused = true)]
async fn a_request_has_the_form_that_the_venue_asks_for() {
    let (_venue, mut peer, socket) = open().await;
    let waiting = request(&socket.handle, 1);
    let heard = peer.request().await;
    let id = heard["reqId"].as_str().unwrap();
    assert!(id.len() <= 36);
    assert_eq!(
        heard,
        json!({"reqId": id, "op": "order.create",
            "header": {"X-BAPI-TIMESTAMP": NOW_MS.to_string(), "X-BAPI-RECV-WINDOW": "3000"},
            "args": [{"category": "linear", "orderLinkId": "x1"}]})
    );
    peer.say(reply(&heard, 0)).await;
    let reply = soon(waiting).await.unwrap().unwrap();
    assert_eq!((reply.code, link_id(&reply)), (0, "x1".to_owned()));
    assert_eq!(reply.limit.left, Some(9));
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn answers_out_of_order_reach_their_own_requests() {
    let (_venue, mut peer, socket) = open().await;
    let mut ids = BTreeSet::new();
    for n in 1..=20 {
        let waiting: Vec<_> = (0..n).map(|i| request(&socket.handle, i)).collect();
        let mut heard = Vec::new();
        for _ in 0..n {
            heard.push(peer.request().await);
        }
        heard.reverse();
        for request in &heard {
            assert!(ids.insert(request["reqId"].to_string()), "ids are unique");
            peer.say(reply(request, 0)).await;
        }
        for (i, waiting) in waiting.into_iter().enumerate() {
            let reply = soon(waiting).await.unwrap().unwrap();
            assert_eq!(link_id(&reply), format!("x{i}"));
        }
    }
    assert_eq!(socket.handle.n_late_replies(), 0);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_resolves_every_request_in_flight_by_itself() {
    for n in 1..=20 {
        let (mut venue, mut peer, socket) = open().await;
        let waiting: Vec<_> = (0..n).map(|i| request(&socket.handle, i)).collect();
        let mut heard = Vec::new();
        for _ in 0..n {
            heard.push(peer.request().await);
        }
        // The odd ones are answered, last first; the even ones are lost.
        for request in heard.iter().rev() {
            let number: usize = request["args"][0]["orderLinkId"].as_str().unwrap()[1..]
                .parse()
                .unwrap();
            if number % 2 == 1 {
                peer.say(reply(request, 0)).await;
            }
        }
        let lost_at = tokio::time::Instant::now();
        drop(peer);
        for (i, waiting) in waiting.into_iter().enumerate() {
            let outcome = soon(waiting).await.unwrap();
            if i % 2 == 1 {
                assert_eq!(link_id(&outcome.unwrap()), format!("x{i}"));
            } else {
                assert!(
                    matches!(outcome, Err(TradeError::NoAnswer(_))),
                    "{i} of {n}"
                );
            }
        }
        assert!(
            lost_at.elapsed() < seconds(1),
            "at once, not by the deadline"
        );

        // Nothing is taken in between, and nothing is sent twice on the next connection.
        let refused = soon(request(&socket.handle, 99)).await.unwrap();
        assert!(
            matches!(refused, Err(TradeError::NotSent(_))),
            "{refused:?}"
        );
        let mut peer = venue.accept_login().await;
        wait_for(&socket.handle, |s| *s == TradeState::Up { epoch: 2 }).await;
        let waiting = request(&socket.handle, 100);
        let heard = peer.request().await;
        assert_eq!(heard["args"][0]["orderLinkId"], "x100");
        peer.say(reply(&heard, 0)).await;
        assert!(soon(waiting).await.unwrap().is_ok());
        end(socket).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_after_the_deadline_is_counted_and_ignored() {
    let (_venue, mut peer, socket) = open().await;
    let started = tokio::time::Instant::now();
    let waiting = request(&socket.handle, 1);
    let late = peer.request().await;
    let outcome = soon(waiting).await.unwrap();
    assert!(
        matches!(outcome, Err(TradeError::NoAnswer(_))),
        "{outcome:?}"
    );
    assert_eq!(started.elapsed(), seconds(2));
    peer.say(reply(&late, 0)).await;
    // Frames that answer nothing do no harm either.
    peer.say(json!({"retCode": 10404, "retMsg": "op not found"}))
        .await;
    peer.say_text(r#"{"reqId":"t1","retCo"#).await;

    let waiting = request(&socket.handle, 2);
    let heard = peer.request().await;
    peer.say(reply(&heard, 110_007)).await;
    assert_eq!(code_of(soon(waiting).await.unwrap()), Ok(110_007));
    assert_eq!(socket.handle.n_late_replies(), 3);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_connection_usable() {
    let (_venue, mut peer, socket) = open().await;
    // Gone before the task could write it: it never leaves.
    let at = Timestamp::from_millis(NOW_MS);
    let never = body(1);
    let mut dropped = Box::pin(socket.handle.request("order.create", &never, at));
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    // Gone after it was written: its answer is ignored.
    let gone = request(&socket.handle, 2);
    let heard_gone = peer.request().await;
    assert_eq!(heard_gone["args"][0]["orderLinkId"], "x2");
    gone.abort();
    assert!(soon(gone).await.unwrap_err().is_cancelled());
    let waiting = request(&socket.handle, 3);
    let heard = peer.request().await;
    peer.say(reply(&heard_gone, 0)).await;
    peer.say(reply(&heard, 0)).await;
    assert_eq!(link_id(&soon(waiting).await.unwrap().unwrap()), "x3");
    assert_eq!(socket.handle.n_late_replies(), 1);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_told_from_what_may_have_been() {
    let (_venue, peer, socket) = open().await;
    // The venue stops reading, so that the pipe fills up within the first request.
    let at = Timestamp::from_millis(NOW_MS);
    let large = RawValue::from_string(format!("\"{}\"", "x".repeat(2 * PIPE))).unwrap();
    let handle = socket.handle.clone();
    let stuck = tokio::spawn(async move { handle.request("order.create", &large, at).await });
    tokio::task::yield_now().await;
    let behind = request(&socket.handle, 2);
    let (stuck, behind) = (soon(stuck).await.unwrap(), soon(behind).await.unwrap());
    assert!(matches!(stuck, Err(TradeError::NoAnswer(_))), "{stuck:?}");
    assert!(matches!(behind, Err(TradeError::NotSent(_))), "{behind:?}");
    // What was refused is not written later.
    let mut heard = peer.socket;
    let mut n_heard = 0;
    while let Ok(Some(Ok(message))) = tokio::time::timeout(seconds(1), heard.next()).await {
        n_heard += u32::from(message.is_text());
    }
    assert_eq!(n_heard, 1);
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_can_wait_are_refused_at_once() {
    let (_venue, _peer, socket) = open().await;
    let mut all = JoinSet::new();
    // They all are made before the socket's task gets a turn.
    for n in 0..100 {
        let handle = socket.handle.clone();
        all.spawn(async move {
            let at = Timestamp::from_millis(NOW_MS);
            handle.request("order.create", &body(n), at).await
        });
    }
    let (mut n_refused, mut n_unanswered) = (0, 0);
    while let Some(outcome) = soon(all.join_next()).await {
        match outcome.unwrap() {
            Err(TradeError::NotSent(_)) => n_refused += 1,
            Err(TradeError::NoAnswer(_)) => n_unanswered += 1,
            Ok(reply) => panic!("{reply:?}"),
        }
    }
    assert_eq!((n_refused, n_unanswered), (36, 64));
    end(socket).await;
}

#[tokio::test(start_paused = true)]
async fn codes_are_passed_on_and_a_restart_makes_a_new_connection() {
    let (mut venue, mut peer, socket) = open().await;
    for code in [20_006, 20_003, 10_403, 110_072] {
        let waiting = request(&socket.handle, 1);
        let heard = peer.request().await;
        peer.say(reply(&heard, code)).await;
        assert_eq!(code_of(soon(waiting).await.unwrap()), Ok(code));
        assert!(socket.handle.is_up());
    }
    let waiting: Vec<_> = (0..3).map(|n| request(&socket.handle, n)).collect();
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(peer.request().await);
    }
    peer.say(reply(&heard[0], 10_019)).await;
    let mut outcomes = Vec::new();
    let mut waiting = waiting.into_iter();
    outcomes.push(code_of(soon(waiting.next().unwrap()).await.unwrap()));
    // From now on nothing is taken here, but what is in flight may still be answered.
    let refused = soon(request(&socket.handle, 9)).await.unwrap();
    assert!(
        matches!(refused, Err(TradeError::NotSent(_))),
        "{refused:?}"
    );
    peer.say(reply(&heard[1], 0)).await;
    for waiting in waiting {
        outcomes.push(code_of(soon(waiting).await.unwrap()));
    }
    assert_eq!(outcomes[..2], [Ok(10_019), Ok(0)]);
    assert!(matches!(outcomes[2], Err(TradeError::NoAnswer(_))));
    let mut peer = venue.accept_login().await;
    wait_for(&socket.handle, |s| *s == TradeState::Up { epoch: 2 }).await;
    let waiting = request(&socket.handle, 5);
    let heard = peer.request().await;
    peer.say(reply(&heard, 0)).await;
    assert_eq!(code_of(soon(waiting).await.unwrap()), Ok(0));
    end(socket).await;
}
