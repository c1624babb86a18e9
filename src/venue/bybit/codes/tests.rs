//! One row a code, as the venue's documents list them.

use rstest::rstest;

use super::*;

/// Codes of each class, from the two documents that the table was made of.
const WRITES: &[(AnswerClass, &[i64])] = &[
    (AnswerClass::Accepted, &[0]),
    (AnswerClass::Exists, &[110_072, 170_141, 10014, 20006]),
    (
        AnswerClass::Ambiguous,
        &[
            -1,
            429,
            10000,
            10016,
            10019,
            10429,
            170_001,
            170_007,
            170_032,
            170_035,
            170_146,
            170_147,
            170_310,
            170_234,
            110_079,
            500_000,
            // Re-read the order before deciding anything.
            110_024,
            110_028,
            110_064,
            110_073,
            170_143,
            170_144,
            170_145,
            170_149,
            170_150,
            170_191,
            170_210,
            170_212,
            170_311,
            170_312,
            170_313,
            3_400_045,
            // Not listed anywhere.
            1,
            20001,
            99_999,
            110_999,
            170_999,
            -1_000_000,
            i64::MAX,
            i64::MIN,
        ],
    ),
    (
        AnswerClass::Limited,
        &[10006, 10018, 10403, 170_005, 170_222, 20003],
    ),
    (
        AnswerClass::Authority,
        &[
            10003, 10004, 10005, 10007, 10008, 10010, 10027, 10028, 10029, 33004, -2015,
        ],
    ),
    (AnswerClass::Clock, &[10002]),
    (
        AnswerClass::Funds,
        &[
            110_004, 110_006, 110_007, 110_012, 110_044, 110_045, 110_052, 170_131, 110_051,
            110_053, 170_033, 110_011, 110_039, 110_040, 110_046, 110_086, 110_090,
        ],
    ),
    (
        AnswerClass::Structure,
        &[
            10001, 10017, 10404, 110_003, 110_013, 110_017, 110_029, 110_059, 110_060, 110_061,
            110_092, 110_093, 110_094, 110_120, 110_121, 30208, 30209, 170_105, 170_115, 170_116,
            170_117, 170_121, 170_124, 170_130, 170_132, 170_133, 170_134, 170_135, 170_136,
            170_137, 170_138, 170_140, 170_148, 170_192, 170_193, 170_194, 170_201, 170_203,
            170_204, 170_228, 170_229, 170_341, 170_371, 170_372, 170_381, 170_382,
        ],
    ),
    (
        AnswerClass::VenueState,
        &[
            110_023, 110_042, 110_063, 110_066, 110_074, 110_137, 30228, 10009, 10024, 110_132,
            110_009, 110_020, 110_021, 110_022, 170_151, 170_157, 170_159, 170_206, 170_209,
            170_217, 170_218, 170_224, 170_227, 170_241, 170_810,
        ],
    ),
    (
        AnswerClass::Gone,
        &[
            110_001, 110_008, 110_010, 170_139, 170_142, 170_190, 170_213,
        ],
    ),
    (
        AnswerClass::Unchanged,
        &[110_025, 110_026, 110_027, 110_043, 34040],
    ),
];

#[test]
fn every_listed_code_has_its_class_for_writes() {
    let mut n_codes = 0;
    for (class, codes) in WRITES {
        for code in *codes {
            assert_eq!(class_of_write(*code), *class, "{code}");
            n_codes += 1;
        }
    }
    assert!(150 < n_codes, "{n_codes}");
}

#[test]
fn only_listed_codes_are_anything_but_ambiguous() {
    let certain = |code| WRITES.iter().any(|(_, codes)| codes.contains(&code));
    let around = (-3_000..40_000)
        .chain(110_000..120_000)
        .chain(170_000..171_000);
    for code in around.chain(3_400_000..3_401_000) {
        if !certain(code) {
            assert_eq!(class_of_write(code), AnswerClass::Ambiguous, "{code}");
        }
    }
}

#[rstest]
#[case(ReadClass::Ok, &[0])]
#[case(ReadClass::Retry, &[10000, 10016, 10019, 10429, 429, 170_001, 170_007, 500_000, 4242])]
#[case(ReadClass::Limited, &[10006, 10018, 10403, 20003, 170_005, 170_222])]
#[case(
    ReadClass::Authority,
    &[10003, 10004, 10005, 10007, 10008, 10009, 10010, 10024, 10027, 10028, 10029, 33004, -2015]
)]
#[case(ReadClass::Clock, &[10002, -1])]
#[case(ReadClass::Refused, &[10001, 10017, 10404, 110_001, 170_213, 170_121, 110_043, 110_004])]
fn codes_of_reads(#[case] class: ReadClass, #[case] codes: &[i64]) {
    for code in codes {
        assert_eq!(class_of_read(*code), class, "{code}");
    }
}

#[rstest]
#[case(200, "{}", HttpClass::Ok)]
#[case(
    403,
    "{\"retMsg\":\"Access too frequent. Try again later\"}",
    HttpClass::Banned
)]
#[case(403, "access too frequent", HttpClass::Banned)]
#[case(
    403,
    "<html>The request could not be satisfied: your country</html>",
    HttpClass::Refused
)]
#[case(403, "", HttpClass::Refused)]
#[case(401, "access too frequent", HttpClass::Refused)]
#[case(404, "", HttpClass::NotFound)]
#[case(429, "", HttpClass::Limited)]
#[case(500, "", HttpClass::Ambiguous)]
#[case(502, "<html>", HttpClass::Ambiguous)]
#[case(503, "access too frequent", HttpClass::Ambiguous)]
#[case(400, "", HttpClass::Ambiguous)]
#[case(302, "", HttpClass::Ambiguous)]
#[case(0, "", HttpClass::Ambiguous)]
fn statuses(#[case] status: u16, #[case] body: &str, #[case] class: HttpClass) {
    assert_eq!(http_class(status, body), class);
    let is_unknown = matches!(class, HttpClass::Limited | HttpClass::Ambiguous);
    assert_eq!(class.leaves_writes_unknown(), is_unknown);
}

#[test]
fn remedies_are_short_and_for_refusals_only() {
    assert!(describe(10003).is_some_and(|text| text.contains("environment")));
    assert_eq!(describe(0), None);
    assert_eq!(describe(4242), None);
    for code in WRITES.iter().flat_map(|(_, codes)| *codes) {
        if let Some(text) = describe(*code) {
            assert!(text.len() < 90 && !text.ends_with('.'), "{code}: {text}");
        }
    }
}
