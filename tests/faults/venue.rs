//! The way to the venue and its moods: F45, F48, F49, F51 to F53, F55.

use serde_json::json;
use tradeterm::control::TradeCommand;
use tradeterm::domain::{AccountEvent, InstrumentId};
use tradeterm::venue::sim::exchange::Drill;
use tradeterm::venue::sim::server::TEST_KEY;

use super::account::n_entries;
use super::desk::{Desk, Setup};

fn n_connects(desk: &Desk, kind: &str) -> u64 {
    desk.server
        .counters()
        .connects
        .get(kind)
        .copied()
        .unwrap_or(0)
}

fn has_said(desk: &Desk, words: &str) -> bool {
    desk.seen().notices.iter().any(|n| n.text.contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_a_half_open_private_stream_is_found_and_nothing_is_lost() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let n = n_connects(&desk, "private");
    desk.fault(json!({"kind": "half-open", "socket": "private"}));
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed", |d| d.theirs().is_zero()).await;
    desk.agree().await;
    desk.until("a new private socket", |d| n < n_connects(d, "private"))
        .await;
    desk.heal();
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_a_half_open_public_stream_is_found() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let n = n_connects(&desk, "linear");
    desk.fault(json!({"kind": "half-open", "socket": "linear"}));
    desk.until("the feed is stale", |d| has_said(d, "feed is stale"))
        .await;
    let entries = n_entries(&desk);
    desk.until("a new public socket", |d| n < n_connects(d, "linear"))
        .await;
    assert_eq!(n_entries(&desk), entries);
    desk.heal();
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f48_a_limiter_costs_an_entry_and_not_an_exit() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::AnswerCode {
        op: "order.create".to_owned(),
        code: 10_006,
        message: "Too many visits!".to_owned(),
        accept: false,
        times: 2,
    });
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed", |d| d.theirs().is_zero()).await;
    desk.recover().await;
    let checked = desk.check().await;
    assert_eq!(checked.n(|e| matches!(e, AccountEvent::Rejected { .. })), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f49_a_ban_silences_rest_and_leaves_the_sockets() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    let n_rest = |d: &Desk| d.server.counters().n_requests();
    let before = desk.hits("ban");
    desk.fault(json!({"kind": "ban"}));
    desk.until("the ban is met", |d| before < d.hits("ban"))
        .await;
    desk.until("entries are held", |d| !d.is_ready()).await;
    let n = n_rest(&desk);
    let entries = n_entries(&desk);
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed", |d| d.theirs().is_zero()).await;
    desk.agree().await;
    desk.next_bar().await;
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), entries, "{}", desk.picture());
    assert_eq!(n_rest(&desk), n, "requests during a ban");
    desk.heal();
    // Ten minutes, and what the client adds to them.
    desk.leap.by(12 * 60_000);
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f51_a_server_that_hangs_up_after_login_is_tried_ever_more_slowly() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "close-after-auth", "socket": "private"}));
    desk.fault(json!({"kind": "close", "socket": "private"}));
    let waits = |d: &Desk, text: &str| {
        let seen = d.seen();
        let venue = seen.venue.as_ref().unwrap();
        let private = venue.connections.iter().find(|c| c.name == "private");
        private.is_some_and(|c| c.detail.contains(text))
    };
    let n = n_connects(&desk, "private");
    // The dice always say the middle between half a second and two, four, eight.
    for text in ["again in 1.2 s", "again in 2.2 s", "again in 4.2 s"] {
        desk.until(text, |d| waits(d, text)).await;
    }
    assert!(n_connects(&desk, "private") <= n + 5);
    desk.heal();
    desk.recover().await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f52_a_key_that_ends_holds_entries_with_one_word() {
    let mut desk = Desk::new().await;
    desk.next_bar().await;
    desk.agree().await;
    desk.drill(&Drill::KeyExpired {
        key: TEST_KEY.to_owned(),
    });
    desk.until("it is refused", |d| has_said(d, "the venue refuses us"))
        .await;
    let entries = n_entries(&desk);
    let n_creates = desk.server.counters().creates.len();
    desk.next_bar().await;
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), entries);
    let creates = desk.server.counters().creates;
    let is_entry = |body: &&String| !body.contains("\"reduceOnly\":true");
    assert_eq!(creates[n_creates..].iter().filter(is_entry).count(), 0);
    let seen = desk.seen();
    // Once for what was asked, once for the exit that was tried.
    let words = seen
        .notices
        .iter()
        .filter(|n| n.text.starts_with("the venue refuses us"));
    assert!(words.count() <= 2, "{}", desk.picture());
    desk.stop_quietly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f53_a_clock_that_is_far_off_opens_nothing_and_is_corrected_for() {
    for skew_ms in [-10_000, 1_500] {
        let setup = Setup {
            skew_ms,
            ..Setup::default()
        };
        let desk = Desk::with(setup).await;
        desk.until("it is told", |d| {
            has_said(d, "ms from the venue's; no entries")
        })
        .await;
        desk.next_bar().await;
        desk.next_bar().await;
        assert_eq!(n_entries(&desk), 0, "{}", desk.picture());
        // What is signed is stamped with the venue's time all the same.
        let compared = desk.seen().venue.as_ref().unwrap().compared_at;
        desk.until("another reading", |d| {
            compared < d.seen().venue.as_ref().unwrap().compared_at
        })
        .await;
        desk.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f55_maintenance_holds_entries_and_ends_with_the_same_picture() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.drill(&Drill::Maintenance { on: true });
    desk.next_bar().await;
    desk.until("entries are held", |d| !d.is_ready()).await;
    let entries = n_entries(&desk);
    desk.next_bar().await;
    assert_eq!(n_entries(&desk), entries);
    desk.drill(&Drill::Maintenance { on: false });
    desk.recover().await;
    desk.next_bar().await;
    desk.check().await;
}
