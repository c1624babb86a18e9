//! What the bookkeeping of topics asks for, reports and gives up.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::super::cause::DownCause;
use super::*;

fn subscriptions(names: &[&str], limit: usize) -> (Subscriptions, Instant) {
    let limits = RequestLimits {
        args_per_request: limit,
        args_chars: 21_000,
    };
    let mut subscriptions = Subscriptions::new(limits, &Timing::default(), Arc::new(|| 1.0));
    let now = Instant::now();
    subscriptions.begin(now);
    subscriptions.want(wanted(names), now);
    (subscriptions, now)
}

fn wanted(names: &[&str]) -> BTreeMap<String, Topic> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), Topic::public(*name)))
        .collect()
}

/// Requests due, as (id, op and topics in one text).
fn due(subscriptions: &mut Subscriptions, now: Instant) -> Vec<(String, String)> {
    subscriptions
        .due(now)
        .iter()
        .map(|text| {
            let request: Value = serde_json::from_str(text).unwrap();
            let args: Vec<&str> = request["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|arg| arg.as_str().unwrap())
                .collect();
            let op = request["op"].as_str().unwrap();
            (
                request["req_id"].as_str().unwrap().to_owned(),
                format!("{op} {}", args.join(" ")),
            )
        })
        .collect()
}

fn texts(requests: &[(String, String)]) -> Vec<&str> {
    requests.iter().map(|(_, text)| text.as_str()).collect()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn topics_are_asked_for_in_chunks_and_confirmed_by_id() {
    let (mut subscriptions, now) = subscriptions(&["a", "b", "c"], 2);
    let requests = due(&mut subscriptions, now);
    assert_eq!(texts(&requests), ["subscribe a b", "subscribe c"]);
    assert!(due(&mut subscriptions, now).is_empty());

    subscriptions.on_ack(Some(&requests[1].0), true, "", now);
    subscriptions.on_ack(Some("s999"), true, "", now);
    subscriptions.on_ack(None, true, "", now);
    assert!(!subscriptions.is_settled());
    subscriptions.on_ack(Some(&requests[0].0), true, "", now);
    assert!(subscriptions.is_settled());
}

#[test]
fn a_topic_that_is_there_already_is_fine_and_the_others_are_asked_for_one_by_one() {
    let (mut subscriptions, now) = subscriptions(&["a", "b", "c"], 10);
    let requests = due(&mut subscriptions, now);
    let message = "error:already subscribed,topic:b";
    assert!(
        subscriptions
            .on_ack(Some(&requests[0].0), false, message, now)
            .is_empty()
    );
    let again = due(&mut subscriptions, now);
    assert_eq!(texts(&again), ["subscribe a", "subscribe c"]);
}

#[test]
fn an_unknown_topic_is_reported_once_and_never_asked_for_again() {
    let (mut subscriptions, now) = subscriptions(&["a", "bad", "c"], 10);
    let requests = due(&mut subscriptions, now);
    let message = "error:handler not found,topic:bad";
    let refusals = subscriptions.on_ack(Some(&requests[0].0), false, message, now);
    assert_eq!(
        refusals,
        [Refusal {
            topic: "bad".to_owned(),
            message: message.to_owned()
        }]
    );
    let again = due(&mut subscriptions, now);
    assert_eq!(texts(&again), ["subscribe a c"]);
    subscriptions.on_ack(Some(&again[0].0), true, "", now);
    assert!(subscriptions.is_settled());

    subscriptions.begin(now);
    assert_eq!(texts(&due(&mut subscriptions, now)), ["subscribe a c"]);
    subscriptions.want(wanted(&["a", "c"]), now);
    subscriptions.want(wanted(&["a", "bad", "c"]), now);
    assert_eq!(texts(&due(&mut subscriptions, now)), ["subscribe bad"]);
}

#[test]
fn a_refusal_without_an_id_finds_its_request() {
    // The limit that is told is kept for later requests.
    let names = ["a", "b", "c", "d", "e"];
    let (mut some, now) = subscriptions(&names, 200);
    due(&mut some, now);
    some.on_ack(None, false, "args size >2", now);
    let again = due(&mut some, now);
    assert_eq!(
        texts(&again),
        ["subscribe a b", "subscribe c d", "subscribe e"]
    );

    let (mut told, now) = subscriptions(&names, 2);
    due(&mut told, now);
    let refusals = told.on_ack(None, false, "error:handler not found,topic:d", now);
    assert_eq!(refusals.len(), 1);
    assert_eq!(texts(&due(&mut told, now)), ["subscribe c"]);
}

#[test]
fn any_other_failure_is_retried_one_by_one_with_growing_waits() {
    let (mut subscriptions, mut now) = subscriptions(&["a", "b"], 10);
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        let requests = due(&mut subscriptions, now);
        assert!(!requests.is_empty());
        for (id, _) in &requests {
            subscriptions.on_ack(Some(id), false, "busy", now);
        }
        assert!(
            due(
                &mut subscriptions,
                now + seconds(wait) - Duration::from_millis(1)
            )
            .is_empty()
        );
        now += seconds(wait);
    }
    assert_eq!(
        texts(&due(&mut subscriptions, now)),
        ["subscribe a", "subscribe b"]
    );
    assert!(!subscriptions.is_settled());
}

#[test]
fn what_is_no_longer_wanted_is_left_until_it_is_silent() {
    let (mut subscriptions, now) = subscriptions(&["a", "b"], 10);
    let asked = due(&mut subscriptions, now);
    // Removed before the answer: the venue still gets to know.
    subscriptions.want(wanted(&["a"]), now);
    let leave = due(&mut subscriptions, now);
    assert_eq!(texts(&leave), ["unsubscribe b"]);
    subscriptions.on_ack(Some(&asked[0].0), true, "", now);
    assert!(subscriptions.is_settled());

    subscriptions.on_ack(Some(&leave[0].0), false, "busy", now);
    assert!(due(&mut subscriptions, now).is_empty());
    let later = now + seconds(1);
    let leave = due(&mut subscriptions, later);
    assert_eq!(texts(&leave), ["unsubscribe b"]);
    subscriptions.on_data("b", later);
    assert!(
        due(&mut subscriptions, later).is_empty(),
        "an answer is due"
    );
    subscriptions.on_ack(Some(&leave[0].0), true, "", later);
    assert!(due(&mut subscriptions, later).is_empty());

    // It was confirmed and yet speaks.
    subscriptions.on_data("b", later);
    assert_eq!(texts(&due(&mut subscriptions, later)), ["unsubscribe b"]);
}

#[test]
fn asking_again_leaves_before_it_enters() {
    let (mut subscriptions, now) = subscriptions(&["a", "b"], 10);
    let asked = due(&mut subscriptions, now);
    subscriptions.on_ack(Some(&asked[0].0), true, "", now);
    subscriptions.ask_again("a", now);
    let again = due(&mut subscriptions, now);
    assert_eq!(texts(&again), ["unsubscribe a", "subscribe a"]);
}

#[test]
fn silence_of_a_topic_is_reported_once_until_it_speaks_again() {
    let (mut subscriptions, now) = subscriptions(&["orderbook.1.X", "orderbook.1.Y"], 10);
    let asked = due(&mut subscriptions, now);
    // A frame that overtakes the answer counts.
    subscriptions.on_data("orderbook.1.X", now);
    subscriptions.on_ack(Some(&asked[0].0), true, "", now);
    let speak = |subscriptions: &mut Subscriptions, n| {
        subscriptions.on_data("orderbook.1.Y", now + seconds(n));
        subscriptions.check(now + seconds(n)).unwrap()
    };
    assert!(speak(&mut subscriptions, 3).is_empty());
    assert_eq!(speak(&mut subscriptions, 4), ["orderbook.1.X"]);
    assert!(speak(&mut subscriptions, 7).is_empty());
    subscriptions.on_data("orderbook.1.X", now + seconds(8));
    assert!(speak(&mut subscriptions, 8).is_empty());
    assert_eq!(speak(&mut subscriptions, 12), ["orderbook.1.X"]);
}

#[test]
fn a_topic_without_its_first_frame_costs_the_connection_once() {
    let (mut subscriptions, start) = subscriptions(&["kline.1.X", "tickers.X"], 10);
    let mut now = start;
    let confirm_all = |subscriptions: &mut Subscriptions, now| {
        let requests = due(subscriptions, now);
        for (id, _) in &requests {
            subscriptions.on_ack(Some(id), true, "", now);
        }
        requests
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
    };
    confirm_all(&mut subscriptions, now);
    now += seconds(5);
    assert_eq!(subscriptions.check(now).unwrap(), ["tickers.X"]);
    assert_eq!(
        confirm_all(&mut subscriptions, now),
        ["unsubscribe tickers.X", "subscribe tickers.X"]
    );
    now += seconds(5);
    assert_eq!(
        subscriptions.check(now),
        Err(DownCause::NoFirstMessage("tickers.X".to_owned()))
    );
    // From then on it is asked for again and again, but nothing else suffers.
    subscriptions.begin(now);
    confirm_all(&mut subscriptions, now);
    for _ in 0..100 {
        now += seconds(1);
        subscriptions.check(now).unwrap();
        confirm_all(&mut subscriptions, now);
    }
    // Once it spoke it has its rights back.
    subscriptions.on_data("tickers.X", now);
    subscriptions.begin(now);
    let failed = (0..20).any(|_| {
        confirm_all(&mut subscriptions, now);
        now += seconds(1);
        subscriptions.check(now).is_err()
    });
    assert!(failed);
}

#[test]
fn silence_of_all_topics_and_missing_answers_end_the_connection() {
    let (mut silent, now) = subscriptions(&["orderbook.1.X", "publicTrade.X"], 10);
    let asked = due(&mut silent, now);
    silent.on_ack(Some(&asked[0].0), true, "", now);
    silent.on_data("orderbook.1.X", now);
    silent.on_data("publicTrade.X", now + seconds(3));
    assert!(silent.check(now + seconds(12)).is_ok());
    assert_eq!(
        silent.check(now + seconds(13)),
        Err(DownCause::TopicsSilent(seconds(10)))
    );

    // Topics that may be silent for ever never end a connection.
    let (mut quiet, now) = subscriptions(&["order", "wallet"], 10);
    let asked = due(&mut quiet, now);
    quiet.on_ack(Some(&asked[0].0), true, "", now);
    assert_eq!(quiet.check(now + seconds(3_600)), Ok(Vec::new()));

    let (mut unanswered, now) = subscriptions(&["order"], 10);
    due(&mut unanswered, now);
    assert!(unanswered.check(now + seconds(4)).is_ok());
    assert_eq!(
        unanswered.check(now + seconds(5)),
        Err(DownCause::AckTimeout(seconds(5)))
    );
}

/// A venue that keeps its own list of subscriptions and fails requests by dice.
#[derive(Default)]
struct Venue {
    topics: BTreeSet<String>,
}

impl Venue {
    fn answer(&mut self, text: &str, fails: bool) -> (String, bool, String) {
        let request: Value = serde_json::from_str(text).unwrap();
        let id = request["req_id"].as_str().unwrap().to_owned();
        if fails {
            return (id, false, "busy".to_owned());
        }
        let names: Vec<String> = serde_json::from_value(request["args"].clone()).unwrap();
        // One bad topic fails the whole request; nothing of it is done.
        let is_leaving = request["op"] == "unsubscribe";
        if let Some(bad) = names
            .iter()
            .find(|name| self.topics.contains(*name) != is_leaving)
        {
            let text = if is_leaving {
                "not subscribed"
            } else {
                "already subscribed"
            };
            return (id, false, format!("error:{text},topic:{bad}"));
        }
        for name in names {
            if is_leaving {
                self.topics.remove(&name);
            } else {
                self.topics.insert(name);
            }
        }
        (id, true, String::new())
    }
}

proptest::proptest! {
    /// However topics come and go and requests fail, in the end the venue sends what is wanted
    /// and nothing else.
    #[test]
    fn no_topic_is_orphaned_and_none_is_lost(
        steps in proptest::collection::vec((0_u16..64, proptest::bool::weighted(0.3)), 1..40),
    ) {
        let (mut subscriptions, mut now) = subscriptions(&[], 3);
        let mut venue = Venue::default();
        let mut unanswered: Vec<(String, bool, String)> = Vec::new();
        let all = ["a", "b", "c", "d", "e", "f"];
        let mut last = Vec::new();
        for (mask, fails) in steps {
            last = (0..6).filter(|i| mask & (1 << i) != 0).map(|i| all[i]).collect::<Vec<_>>();
            subscriptions.want(wanted(&last), now);
            // Answers of the step before come only now, after new wishes.
            let answers = subscriptions.due(now).iter().map(|r| venue.answer(r, fails)).collect();
            for (id, is_ok, message) in std::mem::replace(&mut unanswered, answers) {
                subscriptions.on_ack(Some(&id), is_ok, &message, now);
            }
            now += Duration::from_millis(700);
        }
        for _ in 0..100 {
            for (id, is_ok, message) in std::mem::take(&mut unanswered) {
                subscriptions.on_ack(Some(&id), is_ok, &message, now);
            }
            unanswered = subscriptions.due(now).iter().map(|r| venue.answer(r, false)).collect();
            now += seconds(1);
        }
        proptest::prop_assert!(unanswered.is_empty());
        proptest::prop_assert!(subscriptions.is_settled());
        proptest::prop_assert_eq!(venue.topics, last.into_iter().map(str::to_owned).collect());
    }
}
