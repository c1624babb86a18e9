//! Values of the recorded messages, and what follows from them.

use tradeterm::domain::{Price, Qty, Timestamp};
use tradeterm::venue::bybit::wire::instrument::{ContractRow, ListingError, PairRow};
use tradeterm::venue::bybit::wire::market::Ticker;
use tradeterm::venue::bybit::wire::names::{OrderStatus, PositionIdx};
use tradeterm::venue::bybit::wire::order::Order;
use tradeterm::venue::bybit::wire::position::Position;
use tradeterm::venue::bybit::wire::public::{BookFrame, TickerFrame};
use tradeterm::venue::bybit::wire::{
    Envelope, Field, Page, PrivateFrame, PublicFrame, parse_private, parse_public,
};

use crate::fixture;

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

fn books(text: &str) -> Vec<BookFrame> {
    let frames = text.lines().map(|line| match parse_public(line) {
        Ok(PublicFrame::Book(frame)) => frame,
        other => panic!("{other:?}"),
    });
    frames.collect()
}

#[test]
fn the_recorded_book_is_one_snapshot_and_deltas_without_a_hole() {
    let name = "ws_public/nautilus_recorded_orderbook500_XRPUSDT_20241201.jsonl";
    let Some(text) = fixture(name) else {
        return;
    };
    let frames = books(&text);
    assert_eq!(frames.len(), 50);
    let first = &frames[0];
    assert!(first.is_snapshot && frames[1..].iter().all(|frame| !frame.is_snapshot));
    assert_eq!((first.depth, first.book.symbol.as_str()), (500, "XRPUSDT"));
    assert_eq!((first.book.bids.len(), first.book.asks.len()), (500, 500));
    assert_eq!(first.book.bids[0].price, price("1.9531"));
    assert_eq!(first.book.bids[0].qty, qty("6203"));
    assert_eq!(first.ts, Some(Timestamp::from_millis(1_733_011_200_691)));
    assert!(
        first
            .book
            .bids
            .windows(2)
            .all(|pair| pair[1].price < pair[0].price)
    );
    assert!(
        first
            .book
            .asks
            .windows(2)
            .all(|pair| pair[0].price < pair[1].price)
    );
    assert!(first.book.bids[0].price < first.book.asks[0].price);
    assert_eq!(first.book.update_id, 20_254_869);
    let pairs = || frames.windows(2).map(|pair| (&pair[0], &pair[1]));
    assert!(pairs().all(|(a, b)| b.book.update_id == a.book.update_id + 1));
    assert!(pairs().all(|(a, b)| a.book.seq < b.book.seq && a.cts <= b.cts));
    let removals = frames[1..].iter().flat_map(|frame| &frame.book.bids);
    assert!(removals.clone().any(|level| level.qty.is_zero()));
}

#[test]
fn the_recorded_ticker_is_a_snapshot_and_a_delta_of_two_fields() {
    let name = "ws_public/issue_linear_ticker_NKNUSDT_snapshot_then_delta.jsonl";
    let Some(text) = fixture(name) else {
        return;
    };
    let frames: Vec<TickerFrame> = text
        .lines()
        .map(|line| match parse_public(line) {
            Ok(PublicFrame::Ticker(frame)) => *frame,
            other => panic!("{other:?}"),
        })
        .collect();
    let [snapshot, delta] = frames.as_slice() else {
        panic!("{}", frames.len());
    };
    assert!(snapshot.is_snapshot && !delta.is_snapshot);
    assert!(snapshot.cs < delta.cs && snapshot.ts < delta.ts);
    let mut expected = Ticker::new(delta.ticker.symbol.clone());
    expected.ask1_price = Field::Value(price("0.13942"));
    expected.ask1_size = Field::Value(qty("3691"));
    assert_eq!(delta.ticker, expected);
    let mut ticker = snapshot.ticker.clone();
    ticker.update(delta.ticker.clone());
    assert_eq!(ticker.ask1_size.value(), Some(&qty("3691")));
    assert_eq!(ticker.last_price.value(), Some(&price("0.13947")));
    assert_eq!(
        ticker.funding_rate.value(),
        Some(&"0.00137968".parse().unwrap())
    );
}

#[test]
fn dated_futures_have_no_funding_and_spot_no_quotes() {
    let read = |name: &str| match fixture(name).map(|text| parse_public(&text)) {
        Some(Ok(PublicFrame::Ticker(frame))) => Some(frame.ticker),
        Some(other) => panic!("{other:?}"),
        None => None,
    };
    if let Some(dated) = read("ws_public/docs_ticker_snapshot_2.json") {
        assert_eq!(dated.funding_rate, Field::Empty);
        assert_eq!(dated.next_funding_time, Field::Empty);
    }
    if let Some(spot) = read("ws_public/docs_ticker_snapshot_4.json") {
        assert_eq!(spot.bid1_price, Field::Absent);
        assert_eq!(spot.usd_index_price.value(), Some(&price("21120.2400136")));
    }
}

#[test]
fn listed_instruments_become_ours() {
    let Some(text) = fixture("rest/docs_market_instrument_linear.json") else {
        return;
    };
    let page: Page<ContractRow> = Envelope::parse(&text).unwrap().result().unwrap();
    let perpetual = page.list[0].instrument().unwrap();
    assert_eq!(perpetual.tick, price("0.1"));
    assert_eq!(perpetual.max_market_qty, qty("500"));
    assert_eq!(perpetual.min_notional, "5".parse().unwrap());
    assert_eq!(perpetual.funding_hours, 8);
    assert_eq!(page.next_page_cursor, None);
    let text = fixture("rest/docs_market_instrument_spot.json").unwrap();
    let page: Page<PairRow> = Envelope::parse(&text).unwrap().result().unwrap();
    let pair = page.list[0].instrument().unwrap();
    assert_eq!(
        (pair.qty_step, pair.min_qty),
        (qty("0.000001"), qty("0.000001"))
    );
    assert_eq!(
        (pair.max_qty, pair.max_market_qty),
        (qty("83"), qty("41.5"))
    );
    assert_eq!(pair.min_notional, "5".parse().unwrap());
    let text = fixture("rest/nautilus_http_get_instruments_inverse.json").unwrap();
    let page: Page<ContractRow> = Envelope::parse(&text).unwrap().result().unwrap();
    let refusal = page.list[0].instrument();
    assert!(
        matches!(refusal, Err(ListingError::NotLinear { .. })),
        "{refusal:?}"
    );
    let text = fixture("rest/docs_market_instrument_linear_2.json").unwrap();
    let page: Page<ContractRow> = Envelope::parse(&text).unwrap().result().unwrap();
    assert!(!page.list[0].is_trading());
    assert_eq!(
        page.next_page_cursor.as_deref(),
        Some("first%3DBIOUSDT%26last%3DBIOUSDT")
    );
}

#[test]
fn orders_and_positions_keep_what_zero_and_none_mean() {
    let Some(text) = fixture("rest/docs_order_open_order_linear.json") else {
        return;
    };
    let page: Page<Order> = Envelope::parse(&text).unwrap().result().unwrap();
    let order = &page.list[0];
    assert_eq!(order.order_status, OrderStatus::New);
    assert_eq!((order.trigger(), order.refusal()), (None, None));
    assert_eq!(order.stop_loss, Some(price("1500")));
    assert_eq!(order.position_idx, Some(PositionIdx::Long));
    let text = fixture("rest/nautilus_http_get_order_partially_filled_rejected.json").unwrap();
    let page: Page<Order> = Envelope::parse(&text).unwrap().result().unwrap();
    // A rejected order may have traded.
    assert!(page.list[0].order_status.is_final());
    assert_eq!(page.list[0].cum_exec_qty, Some(qty("0.005")));
    let text = fixture("rest/nautilus_http_get_positions.json").unwrap();
    let page: Page<Position> = Envelope::parse(&text).unwrap().result().unwrap();
    let sizes: Vec<i128> = page
        .list
        .iter()
        .map(|row| row.signed_size().unwrap().raw() / 10_i128.pow(7))
        .collect();
    assert_eq!(sizes, [5, -50, 0]);
    assert_eq!(page.list[2].entry(), None);
    let text = fixture("ws_private/nautilus_ws_account_position.json").unwrap();
    let Ok(PrivateFrame::Positions(push)) = parse_private(&text) else {
        panic!();
    };
    assert_eq!(push.rows[0].entry(), Some(price("3641.075")));
    assert_eq!(push.rows[0].seq, Some(325_852_190_774));
}
