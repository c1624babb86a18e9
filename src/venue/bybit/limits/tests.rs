//! Behaviour of the budgets.
//!
//! Invariants: no window of a budget's length ever holds more than the budget; the protective
//! lane within its reserve is never refused, whatever the normal lane does; a refusal's time is
//! honest.

use proptest::prelude::*;

use super::*;

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + ms)
}

fn create() -> Endpoint {
    Endpoint::new("/v5/order/create", Some(Category::Linear))
}

fn cancel() -> Endpoint {
    Endpoint::new("/v5/order/cancel", Some(Category::Linear))
}

fn headers(limit: u32, left: u32, reset: Option<i64>) -> LimitHeaders {
    LimitHeaders {
        limit: Some(limit),
        left: Some(left),
        reset: reset.map(at),
    }
}

fn budget(limiter: &Limiter, name: &str, ms: i64) -> Budget {
    let budgets = limiter.budgets(at(ms));
    let found = budgets.into_iter().find(|budget| budget.name == name);
    found.expect("the budget was used")
}

/// How many of `n` calls fit at one moment.
fn fitting(limiter: &mut Limiter, endpoint: &Endpoint, lane: Lane, ms: i64, n: u32) -> u32 {
    let mut fit = 0;
    for _ in 0..n {
        fit += u32::from(limiter.take(endpoint, lane, at(ms)).is_ok());
    }
    fit
}

#[test]
fn half_of_the_venues_limit_is_used_and_a_fifth_of_that_is_kept() {
    use Category::{Linear, Spot};
    for (path, category, normal, all) in [
        ("/v5/order/create", Some(Linear), 4, 5),
        ("/v5/order/create", Some(Spot), 8, 10),
        ("/v5/order/create", None, 4, 5),
        ("/v5/order/amend", Some(Spot), 4, 5),
        ("/v5/order/amend", Some(Linear), 4, 5),
        ("/v5/order/cancel", Some(Linear), 4, 5),
        ("/v5/order/cancel-all", Some(Spot), 8, 10),
        ("/v5/order/cancel-batch", Some(Spot), 8, 10),
        ("/v5/order/realtime", Some(Linear), 20, 25),
        ("/v5/position/trading-stop", Some(Linear), 4, 5),
        ("/v5/account/fee-rate", Some(Spot), 1, 2),
        ("/v5/something/new", None, 1, 2),
        ("/v5/market/time", None, 240, 300),
    ] {
        let endpoint = Endpoint::new(path, category);
        let mut limiter = Limiter::default();
        assert_eq!(
            fitting(&mut limiter, &endpoint, Lane::Normal, 0, 400),
            normal,
            "{endpoint}"
        );
        let more = fitting(&mut limiter, &endpoint, Lane::Protective, 0, 400);
        assert_eq!(normal + more, all, "{endpoint}");
    }
}

#[test]
fn each_endpoint_has_its_own_budget() {
    let mut limiter = Limiter::default();
    assert_eq!(fitting(&mut limiter, &create(), Lane::Normal, 0, 9), 4);
    assert_eq!(fitting(&mut limiter, &cancel(), Lane::Normal, 0, 9), 4);
    let spot = Endpoint::new("/v5/order/create", Some(Category::Spot));
    assert_eq!(fitting(&mut limiter, &spot, Lane::Normal, 0, 9), 8);
}

#[test]
fn a_batch_counts_each_of_its_orders() {
    let batch = Endpoint::new("/v5/order/create-batch", Some(Category::Spot));
    let mut limiter = Limiter::default();
    assert_eq!(limiter.take_many(&batch, 5, Lane::Normal, at(0)), Ok(()));
    let refused = limiter.take_many(&batch, 4, Lane::Normal, at(1));
    assert_eq!(refused, Err(Denied::Budget { until: at(1_000) }));
    assert_eq!(limiter.take_many(&batch, 3, Lane::Normal, at(1)), Ok(()));
    let refused = limiter.take_many(&batch, 9, Lane::Normal, at(1));
    assert_eq!(refused, Err(Denied::TooMuch { most: 8 }));
    // Of the address it is one request each.
    assert_eq!(budget(&limiter, "address", 1).left, 298);
}

#[test]
fn a_refused_request_takes_nothing() {
    let mut limiter = Limiter::default();
    fitting(&mut limiter, &create(), Lane::Normal, 0, 50);
    assert_eq!(budget(&limiter, "address", 0).left, 296);
    assert_eq!(budget(&limiter, "order/create linear", 0).left, 1);
}

#[test]
fn answers_correct_the_limit() {
    let mut limiter = Limiter::default();
    limiter.take(&create(), Lane::Normal, at(0)).unwrap();
    limiter.on_headers(&create(), &headers(40, 39, Some(5)), at(0), at(5));
    let corrected = budget(&limiter, "order/create linear", 5);
    assert_eq!(
        (corrected.limit, corrected.left, corrected.reserved),
        (20, 19, 4)
    );
    // A limit that nobody can work with is not believed.
    limiter.on_headers(&create(), &headers(0, 39, None), at(0), at(6));
    assert_eq!(budget(&limiter, "order/create linear", 6).limit, 20);
    // The smallest leaves one, without a reserve.
    limiter.on_headers(&create(), &headers(1, 39, None), at(0), at(7));
    let smallest = budget(&limiter, "order/create linear", 2_000);
    assert_eq!((smallest.limit, smallest.reserved), (1, 0));
}

#[test]
fn what_others_used_of_the_same_key_counts() {
    let mut limiter = Limiter::default();
    limiter.take(&create(), Lane::Normal, at(0)).unwrap();
    limiter.on_headers(&create(), &headers(10, 2, None), at(0), at(100));
    // An older answer with more left changes nothing.
    limiter.on_headers(&create(), &headers(10, 8, None), at(0), at(110));
    assert_eq!(fitting(&mut limiter, &create(), Lane::Normal, 120, 9), 1);
    assert_eq!(
        fitting(&mut limiter, &create(), Lane::Protective, 121, 9),
        1
    );
    let refused = limiter.take(&create(), Lane::Protective, at(122));
    assert_eq!(refused, Err(Denied::Budget { until: at(1_100) }));
    assert_eq!(limiter.take(&create(), Lane::Normal, at(1_100)), Ok(()));
}

#[test]
fn nothing_left_waits_for_the_venues_reset() {
    let mut limiter = Limiter::default();
    limiter.take(&cancel(), Lane::Protective, at(0)).unwrap();
    limiter.on_headers(&cancel(), &headers(10, 0, Some(4_000)), at(0), at(50));
    let refused = limiter.take(&cancel(), Lane::Protective, at(60));
    assert_eq!(refused, Err(Denied::Budget { until: at(4_000) }));
    assert_eq!(limiter.take(&cancel(), Lane::Protective, at(4_000)), Ok(()));
}

#[test]
fn a_refusal_pauses_one_endpoint_until_its_reset_or_ever_longer() {
    let mut limiter = Limiter::default();
    assert_eq!(limiter.on_limited(&create(), Some(at(700)), at(0)), at(700));
    let paused = Err(Denied::Paused { until: at(700) });
    assert_eq!(limiter.take(&create(), Lane::Protective, at(699)), paused);
    assert_eq!(limiter.take(&cancel(), Lane::Normal, at(699)), Ok(()));
    assert_eq!(limiter.take(&create(), Lane::Normal, at(700)), Ok(()));
    // Without a reset, or with one that has passed: 2 s (the second in a row), 4 s, 8 s.
    let mut now = 700;
    for pause in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
        let until = limiter.on_limited(&create(), Some(at(now - 1)), at(now));
        assert_eq!(until, at(now + pause));
        // Others that were under way at the same time do not count again.
        assert_eq!(limiter.on_limited(&create(), None, at(now + 1)), until);
        now += pause;
    }
    limiter.on_headers(&create(), &LimitHeaders::default(), at(now), at(now));
    assert_eq!(
        limiter.on_limited(&create(), None, at(now)),
        at(now + 1_000)
    );
}

#[test]
fn a_reset_in_another_century_is_not_believed() {
    let mut limiter = Limiter::default();
    let until = limiter.on_limited(&create(), Some(at(i64::MAX / 2)), at(0));
    assert_eq!(until, at(60_000));
}

#[test]
fn a_lock_out_silences_everything_for_ten_minutes() {
    let mut limiter = Limiter::default();
    limiter.take(&create(), Lane::Normal, at(0)).unwrap();
    assert_eq!(limiter.on_banned(at(10)), at(600_010));
    let banned = Err(Denied::Banned { until: at(600_010) });
    let time = Endpoint::new("/v5/market/time", None);
    for ms in [10, 1_000, 600_009] {
        for lane in [Lane::Normal, Lane::Protective] {
            for endpoint in [create(), cancel(), time.clone()] {
                assert_eq!(limiter.take(&endpoint, lane, at(ms)), banned);
            }
        }
        assert_eq!(limiter.banned_until(at(ms)), Some(at(600_010)));
        assert!(limiter.budgets(at(ms)).iter().all(|b| b.left == 0));
    }
    assert_eq!(limiter.banned_until(at(600_010)), None);
    assert_eq!(
        limiter.take(&cancel(), Lane::Protective, at(600_010)),
        Ok(())
    );
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut limiter = Limiter::default();
    assert_eq!(fitting(&mut limiter, &cancel(), Lane::Protective, 0, 9), 5);
    let back = -3_600_000;
    let refused = limiter.take(&cancel(), Lane::Protective, at(back));
    assert_eq!(
        refused,
        Err(Denied::Budget {
            until: at(back + 1_000)
        })
    );
    assert_eq!(
        limiter.take(&cancel(), Lane::Protective, at(back + 1_000)),
        Ok(())
    );
}

#[test]
fn budgets_read_well() {
    let mut limiter = Limiter::default();
    limiter.take(&create(), Lane::Normal, at(0)).unwrap();
    limiter.take(&create(), Lane::Normal, at(400)).unwrap();
    let time = Endpoint::new("/v5/market/time", None);
    limiter.take(&time, Lane::Normal, at(500)).unwrap();
    let expected = |name: &str, limit, left, reserved, reset| Budget {
        name: name.to_owned(),
        limit,
        left,
        reserved,
        reset,
    };
    assert_eq!(
        limiter.budgets(at(600)),
        [
            expected("address", 300, 297, 60, Some(at(5_000))),
            expected("order/create linear", 5, 3, 1, Some(at(1_000))),
        ]
    );
    assert_eq!(
        limiter.budgets(at(9_000)),
        [
            expected("address", 300, 300, 60, None),
            expected("order/create linear", 5, 5, 1, None),
        ]
    );
}

/// What happens next: a step of time, then a request.
#[derive(Debug, Clone)]
struct Ask {
    step: i64,
    endpoint: usize,
    orders: u32,
    lane: Lane,
}

fn asks(longest_step: i64) -> impl Strategy<Value = Vec<Ask>> {
    let ask = (0..=longest_step, 0_usize..8, 1_u32..4, any::<bool>());
    let ask = ask.prop_map(|(step, endpoint, orders, is_protective)| Ask {
        step,
        // Half of them only count for the address.
        endpoint: endpoint.min(3),
        orders,
        lane: if is_protective {
            Lane::Protective
        } else {
            Lane::Normal
        },
    });
    prop::collection::vec(ask, 1..800)
}

fn endpoints() -> [Endpoint; 4] {
    let linear = Some(Category::Linear);
    [
        create(),
        cancel(),
        Endpoint::new("/v5/order/realtime", linear),
        Endpoint::new("/v5/market/time", None),
    ]
}

/// Most that any window of `length` holds.
fn fullest(log: &[(i64, u32)], length: i64) -> u32 {
    let (mut first, mut held, mut most) = (0, 0, 0);
    for (now, amount) in log {
        held += amount;
        while now - log[first].0 >= length {
            held -= log[first].1;
            first += 1;
        }
        most = most.max(held);
    }
    most
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_window_holds_more_than_its_budget(asks in asks(12)) {
        let endpoints = endpoints();
        let mut limiter = Limiter::default();
        let mut logs = vec![Vec::new(); 4];
        let mut all = Vec::new();
        let mut now = 0;
        for ask in asks {
            now += ask.step;
            let endpoint = &endpoints[ask.endpoint];
            if limiter.take_many(endpoint, ask.orders, ask.lane, at(now)).is_ok() {
                logs[ask.endpoint].push((now, ask.orders));
                all.push((now, 1));
            }
        }
        for (log, most) in logs.iter().zip([5, 5, 25]) {
            prop_assert!(fullest(log, ENDPOINT_WINDOW_MS) <= most);
        }
        prop_assert!(fullest(&all, IP_WINDOW_MS) <= 300);
    }

    /// With bursts that fill everything there is, one cancel per second always passes.
    #[test]
    fn the_normal_lane_never_takes_the_room_of_a_cancel(
        bursts in prop::collection::vec((0_i64..400, 0_usize..4, 1_u32..300), 1..80),
        first in 0_i64..1_000,
    ) {
        let endpoints = endpoints();
        let mut limiter = Limiter::default();
        let (mut now, mut due) = (0, first);
        for (step, endpoint, n) in bursts {
            now += step;
            if now >= due {
                // Its own first, after whatever filled up before.
                prop_assert_eq!(limiter.take(&cancel(), Lane::Protective, at(now)), Ok(()));
                due = now + ENDPOINT_WINDOW_MS;
            }
            fitting(&mut limiter, &endpoints[endpoint], Lane::Normal, now, n);
            fitting(&mut limiter, &cancel(), Lane::Normal, now, 9);
        }
    }

    #[test]
    fn who_waits_as_told_is_let_in(asks in asks(40), left in 0_u32..12, pause in 0_i64..3_000) {
        let endpoints = endpoints();
        let mut limiter = Limiter::default();
        let mut now = 0;
        for (n, ask) in asks.into_iter().enumerate() {
            now += ask.step;
            let endpoint = &endpoints[ask.endpoint];
            match n % 50 {
                20 => limiter.on_headers(endpoint, &headers(10, left, None), at(now), at(now)),
                40 => {
                    limiter.on_limited(endpoint, Some(at(now + pause)), at(now));
                }
                _ => {}
            }
            // A pause hides the budget behind it, so the second answer may be a later one.
            for turn in 0..3 {
                match limiter.take_many(endpoint, ask.orders, ask.lane, at(now)) {
                    Ok(()) | Err(Denied::TooMuch { .. }) => break,
                    Err(Denied::Budget { until } | Denied::Paused { until }) => {
                        prop_assert!(turn < 2, "asked to wait again and again");
                        prop_assert!(until > at(now));
                        now = until.since(at(0));
                    }
                    Err(Denied::Banned { .. }) => prop_assert!(false, "nobody was banned"),
                }
            }
        }
    }
}
