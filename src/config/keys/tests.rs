//! Keys of each mode under their own names, files that are private, and nothing said aloud.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;

use super::*;

const CANARY: &str = "canaryKEY0123456789";
const CANARY_SECRET: &str = "canarySECRET9876543210";

fn env_of(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let map: BTreeMap<String, String> = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    move |name| map.get(name).cloned()
}

fn find(mode: Mode, pairs: &[(&str, &str)]) -> Result<Option<KeyPlaces>, KeyError> {
    locate(mode, &VenueSettings::default(), &env_of(pairs))
}

#[rstest]
#[case(Mode::Live, "BYBIT_API_KEY", "BYBIT_API_SECRET", "")]
#[case(Mode::Live, "BYBIT_API_KEY", "BYBIT_API_SECRET", "false")]
#[case(Mode::Testnet, "BYBIT_TESTNET_API_KEY", "BYBIT_TESTNET_API_SECRET", "")]
#[case(
    Mode::Testnet,
    "BYBIT_TESTNET_API_KEY",
    "BYBIT_TESTNET_API_SECRET",
    "1"
)]
#[case(Mode::Testnet, "BYBIT_API_KEY", "BYBIT_API_SECRET", "true")]
#[case(Mode::Demo, "BYBIT_DEMO_API_KEY", "BYBIT_DEMO_API_SECRET", "")]
fn each_mode_has_names_of_its_own(
    #[case] mode: Mode,
    #[case] key: &str,
    #[case] secret: &str,
    #[case] testnet: &str,
) {
    let pairs = [
        (key, CANARY),
        (secret, CANARY_SECRET),
        ("BYBIT_TESTNET", testnet),
    ];
    let places = find(mode, &pairs).unwrap().unwrap();
    assert_eq!(places.to_string(), format!("env {key}, env {secret}"));
    assert!(places.is_plain_variable());
    let pair = places.read(&env_of(&pairs)).unwrap();
    assert_eq!(pair.key.expose_secret(), CANARY);
    assert_eq!(pair.secret.expose_secret(), CANARY_SECRET);
    let shown = format!("{places:?} {places} {pair:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn simulated_accounts_do_not_look_for_keys() {
    let env = |name: &str| -> Option<String> { panic!("{name} was asked for") };
    for mode in [Mode::Replay, Mode::Paper] {
        assert_eq!(locate(mode, &VenueSettings::default(), &env), Ok(None));
        assert!(!needs_key(mode));
    }
}

const BOTH: [(&str, &str); 2] = [
    ("BYBIT_API_KEY", CANARY),
    ("BYBIT_API_SECRET", CANARY_SECRET),
];

#[rstest]
#[case(Mode::Live, &[], &["no API key of the live account", "BYBIT_API_KEY_FILE"])]
#[case(Mode::Testnet, &[], &["no API key of the testnet", "BYBIT_TESTNET_API_SECRET_FILE"])]
#[case(Mode::Demo, &[], &["no API key of the demo account", "venue.key_file"])]
#[case(Mode::Live, &[("BYBIT_API_KEY", CANARY)], &["BYBIT_API_SECRET is missing", "set BYBIT_API_SECRET"])]
#[case(Mode::Live, &[("BYBIT_API_SECRET", CANARY)], &["BYBIT_API_KEY is missing"])]
#[case(Mode::Live, &[("BYBIT_API_KEY", CANARY), ("BYBIT_API_SECRET", " ")], &["BYBIT_API_SECRET is missing"])]
#[case(Mode::Live, &[("BYBIT_TESTNET_API_KEY", CANARY), ("BYBIT_TESTNET_API_SECRET", "x")], &["BYBIT_TESTNET_API_KEY names a key of the testnet, and the mode is live"])]
#[case(Mode::Live, &[("BYBIT_TESTNET", "true"), BOTH[0], BOTH[1]], &["the mode is live", "unset BYBIT_TESTNET"])]
#[case(Mode::Testnet, &BOTH, &["BYBIT_API_KEY names a key of the live account, and the mode is testnet", "BYBIT_TESTNET=true"])]
#[case(Mode::Testnet, &[("BYBIT_TESTNET", "false"), BOTH[0], BOTH[1]], &["the mode is testnet"])]
#[case(Mode::Demo, &BOTH, &["names a key of the live account, and the mode is demo"])]
#[case(Mode::Demo, &[("BYBIT_TESTNET", "true"), BOTH[0], BOTH[1]], &["the mode is demo"])]
#[case(Mode::Live, &[("BYBIT_API_KEY_FILE", "f"), BOTH[0], BOTH[1]], &["are both set", "unset one"])]
fn a_key_that_is_not_the_modes_is_refused(
    #[case] mode: Mode,
    #[case] pairs: &[(&str, &str)],
    #[case] parts: &[&str],
) {
    let error = find(mode, pairs).unwrap_err();
    let text = format!("{error} {error:?}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

#[rstest]
#[case(CANARY, CANARY, "are the same")]
#[case("canary with space", CANARY_SECRET, "no API key")]
#[case("canary\u{e9}", CANARY_SECRET, "no API key")]
#[case("\"canary\"", CANARY_SECRET, "no API key")]
fn a_value_that_is_no_key_is_refused_unseen(
    #[case] key: &str,
    #[case] secret: &str,
    #[case] part: &str,
) {
    let pairs = [("BYBIT_API_KEY", key), ("BYBIT_API_SECRET", secret)];
    let places = find(Mode::Live, &pairs).unwrap().unwrap();
    let error = places.read(&env_of(&pairs)).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(part) && !text.contains("canary"), "{text}");
}

/// A file with that text and mode bits, in a folder of its own.
fn file(text: &str, bits: u32) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bybit.key");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits)).unwrap();
    (folder, path)
}

fn read_key_file(mode: Mode, path: &Path) -> Result<KeyPair, KeyError> {
    let venue = VenueSettings {
        key_file: Some(path.to_owned()),
        ..VenueSettings::default()
    };
    let places = locate(mode, &venue, &|_| None)?.unwrap();
    assert!(!places.is_plain_variable());
    places.read(&|_| None)
}

#[test]
fn a_key_file_names_its_mode() {
    let text = format!("mode = \"testnet\"\nkey = \"{CANARY}\"\nsecret = \"{CANARY_SECRET}\"\n");
    let (_folder, path) = file(&text, 0o600);
    let pair = read_key_file(Mode::Testnet, &path).unwrap();
    assert_eq!(pair.secret.expose_secret(), CANARY_SECRET);
    for mode in [Mode::Live, Mode::Demo] {
        let error = read_key_file(mode, &path).unwrap_err().to_string();
        assert!(error.contains("has a key of mode testnet"), "{error}");
        assert!(!error.contains("canary"), "{error}");
    }
    // Beside variables of the same mode it is not clear which one is meant.
    let venue = VenueSettings {
        key_file: Some(path),
        ..VenueSettings::default()
    };
    let error = locate(Mode::Live, &venue, &env_of(&BOTH)).unwrap_err();
    assert!(error.to_string().contains("two keys"), "{error}");
}

#[rstest]
#[case("", 0o600, "is not a key file")]
#[case("canary", 0o600, "is not a key file")]
#[case("mode = \"live\"\nkey = \"canary1\"\n", 0o600, "is not a key file")]
#[case(
    "mode = \"live\"\nkey = \"canary1\"\nsecret = 5\n",
    0o600,
    "is not a key file"
)]
#[case(
    "mode = \"live\"\nkey = \"canary1\"\nsecret = \"canary2\"\nmore = 1\n",
    0o600,
    "is not a key file"
)]
#[case(
    "mode = \"live\"\nkey = \"\"\nsecret = \"canary2\"\n",
    0o600,
    "no API key"
)]
#[case(
    "mode = \"live\"\nkey = \"canary1\"\nsecret = \"canary2\"\n",
    0o640,
    "chmod 600"
)]
#[case(
    "mode = \"live\"\nkey = \"canary1\"\nsecret = \"canary2\"\n",
    0o604,
    "chmod 600"
)]
fn a_key_file_that_cannot_be_used_is_refused_unseen(
    #[case] text: &str,
    #[case] bits: u32,
    #[case] part: &str,
) {
    let (_folder, path) = file(text, bits);
    let error = read_key_file(Mode::Live, &path).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(part) && !text.contains("canary"), "{text}");
}

#[test]
fn what_is_no_plain_file_of_ours_is_refused() {
    let (folder, path) = file("x", 0o600);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let (_long_folder, long) = file(&"x".repeat(5_000), 0o600);
    for (path, part) in [
        (link.as_path(), "it is a link"),
        (&pipe, "no plain file"),
        (folder.path(), "no plain file"),
        (&folder.path().join("none"), "no such file"),
        (&long, "too long"),
    ] {
        let error = read_key_file(Mode::Live, path).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_file_can_hold_one_value() {
    let (_key_folder, key) = file(&format!("{CANARY}\n"), 0o600);
    let (_secret_folder, secret) = file(&format!(" {CANARY_SECRET} \n"), 0o400);
    let (key, secret) = (key.display().to_string(), secret.display().to_string());
    let pairs = [
        ("BYBIT_DEMO_API_KEY_FILE", key.as_str()),
        ("BYBIT_DEMO_API_SECRET_FILE", secret.as_str()),
    ];
    let places = find(Mode::Demo, &pairs).unwrap().unwrap();
    assert!(!places.is_plain_variable());
    let pair = places.read(&env_of(&pairs)).unwrap();
    assert_eq!(pair.key.expose_secret(), CANARY);
    assert_eq!(pair.secret.expose_secret(), CANARY_SECRET);
}
