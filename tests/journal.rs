//! The journal on disk. Invariants:
//!
//! - what was written is what is read, to the byte;
//! - after a cut at any byte, exactly the longest whole prefix comes back;
//! - no flipped bit goes unnoticed, and none is taken for the end of the file in the middle.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may fail as loudly as tests"
)]

use std::io::Cursor;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use proptest::prelude::*;
use tradeterm::control::{Notice, NoticeLevel, TradeCommand};
use tradeterm::domain::{
    AccountEvent, Bar, BarEvent, Category, ClientOrderId, Exposure, Instrument, InstrumentId,
    Instruments, Intent, Interval, KillLevel, LegId, MarketEvent, Mode, OrderKind, OrderSpec,
    Purpose, Side, Symbol, TimeInForce, Timestamp,
};
use tradeterm::engine::{DecisionRecord, EffectOf, EffectRecord, Event, Outcome};
use tradeterm::store::journal::recover;
use tradeterm::store::{
    Header, Journal, JournalError, LegHeader, Reader, Record, RecordRef, Writer, verify,
};

const MINUTE: i64 = 60_000;

fn header() -> Header {
    let symbol = Symbol::new("BTCUSDT").unwrap();
    let instrument = Instrument {
        symbol: symbol.clone(),
        category: Category::Linear,
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        tick: "0.1".parse().unwrap(),
        qty_step: "0.001".parse().unwrap(),
        min_qty: "0.001".parse().unwrap(),
        max_qty: "1190".parse().unwrap(),
        max_market_qty: "500".parse().unwrap(),
        min_notional: "5".parse().unwrap(),
        funding_hours: 8,
    };
    Header {
        build: "0.1.0 test".to_owned(),
        mode: Mode::Replay,
        run_id: "run-1".to_owned(),
        config_hash: "00".repeat(32),
        settings: serde_json::json!({"risk": {"max_position_pct": 0.1}, "legs": []}),
        feed: "synthetic demo".to_owned(),
        synthetic: true,
        inference: None,
        instruments: Instruments::new(vec![instrument]).unwrap(),
        legs: vec![LegHeader {
            name: "ma-cross".to_owned(),
            family: "ma-cross".to_owned(),
            bundle_hash: None,
            model: None,
            symbol,
            category: Category::Linear,
            interval: "5m".parse().unwrap(),
        }],
        start: "25000".parse().unwrap(),
        coin: "USDT".to_owned(),
        created: Timestamp::from_millis(1_700_000_000_000),
    }
}

fn intent(n: u64, at: Timestamp) -> Intent {
    Intent {
        id: ClientOrderId::of_decision(7, at, 'o', 0),
        leg: LegId(0),
        trace: n,
        decided_at: at,
        spec: OrderSpec {
            instrument: InstrumentId(0),
            side: Side::Buy,
            qty: "0.042".parse().unwrap(),
            kind: OrderKind::Limit {
                price: "64123.4".parse().unwrap(),
                post_only: true,
            },
            tif: TimeInForce::Gtc,
            reduce_only: false,
            purpose: Purpose::Entry,
        },
    }
}

/// A record of a kind that depends on its number: bars, ticks, commands and reports in turn.
fn record(n: u64) -> Record {
    let at = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(n).unwrap() * MINUTE);
    let mut effects: Vec<EffectRecord> = Vec::new();
    let event = match n % 5 {
        0 => {
            effects.push(EffectOf::Decision(DecisionRecord {
                leg: LegId(0),
                bar: at,
                outcome: Outcome::Target(Exposure::LONG),
            }));
            effects.push(EffectOf::Submit(intent(n, at)));
            let price = |text: &str| text.parse().unwrap();
            Event::Market(MarketEvent::Bar(BarEvent {
                instrument: InstrumentId(0),
                interval: "5m".parse::<Interval>().unwrap(),
                confirmed: true,
                bar: Bar {
                    open_time: at,
                    open: price("64000.1"),
                    high: price("64200"),
                    low: price("63900.5"),
                    close: price("64123.4"),
                    volume: "12.345".parse().unwrap(),
                },
            }))
        }
        1 => Event::Account(AccountEvent::Accepted {
            order: intent(n, at).id,
        }),
        2 => {
            effects.push(EffectOf::KillApplied {
                level: KillLevel::Halted,
                reason: "drill".to_owned(),
            });
            effects.push(EffectOf::Notice(Notice {
                id: n,
                at,
                level: NoticeLevel::Warn,
                topic: "kill".into(),
                text: "ladder moved".to_owned(),
            }));
            Event::Command(TradeCommand::Kill {
                level: KillLevel::Halted,
                reason: "drill".to_owned(),
            })
        }
        _ => Event::Tick,
    };
    let laps = if n.is_multiple_of(7) {
        vec![512_345]
    } else {
        Vec::new()
    };
    Record::Step {
        seq: n,
        at,
        event,
        laps,
        effects,
    }
}

fn write(path: &Path, numbers: impl IntoIterator<Item = u64>) {
    let mut writer = Writer::create(path, &header()).unwrap();
    for n in numbers {
        writer.append(&RecordRef::from(&record(n))).unwrap();
    }
    writer.flush().unwrap();
}

/// A journal's bytes and the end of its header and of each record.
fn sample(n: u64) -> (Vec<u8>, Vec<usize>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ttj");
    let mut writer = Writer::create(&path, &header()).unwrap();
    let mut ends = vec![usize::try_from(writer.position().offset).unwrap()];
    for n in 1..=n {
        let position = writer.append(&RecordRef::from(&record(n))).unwrap();
        assert_eq!(position.record, n);
        ends.push(usize::try_from(position.offset).unwrap());
    }
    writer.sync().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), *ends.last().unwrap());
    (bytes, ends)
}

fn read_all(bytes: &[u8]) -> Result<Vec<Record>, JournalError> {
    Reader::new("test", Cursor::new(bytes))?.collect()
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deep/journal.ttj");
    let mut writer = Writer::create(&path, &header()).unwrap();
    for n in 1..=500 {
        writer.append(&RecordRef::from(&record(n))).unwrap();
    }
    let close = Record::Close {
        seq: 500,
        at: Timestamp::from_millis(1_800_000_000_000),
        reason: "quit".to_owned(),
    };
    writer.append(&RecordRef::from(&close)).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.n_pending(), 0);

    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.header(), &header());
    let records = journal.collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(records.len(), 501);
    for (n, found) in (1..=500).zip(&records) {
        assert_eq!(found, &record(n));
    }
    assert_eq!(records[500], close);

    let summary = verify(&path).unwrap();
    assert_eq!((summary.n_records, summary.last_seq), (501, Some(500)));
    assert_eq!(summary.closed.as_deref(), Some("quit"));
    assert_eq!(summary.n_bytes, std::fs::metadata(&path).unwrap().len());

    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let parent = std::fs::metadata(path.parent().unwrap()).unwrap();
    assert_eq!(parent.mode() & 0o777, 0o700);
}

#[test]
fn borrowed_and_owned_records_have_the_same_bytes() {
    let close = Record::Close {
        seq: 9,
        at: Timestamp::from_millis(1),
        reason: "end".to_owned(),
    };
    for owned in (1..=50).map(record).chain([close]) {
        let borrowed = RecordRef::from(&owned);
        let bytes = postcard::to_allocvec(&borrowed).unwrap();
        assert_eq!(bytes, postcard::to_allocvec(&owned).unwrap());
        assert_eq!(postcard::from_bytes::<Record>(&bytes).unwrap(), owned);
    }
}

#[test]
fn a_flushed_record_survives_without_the_writer_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ttj");
    let mut writer = Writer::create(&path, &header()).unwrap();
    writer.append(&RecordRef::from(&record(1))).unwrap();
    assert_eq!(Journal::open(&path).unwrap().count(), 0);
    writer.flush().unwrap();
    // As after kill -9: the writer never gets to do anything again.
    std::mem::forget(writer);
    assert_eq!(Journal::open(&path).unwrap().count(), 1);
}

#[test]
fn a_cut_at_every_byte_gives_the_longest_whole_prefix() {
    let (bytes, ends) = sample(1000);
    let mut whole = 0;
    for cut in ends[0]..=bytes.len() {
        while whole + 1 < ends.len() && ends[whole + 1] <= cut {
            whole += 1;
        }
        let found = recover("test", Cursor::new(&bytes[..cut])).unwrap();
        assert_eq!(found.n_records, whole as u64, "cut at {cut}");
        assert_eq!(found.end, ends[whole] as u64, "cut at {cut}");
        assert_eq!(found.n_torn, (cut - ends[whole]) as u64);
    }
    assert_eq!(whole, 1000);
}

#[test]
fn a_cut_inside_the_header_is_no_session() {
    let (bytes, ends) = sample(1);
    for cut in 0..ends[0] {
        let error = recover("test", Cursor::new(&bytes[..cut])).unwrap_err();
        assert!(
            matches!(error, JournalError::Empty { .. }),
            "cut at {cut}: {error}"
        );
    }
}

#[test]
fn strict_reading_tells_a_torn_tail_from_damage() {
    let (bytes, ends) = sample(20);
    for cut in ends[19] + 1..ends[20] {
        let error = read_all(&bytes[..cut]).unwrap_err();
        let JournalError::Torn { offset, record, .. } = error else {
            panic!("cut at {cut}: {error}");
        };
        assert_eq!((offset, record), (ends[19] as u64, 20));
    }
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let error = read_all(&flipped).unwrap_err();
    let JournalError::Damaged { offset, record, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((offset, record), (ends[19] as u64, 20));
}

#[test]
fn zeros_at_the_end_are_a_torn_tail_and_zeros_in_the_middle_are_damage() {
    let (bytes, ends) = sample(30);
    for n_zeros in [1, 7, 8, 9, 4096] {
        let mut padded = bytes.clone();
        padded.resize(bytes.len() + n_zeros, 0);
        let found = recover("test", Cursor::new(&padded)).unwrap();
        assert_eq!((found.n_records, found.n_torn), (30, n_zeros as u64));
        assert!(read_all(&padded).is_err());
    }
    for first in 1..29 {
        let mut holed = bytes.clone();
        holed[ends[first]..ends[first + 1]].fill(0);
        let error = recover("test", Cursor::new(&holed)).unwrap_err();
        let JournalError::Damaged { offset, record, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((offset, record), (ends[first] as u64, first as u64 + 1));
    }
}

/// A small generator of the test's own, so that the flips are the same on every run.
struct Flips(u64);

impl Flips {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    let (bytes, ends) = sample(40);
    let mut flips = Flips(0x9e37_79b9_7f4a_7c15);
    let mut flipped = bytes.clone();
    for _ in 0..20_000 {
        let (at, bit) = (flips.next(bytes.len()), flips.next(8));
        flipped[at] ^= 1 << bit;
        assert!(read_all(&flipped).is_err(), "byte {at} bit {bit}");
        let recovered = recover("test", Cursor::new(&flipped));
        if at < ends[0] {
            assert!(recovered.is_err(), "header byte {at} bit {bit}");
        } else if at < ends[39] {
            let Err(JournalError::Damaged { offset, record, .. }) = recovered else {
                panic!("byte {at} bit {bit} taken for a torn tail");
            };
            let bad = ends.iter().rposition(|end| *end <= at).unwrap();
            assert_eq!((offset, record), (ends[bad] as u64, bad as u64 + 1));
        } else {
            // The last record only: a crash may look like this, and nothing else is lost.
            assert_eq!(recovered.unwrap().n_records, 39);
        }
        flipped[at] ^= 1 << bit;
    }
}

#[test]
fn a_record_left_out_swapped_or_repeated_is_noticed() {
    let (bytes, ends) = sample(10);
    let frame = |n: usize| &bytes[ends[n]..ends[n + 1]];
    let build = |order: &[usize]| {
        let mut out = bytes[..ends[0]].to_vec();
        for n in order {
            out.extend_from_slice(frame(*n));
        }
        out
    };
    for order in [
        [0, 1, 2, 4, 5, 6, 7, 8, 9].as_slice(),
        &[0, 2, 1, 3, 4, 5, 6, 7, 8, 9],
        &[0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9],
        &[1, 2, 3],
    ] {
        assert!(read_all(&build(order)).is_err(), "{order:?}");
        assert!(
            recover("test", Cursor::new(build(order))).is_err(),
            "{order:?}"
        );
    }
}

#[test]
fn resume_trims_before_it_appends() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, ends) = sample(6);
    for cut in ends[4]..ends[5] {
        let path = folder.path().join(format!("{cut}.ttj"));
        std::fs::write(&path, &bytes[..cut]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut resumed = Writer::resume(&path).unwrap();
        assert_eq!(resumed.header, header());
        assert_eq!(
            (resumed.n_records, resumed.n_trimmed),
            (4, (cut - ends[4]) as u64)
        );
        assert_eq!(std::fs::metadata(&path).unwrap().len(), ends[4] as u64);
        for n in 5..=6 {
            resumed.writer.append(&RecordRef::from(&record(n))).unwrap();
        }
        resumed.writer.flush().unwrap();
        // The old records only, although the file has grown meanwhile.
        let old = resumed.records.collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(old, (1..=4).map(record).collect::<Vec<_>>());
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "cut at {cut}");
    }
}

#[test]
fn resume_leaves_a_damaged_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ttj");
    write(&path, 1..=10);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() - 200;
    bytes[middle] ^= 0x40;
    std::fs::write(&path, &bytes).unwrap();
    let error = Writer::resume(&path).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn messages_say_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ttj");
    let (good, ends) = sample(3);
    let mut newer = good.clone();
    newer[8] = 2;
    let mut header_flip = good.clone();
    header_flip[ends[0] - 3] ^= 4;
    let cases: [(&[u8], &str); 6] = [
        (b"", "holds no session: it ends after 0 bytes"),
        (b"\x89TTJ", "holds no session: it ends after 4 bytes"),
        (
            b"time,open,high\n1,2,3\n and more than twenty bytes",
            "is not a journal",
        ),
        (&newer, "has journal format 2, this build reads format 1"),
        (
            &header_flip,
            "has a damaged header: its checksum does not match",
        ),
        (
            &good[..ends[2] + 3],
            "ends inside record 3, which begins at byte",
        ),
    ];
    for (bytes, expected) in cases {
        std::fs::write(&path, bytes).unwrap();
        let error = verify(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        assert!(!error.contains('\n'), "{error:?}");
    }
    write(&folder.path().join("there.ttj"), 1..=1);
    let error = Writer::create(&folder.path().join("there.ttj"), &header()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("a journal is never overwritten"),
        "{error}"
    );
    let error = Journal::open(&folder.path().join("missing.ttj")).unwrap_err();
    assert!(error.to_string().contains("no such file"), "{error}");
    assert!(Journal::open(folder.path()).is_err());
}

#[test]
fn verify_notices_a_hole_in_the_numbering() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ttj");
    write(&path, [1, 2, 4]);
    let error = verify(&path).unwrap_err().to_string();
    assert!(
        error.contains("record 3: it is input 4, expected 3"),
        "{error}"
    );
}

#[test]
fn a_record_that_is_too_large_is_refused_and_the_journal_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.ttj");
    let mut writer = Writer::create(&path, &header()).unwrap();
    let close = |reason: &str| Record::Close {
        seq: 1,
        at: Timestamp::from_millis(0),
        reason: reason.to_owned(),
    };
    let large = close(&"x".repeat(5 << 20));
    assert!(writer.append(&RecordRef::from(&large)).is_err());
    writer.append(&RecordRef::from(&close("small"))).unwrap();
    drop(writer);
    let records = Journal::open(&path).unwrap().collect::<Result<Vec<_>, _>>();
    assert_eq!(records.unwrap(), [close("small")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a reader is given, it answers; and what it accepts is a prefix of the truth.
    #[test]
    fn any_bytes_are_survived(
        tail in prop::collection::vec(any::<u8>(), 0..200),
        keep in 0_usize..10,
    ) {
        let (bytes, ends) = sample(10);
        let mut mixed = bytes[..ends[keep]].to_vec();
        mixed.extend_from_slice(&tail);
        let records: Vec<_> = Reader::new("test", Cursor::new(&mixed))
            .unwrap()
            .map_while(Result::ok)
            .collect();
        prop_assert_eq!(records, (1..=keep as u64).map(record).collect::<Vec<_>>());
        if let Ok(found) = recover("test", Cursor::new(&mixed)) {
            prop_assert_eq!(found.n_records, keep as u64);
        }
    }
}
