//! `tradeterm download` from its command line, against a scripted venue on this machine.

#![allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test and its helpers"
)]

#[path = "cli/desk.rs"]
mod desk;
#[path = "scripted/mod.rs"]
mod scripted;

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use desk::{Desk, Said, arg};
use rstest::rstest;
use scripted::{Seen, Then, Venue, addresses, contract, dead_port, list, now_ms, time};
use serde_json::Value;

/// 2026-01-05T00:00:00Z.
const START: i64 = 1_767_571_200_000;
const MINUTE: i64 = 60_000;
const FIVE: i64 = 5 * MINUTE;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Milliseconds of an interval by the venue's name.
fn step(seen: &Seen) -> i64 {
    match seen.param("interval").unwrap() {
        "D" => DAY,
        minutes => minutes.parse::<i64>().unwrap() * MINUTE,
    }
}

/// A kline row with a price that follows from its time.
fn row(at: i64) -> String {
    let n = at / MINUTE % 997;
    let (open, close) = (60_000 + n, 60_000 + (n * 7) % 997);
    let (high, low) = (open.max(close) + 5, open.min(close) - 5);
    format!(r#"["{at}","{open}.5","{high}","{low}","{close}","1.{n:03}","90000"]"#)
}

/// Klines as the venue serves them: newest first, both ends inclusive, at most `limit`, the open
/// one as well; only where `has` says so.
fn klines(seen: &Seen, has: impl Fn(i64) -> bool) -> Then {
    let step = step(seen);
    let (start, end) = (seen.number("start"), seen.number("end").min(now_ms()));
    let limit = usize::try_from(seen.number("limit")).unwrap();
    assert!((1..=1_000).contains(&limit), "{limit}");
    let newest = end.div_euclid(step) * step;
    let times = (0..)
        .map(|n| newest - n * step)
        .take_while(|at| start <= *at);
    let rows: Vec<String> = times.filter(|at| has(*at)).take(limit).map(row).collect();
    Then::ok(&list(&rows.join(",")))
}

/// Funding every eight hours, newest first, at most 200.
fn funding(seen: &Seen) -> Then {
    let (start, end) = (seen.number("startTime"), seen.number("endTime"));
    let step = 8 * HOUR;
    let newest = end.div_euclid(step) * step;
    let times = (0..)
        .map(|n| newest - n * step)
        .take_while(|at| start <= *at);
    let rows: Vec<String> = times
        .take(200)
        .map(|at| {
            format!(
                r#"{{"symbol":"BTCUSDT","fundingRate":"0.0001","fundingRateTimestamp":"{at}"}}"#
            )
        })
        .collect();
    Then::ok(&list(&rows.join(",")))
}

fn serve(seen: &Seen, has: impl Fn(i64) -> bool) -> Then {
    match seen.path.as_str() {
        "/v5/market/time" => time(0),
        "/v5/market/instruments-info" => match seen.param("symbol") {
            Some("BTCUSDT") => Then::ok(&list(&contract("BTCUSDT", "Trading", "0.10"))),
            _ => Then::code(10001, "params error: symbol invalid", "{}"),
        },
        "/v5/market/kline" => klines(seen, has),
        "/v5/market/funding/history" => funding(seen),
        other => panic!("{other}"),
    }
}

/// The arguments of a download of `from` to `to`.
fn args<'a>(sets: &'a [String], interval: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    let mut args = vec!["download", "--symbol", "BTCUSDT", "--interval", interval];
    args.extend(["--from", from, "--to", to]);
    args.extend(sets.iter().map(String::as_str));
    args
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, 0, "{}", said.err);
    serde_json::from_str(&said.out).unwrap()
}

/// Open times of a file of bars.
fn times(path: &Path) -> Vec<i64> {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("ts_ms,open,high,low,close,volume"));
    lines
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const BARS: &str = "bybit_linear_BTCUSDT_5m.csv.gz";
const PART: &str = "bybit_linear_BTCUSDT_5m.csv.part";

#[test]
fn a_range_becomes_a_market_that_is_played() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    // Eight days of five minutes are three pages.
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-13");
    call.extend(["--funding", "--json", "--out", &out]);
    let told = json(&desk.run(&call));
    assert_eq!(told["bars"], 8 * 288);
    assert_eq!(told["funding"], 24);
    assert_eq!(told["missing"], 0);
    assert_eq!(told["from"], "2026-01-05T00:00:00Z");
    assert_eq!(told["to"], "2026-01-13T00:00:00Z");
    let folder = desk.path("btc");
    let expected: Vec<i64> = (0..8 * 288).map(|n| START + n * FIVE).collect();
    assert_eq!(times(&folder.join(BARS)), expected);
    assert_eq!(
        names(&folder),
        [BARS, "bybit_linear_BTCUSDT_funding.csv", "market.json"]
    );
    let pages = venue
        .seen()
        .into_iter()
        .filter(|seen| seen.path == "/v5/market/kline");
    assert_eq!(pages.count(), 3);
    assert!(
        venue
            .seen()
            .iter()
            .all(|seen| seen.header("x-bapi-api-key").is_none())
    );
    // The files and the folder are what the other commands read.
    let bars = arg(&folder.join(BARS));
    let payments = arg(&folder.join("bybit_linear_BTCUSDT_funding.csv"));
    let backtest = desk.run(&[
        "backtest",
        "--bars",
        &bars,
        "--funding",
        &payments,
        "--rule",
        "ma-cross:5,20",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&backtest.ok()).unwrap();
    assert!(report.to_string().contains("BTCUSDT"));
    let leg = "[[legs]]\nstrategy = \"ma-cross\"\nsymbol = \"BTCUSDT\"\ninterval = \"5m\"\n\
               fast = 5\nslow = 20\n";
    let run = format!("[feed]\nkind = \"market\"\nmarket = {out:?}\n{leg}");
    let run = desk.file("run.toml", run);
    desk.run(&["backtest", "--config", &run]).ok();
}

#[test]
fn a_finished_download_asks_for_no_bar_again() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-06");
    call.extend(["--out", &out]);
    let first = desk.run(&call).ok();
    assert!(
        first.starts_with("288 5m bars of BTCUSDT linear"),
        "{first}"
    );
    let n_klines = || {
        let seen = venue.seen();
        seen.iter()
            .filter(|seen| seen.path == "/v5/market/kline")
            .count()
    };
    let n_before = n_klines();
    let again = desk.run(&call).ok();
    assert!(again.contains("already"), "{again}");
    assert_eq!(n_klines(), n_before);
    // Funding is added to what is there.
    call.extend(["--funding"]);
    let more = desk.run(&call).ok();
    assert!(more.contains("3 funding payments"), "{more}");
    assert_eq!(n_klines(), n_before);
    let manifest = std::fs::read_to_string(desk.path("btc/market.json")).unwrap();
    assert_eq!(manifest.matches("\"kind\"").count(), 2, "{manifest}");
    // Another range would not be the market that is described.
    let mut other = args(&sets, "5m", "2026-01-05", "2026-01-07");
    other.extend(["--out", &out]);
    desk.run(&other)
        .is_refused(3, &["market.json", "name another --out"]);
}

#[test]
fn a_killed_download_goes_on_where_it_stopped() {
    // The third page never comes.
    let stuck = Venue::start(|seen| {
        let is_third =
            seen.path == "/v5/market/kline" && seen.number("start") == START + 2_000 * FIVE;
        if is_third {
            Then::Silence
        } else {
            serve(seen, |_| true)
        }
    });
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = stuck.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-20");
    call.extend(["--out", &out]);
    let mut child = desk
        .command(&call)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Two pages are written before the third is asked for.
    let asked = stuck.arrived.iter().find(|seen| {
        seen.path == "/v5/market/kline" && seen.number("start") == START + 2_000 * FIVE
    });
    assert!(asked.is_some());
    // While it runs, nobody else writes there.
    let mut second = args(&sets, "5m", "2026-01-05", "2026-01-20");
    second.extend(["--out", &out]);
    desk.run(&second).is_refused(14, &["another download"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = desk.path("btc");
    assert_eq!(names(&folder), [PART]);
    // As if the cut had fallen into a row.
    let part = folder.join(PART);
    let bytes = std::fs::read(&part).unwrap();
    std::fs::write(&part, &bytes[..bytes.len() - 7]).unwrap();

    let venue = Venue::start(|seen| serve(seen, |_| true));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-20");
    call.extend(["--json", "--out", &out]);
    let told = json(&desk.run(&call));
    assert_eq!(told["resumed"], 1_999);
    assert_eq!(told["bars"], 15 * 288);
    let expected: Vec<i64> = (0..15 * 288).map(|n| START + n * FIVE).collect();
    assert_eq!(times(&folder.join(BARS)), expected);
    assert_eq!(names(&folder), [BARS, "market.json"]);
    let pages = venue
        .seen()
        .into_iter()
        .filter(|seen| seen.path == "/v5/market/kline");
    let first = pages.map(|seen| seen.number("start")).min();
    assert_eq!(first, Some(START + 1_999 * FIVE));
}

#[test]
fn a_part_of_another_download_is_not_gone_on_with() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    desk.file("btc/bybit_linear_BTCUSDT_5m.csv.part", "# something else\n");
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-06");
    call.extend(["--out", &out]);
    desk.run(&call).is_refused(3, &[PART, "name another --out"]);
}

#[test]
fn one_cut_is_passed_over() {
    let n_cuts = Arc::new(AtomicUsize::new(0));
    let count = n_cuts.clone();
    let venue = Venue::start(move |seen| {
        let is_kline = seen.path == "/v5/market/kline";
        if is_kline && count.fetch_add(1, Ordering::SeqCst) == 1 {
            Then::Cut
        } else {
            serve(seen, |_| true)
        }
    });
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-13");
    call.extend(["--json", "--out", &out]);
    let told = json(&desk.run(&call));
    assert_eq!(told["bars"], 8 * 288);
    assert_eq!(told["resumed"], 0);
    assert_eq!(n_cuts.load(Ordering::SeqCst), 4);
}

#[test]
fn gaps_are_named_and_counted_and_never_filled() {
    // Nothing on the 7th from six to seven, and one bar on the 8th.
    let hole = START + 2 * DAY + 6 * HOUR;
    let has = move |at: i64| !(hole..hole + HOUR).contains(&at) && at != START + 3 * DAY;
    let venue = Venue::start(move |seen| serve(seen, has));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-13");
    call.extend(["--out", &out]);
    let told = desk.run(&call).ok();
    for line in [
        "2291 5m bars of BTCUSDT linear",
        "gap: BTCUSDT from 2026-01-07T06:00:00Z to 2026-01-07T07:00:00Z, 12 bars",
        "gap: BTCUSDT from 2026-01-08T00:00:00Z to 2026-01-08T00:05:00Z, 1 bars",
        "2 gaps, 13 bars missing at the venue",
    ] {
        assert!(told.contains(line), "{line:?} not in {told}");
    }
    let found = times(&desk.path("btc").join(BARS));
    assert_eq!(found.len(), 8 * 288 - 13);
    assert!(found.iter().all(|at| has(*at)));
}

#[test]
fn years_before_the_first_bar_are_not_asked_for_page_by_page() {
    let venue = Venue::start(|seen| serve(seen, |at| START <= at + DAY));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2020-01-01", "2026-01-06");
    call.extend(["--json", "--out", &out]);
    let told = json(&desk.run(&call));
    assert_eq!(told["bars"], 2 * 288);
    assert_eq!(told["gaps"][0]["from"], "2020-01-01T00:00:00Z");
    assert_eq!(told["gaps"][0]["to"], "2026-01-04T00:00:00Z");
    let pages = venue
        .seen()
        .into_iter()
        .filter(|seen| seen.path == "/v5/market/kline");
    assert!(pages.count() < 10);
}

#[test]
fn the_open_bar_is_never_written() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let from = jiff::Timestamp::from_millisecond(now_ms() - 3 * HOUR).unwrap();
    let from = from.strftime("%Y-%m-%dT%H:%M").to_string();
    let mut call = args(&sets, "5m", &from, "2099-01-01");
    call.extend(["--json", "--out", &out]);
    let told = json(&desk.run(&call));
    assert_eq!(told["cut"], true);
    let last = *times(&desk.path("btc").join(BARS)).last().unwrap();
    assert!(last + FIVE <= now_ms());
    assert!(36 - 2 <= told["bars"].as_i64().unwrap());
}

#[test]
fn the_usual_folder_says_what_is_in_it() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let sets = venue.sets();
    let told = desk
        .run(&args(&sets, "5m", "2026-01-05", "2026-01-06T12:00"))
        .ok();
    assert!(told.starts_with("432 5m bars"), "{told}");
    let folder = "data/market/bybit_linear_BTCUSDT_5m_20260105_20260106T120000Z";
    assert!(desk.home().join(folder).join("market.json").is_file());
}

#[test]
fn what_a_person_gets_wrong_is_said_before_anything_is_asked() {
    let venue = Venue::start(|seen| serve(seen, |_| true));
    let desk = Desk::new();
    let sets = venue.sets();
    for (from, part) in [
        ("yesterday", "\"yesterday\" is no date"),
        ("2026-02-30", "write a day as 2026-01-31"),
        ("2026-01-05T10:00+02:00", "in UTC"),
    ] {
        let said = desk.run(&args(&sets, "5m", from, "2026-01-06"));
        assert_eq!(said.code, 2);
        assert!(said.err.contains(part), "{}", said.err);
    }
    let said = desk.run(&args(&sets, "7m", "2026-01-05", "2026-01-06"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("unknown interval"), "{}", said.err);
    desk.run(&args(&sets, "5m", "2026-01-06", "2026-01-05"))
        .is_refused(2, &["no 5m bar opens", "later --to"]);
    let mut spot = args(&sets, "5m", "2026-01-05", "2026-01-06");
    spot.extend(["--category", "spot", "--funding"]);
    desk.run(&spot).is_refused(2, &["spot pays no funding"]);
    assert!(venue.seen().is_empty());
}

#[test]
fn what_the_venue_does_not_have_is_said_and_leaves_nothing() {
    let venue = Venue::start(|seen| serve(seen, |_| false));
    let desk = Desk::new();
    let sets = venue.sets();
    let out = arg(&desk.path("x"));
    let with_out = |mut call: Vec<&'static str>| {
        call.extend(["--from", "2026-01-05", "--to", "2026-01-06", "--out"]);
        call
    };
    let mut unknown = with_out(vec!["download", "--symbol", "FOOUSDT", "--interval", "5m"]);
    unknown.push(&out);
    unknown.extend(sets.iter().map(String::as_str));
    desk.run(&unknown)
        .is_refused(3, &["lists no linear FOOUSDT", "check --symbol"]);
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-06");
    call.extend(["--out", &out]);
    desk.run(&call).is_refused(5, &["has no 5m bar of BTCUSDT"]);
    assert_eq!(names(&desk.path("x")), Vec::<String>::new());
    let call = args(&sets, "5m", "2098-01-05", "2099-01-06");
    desk.run(&call)
        .is_refused(2, &["has ended", "earlier --from"]);
}

#[test]
fn a_venue_that_is_not_there_is_exit_5() {
    let desk = Desk::new();
    let sets = addresses("http", "ws", dead_port());
    let said = desk.run(&args(&sets, "5m", "2026-01-05", "2026-01-06"));
    assert_eq!(said.code, 5);
    assert!(
        said.err.contains("nothing was sent to 127.0.0.1"),
        "{}",
        said.err
    );
}

#[rstest]
#[case::locked_out(Then::Answer(403, String::new(), "<html>access too frequent".to_owned()), "403")]
#[case::refused(Then::code(10001, "params error", "{}"), "10001 (params error)")]
#[case::no_bar(Then::ok(&list(r#"["1767571200000","5","4","6","5","1","1"]"#)), "below low")]
#[case::no_number(Then::ok(&list(r#"["1767571200000","five","4","6","5","1","1"]"#)), "five")]
#[case::html(Then::Answer(404, String::new(), "<html>".to_owned()), "404")]
fn an_answer_that_cannot_be_used_ends_it_and_keeps_the_rest(
    #[case] then: Then,
    #[case] part: &str,
) {
    let second = START + 1_000 * FIVE;
    let venue = Venue::start(move |seen| {
        if seen.path == "/v5/market/kline" && seen.number("start") == second {
            then.clone()
        } else {
            serve(seen, |_| true)
        }
    });
    let desk = Desk::new();
    let out = arg(&desk.path("btc"));
    let sets = venue.sets();
    let mut call = args(&sets, "5m", "2026-01-05", "2026-01-13");
    call.extend(["--out", &out]);
    let said = desk.run(&call);
    assert_eq!(said.code, 5, "{}", said.err);
    assert!(said.err.contains(part), "{}", said.err);
    assert!(said.err.contains("1000 bars are kept"), "{}", said.err);
    assert_eq!(names(&desk.path("btc")), [PART]);
}
