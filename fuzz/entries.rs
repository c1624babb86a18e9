//! Where bytes of the venue enter. Each entry takes any bytes, may refuse them, and may not
//! panic; it returns how many of its readers accepted them.

use tradeterm::domain::{Category, InstrumentId, Symbol, Timestamp};
use tradeterm::venue::bybit::feed::{
    Body, BookFrame, Depth, FeedSettings, FeedState, FrameKind, Levels, Scope, TopicBook, Wanted,
    WantedBars, bar_of_row, read_frame,
};
use tradeterm::venue::bybit::wire::account::{AccountInfo, KeyInfo, Wallet};
use tradeterm::venue::bybit::wire::execution::Execution;
use tradeterm::venue::bybit::wire::instrument::{ContractRow, PairRow};
use tradeterm::venue::bybit::wire::market::{FundingRow, RecentTrade, Ticker};
use tradeterm::venue::bybit::wire::order::{Order, OrderAck};
use tradeterm::venue::bybit::wire::position::Position;
use tradeterm::venue::bybit::wire::{Envelope, Page, parse_private, parse_public, parse_trade};

const ID: InstrumentId = InstrumentId(0);
/// Symbol that the feed watches.
const SYMBOL: &str = "BTCUSDT";

/// One frame of a public socket.
pub(crate) fn public_frame(bytes: &[u8]) -> usize {
    let mut levels = Levels::default();
    let is_read = matches!(read_frame(bytes, &mut levels), Ok(Some(_)));
    let is_parsed = std::str::from_utf8(bytes).is_ok_and(|text| parse_public(text).is_ok());
    let mut feed = feed();
    let mut out = Vec::new();
    let at = Timestamp::from_millis(1_700_000_000_000);
    feed.on_up(at, Scope::All, &mut out);
    // Twice: what is known already must be as harmless as what is new.
    for wait in [0, 1_000] {
        let at = at.plus_millis(wait);
        feed.on_frame(at, Category::Linear, bytes, &mut out);
        feed.on_tick(at, &mut out);
        is_sound(&feed);
    }
    feed.on_down(at, Scope::All, &mut out);
    usize::from(is_read) + usize::from(is_parsed)
}

/// One frame of the private or the order-entry socket.
pub(crate) fn private_frame(bytes: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return 0;
    };
    let is_private = parse_private(text).is_ok();
    let batch = parse_trade(text).is_ok();
    usize::from(is_private) + usize::from(batch)
}

/// The body of an answer over HTTP.
pub(crate) fn rest_envelope(bytes: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return 0;
    };
    let Ok(envelope) = Envelope::parse(text) else {
        return 0;
    };
    let rows = envelope.result::<Page<Vec<String>>>();
    if let Ok(page) = &rows {
        let minute = "1m".parse().expect("a minute is an interval");
        for row in &page.list {
            // Whether it is a bar does not matter here.
            drop(bar_of_row(row, minute));
        }
    }
    let contracts = envelope.result::<Page<ContractRow>>();
    for row in contracts.iter().flat_map(|page| &page.list) {
        drop(row.instrument());
    }
    let pairs = envelope.result::<Page<PairRow>>();
    for row in pairs.iter().flat_map(|page| &page.list) {
        drop(row.instrument());
    }
    let accepted = [
        envelope.batch().is_ok(),
        envelope.result::<OrderAck>().is_ok(),
        envelope.result::<KeyInfo>().is_ok(),
        envelope.result::<AccountInfo>().is_ok(),
        envelope.result::<Page<Order>>().is_ok(),
        envelope.result::<Page<Execution>>().is_ok(),
        envelope.result::<Page<Position>>().is_ok(),
        envelope.result::<Page<Wallet>>().is_ok(),
        envelope.result::<Page<Ticker>>().is_ok(),
        envelope.result::<Page<FundingRow>>().is_ok(),
        envelope.result::<Page<RecentTrade>>().is_ok(),
        rows.is_ok(),
        contracts.is_ok(),
        pairs.is_ok(),
    ];
    1 + accepted.into_iter().filter(|is_ok| *is_ok).count()
}

/// Lines, each a frame of one book.
pub(crate) fn book_delta(bytes: &[u8]) -> usize {
    let mut book = TopicBook::new(ID, Depth::L50);
    let mut levels = Levels::default();
    let mut feed = feed();
    let mut out = Vec::new();
    let mut at = Timestamp::from_millis(1_700_000_000_000);
    book.on_up(at);
    feed.on_up(at, Scope::All, &mut out);
    let mut n_taken = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        at = at.plus_millis(20);
        feed.on_frame(at, Category::Linear, line, &mut out);
        is_sound(&feed);
        out.clear();
        let Ok(Some(frame)) = read_frame(line, &mut levels) else {
            continue;
        };
        let Body::Book(head) = &frame.body else {
            continue;
        };
        let step = BookFrame {
            kind: frame.kind.unwrap_or(FrameKind::Delta),
            update_id: head.update_id,
            ts: frame.ts,
            levels: &levels,
        };
        book.take(at, &step);
        n_taken += 1;
        if let Some(view) = book.view()
            && let (Some(bid), Some(ask)) = (view.bids.first(), view.asks.first())
        {
            assert!(bid.price < ask.price, "a whole book is not crossed");
        }
        book.on_tick(at, 5_000);
    }
    n_taken
}

/// A feed that watches everything there is of one symbol.
fn feed() -> FeedState {
    let mut feed = FeedState::new(FeedSettings::default());
    let interval = |text: &str| text.parse().expect("an interval of the venue");
    feed.watch(Wanted {
        instrument: ID,
        category: Category::Linear,
        symbol: Symbol::new(SYMBOL).expect("a symbol"),
        best: true,
        depth: Some(Depth::L50),
        ticker: true,
        trades: true,
        klines: ["1m", "5m"]
            .map(|text| WantedBars {
                interval: interval(text),
                next_open: None,
            })
            .to_vec(),
    });
    feed
}

/// What the feed shows of its book makes sense.
fn is_sound(feed: &FeedState) {
    if let Some(view) = feed.book(ID)
        && let (Some(bid), Some(ask)) = (view.bids.first(), view.asks.first())
    {
        assert!(bid.price < ask.price, "a book that is shown is not crossed");
    }
}
