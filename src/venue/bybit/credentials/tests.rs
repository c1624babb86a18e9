//! Where keys may come from, and that nothing repeats them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const A_KEY: &str = "CANARYkey0123456789";
const A_SECRET: &str = "CANARYsecretabcdefghijklmnopqrstuvwx";

fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("key.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn both() -> String {
    format!("# of the desk\nkey = \"{A_KEY}\"\nsecret='{A_SECRET}'\n")
}

fn refused(result: Result<Credentials, CredentialsError>, part: &str) {
    let error = result.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(part), "{text} lacks {part}");
    assert!(!text.contains("CANARY"), "{text}");
}

#[test]
fn a_private_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for text in [both(), format!("secret={A_SECRET}\n\n  api_key = {A_KEY}")] {
        let credentials = Credentials::from_file(&file(folder.path(), &text, 0o600)).unwrap();
        assert_eq!(credentials.key(), A_KEY);
        assert_eq!(credentials.secret(), A_SECRET);
    }
}

#[test]
fn a_file_that_others_can_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o660, 0o620, 0o601, 0o644] {
        let path = file(folder.path(), &both(), mode);
        refused(Credentials::from_file(&path), "chmod 600");
    }
    let path = file(folder.path(), &both(), 0o600);
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    refused(Credentials::from_file(&link), "is a link");
    refused(Credentials::from_file(folder.path()), "not a regular file");
    refused(
        Credentials::from_file(&folder.path().join("none")),
        "cannot be read",
    );
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    refused(Credentials::from_file(&pipe), "not a regular file");
}

#[test]
fn a_file_of_another_shape_is_refused_without_repeating_it() {
    let folder = tempfile::tempdir().unwrap();
    for (text, part) in [
        (A_KEY.to_owned(), "line 1 has no equals sign"),
        (format!("{A_KEY}={A_SECRET}"), "line 1 names neither"),
        (format!("key={A_KEY}"), "has no secret"),
        (format!("secret={A_SECRET}"), "has no key"),
        (format!("{}key={A_KEY}", both()), "line 4 gives the same"),
        (format!("key=\"{A_KEY}"), "without its partner"),
        (format!("key={A_KEY}\nsecret="), "the secret is empty"),
        (format!("{}{}", both(), "#".repeat(5_000)), "larger than"),
    ] {
        let path = file(folder.path(), &text, 0o600);
        refused(Credentials::from_file(&path), part);
    }
}

#[test]
fn values_that_are_no_key_are_refused() {
    let long = "CANARY".repeat(50);
    for (key, secret, part) in [
        ("", A_SECRET, "key is empty"),
        (A_KEY, "", "secret is empty"),
        ("CANARY key", A_SECRET, "key has a space"),
        (A_KEY, "CANARY\n", "secret has a space"),
        (A_KEY, "CANARY\u{e9}", "secret has a character"),
        (A_KEY, "CANARY\u{7}", "secret has a character"),
        (&long, A_SECRET, "key is too long"),
    ] {
        refused(Credentials::new(key, secret), part);
    }
}

#[test]
fn variables_give_both_or_name_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), &format!("{A_SECRET}\n"), 0o400);
    let path = path.to_str().unwrap();
    let of = |set: &[(&str, &str)]| {
        let set: Vec<(String, String)> = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Credentials::from_env(move |name| {
            let found = set.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        })
    };
    assert!(of(&[]).unwrap().is_none());
    for set in [
        [(KEY, A_KEY), (SECRET, A_SECRET)],
        [(KEY, A_KEY), (SECRET_FILE, path)],
    ] {
        let credentials = of(&set).unwrap().unwrap();
        assert_eq!(credentials.key(), A_KEY);
        assert_eq!(credentials.secret(), A_SECRET);
    }
    for (set, part) in [
        (vec![(KEY, A_KEY)], "has no secret"),
        (vec![(SECRET_FILE, path)], "has no key"),
        (
            vec![(SECRET, A_SECRET), (SECRET_FILE, path)],
            "both BYBIT_API_SECRET and",
        ),
        (vec![(KEY, ""), (SECRET, A_SECRET)], "key is empty"),
    ] {
        refused(of(&set).map(Option::unwrap), part);
    }
}

#[test]
fn nothing_shows_them() {
    let credentials = Credentials::new(A_KEY, A_SECRET).unwrap();
    assert_eq!(format!("{credentials:?}"), "Credentials(..)");
    let held = (std::sync::Arc::new(credentials), 1);
    assert!(!format!("{held:#?}").contains("CANARY"));
    assert_eq!(held.0.key_hint(), "CANA…");
    let short = Credentials::new("CANARY", A_SECRET).unwrap();
    assert_eq!(short.key_hint(), "…");
}
