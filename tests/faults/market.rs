//! What the market says, late, wrongly or not at all: F35 to F37.

use serde_json::json;
use tradeterm::control::TradeCommand;
use tradeterm::domain::InstrumentId;
use tradeterm::venue::bybit::clock::WallClock;
use tradeterm::venue::sim::exchange::Drill;

use super::account::n_entries;
use super::desk::{Desk, SYMBOL};

fn has_said(desk: &Desk, words: &str) -> bool {
    desk.seen().notices.iter().any(|n| n.text.contains(words))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f35_silence_of_the_market_holds_entries_and_lets_exits_through() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "mute", "socket": "linear"}));
    desk.until("the feed is stale", |d| has_said(d, "feed is stale"))
        .await;
    let entries = n_entries(&desk);
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed", |d| d.theirs().is_zero()).await;
    desk.leap_to_close();
    desk.agree().await;
    assert_eq!(n_entries(&desk), entries);
    desk.heal();
    desk.until("the feed is live", |d| {
        d.seen()
            .notices
            .iter()
            .filter(|n| n.text.contains("feed is live"))
            .count()
            > 1
    })
    .await;
    desk.next_bar().await;
    desk.next_bar().await;
    desk.until("entries again", |d| entries < n_entries(d))
        .await;
    desk.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f36_prices_asked_for_open_nothing() {
    let desk = Desk::new().await;
    desk.hold_something().await;
    desk.fault(json!({"kind": "refuse-connects", "socket": "linear"}));
    desk.fault(json!({"kind": "close", "socket": "linear"}));
    desk.until("prices are asked for", |d| has_said(d, "feed is fallback"))
        .await;
    let entries = n_entries(&desk);
    // Two bars close meanwhile.
    for _ in 0..2 {
        desk.leap_to_close();
        let then = desk.leap.now().plus_millis(1_000);
        desk.until("the next bar", |d| then < d.seen().at.unwrap())
            .await;
    }
    desk.command(TradeCommand::Close(InstrumentId(0)));
    desk.until("it is closed", |d| d.theirs().is_zero()).await;
    assert_eq!(n_entries(&desk), entries, "{}", desk.picture());
    desk.heal();
    desk.until("the socket is back", Desk::is_ready).await;
    desk.next_bar().await;
    desk.next_bar().await;
    desk.until("entries again", |d| entries < n_entries(d))
        .await;
    desk.check().await;
}

/// The newest book has the prices of now; one that missed an update keeps those of before.
async fn whole_again(desk: &Desk, drill: &Drill) {
    // The price moves in the middle of each bar.
    let into = desk.leap.now().millis().rem_euclid(60_000);
    desk.leap.by((29_000 - into).rem_euclid(60_000));
    let seen = desk.seen().markets[0].bid;
    desk.until("quotes of this bar", |d| d.seen().markets[0].bid != seen)
        .await;
    let before = desk.seen().markets[0].bid.unwrap().0;
    desk.drill(drill);
    desk.until("the price moves", |d| {
        d.seen().markets[0]
            .bid
            .is_some_and(|(price, _)| price != before)
    })
    .await;
    desk.until("the book is the venue's", |d| {
        let market = &d.seen().markets[0];
        let (Some(book), Some(bid), Some(ask)) = (&market.book, market.bid, market.ask) else {
            return false;
        };
        let bids = book.bids.first().map(|l| l.0);
        bids == Some(bid.0) && book.asks.first().map(|l| l.0) == Some(ask.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f37_a_hole_in_the_book_and_a_restart_lead_to_a_new_snapshot() {
    let desk = Desk::new().await;
    let gap = Drill::BookGap {
        symbol: SYMBOL.to_owned(),
    };
    whole_again(&desk, &gap).await;
    whole_again(&desk, &Drill::Restart).await;
    desk.next_bar().await;
    desk.next_bar().await;
    desk.check().await;
}
