//! Keeps the house in order: the layer table of ARCHITECTURE.md against the code's own imports.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files of the crate's root that may name every room.
const WIRING: [&str; 3] = ["lib.rs", "main.rs", "app"];
/// Files that may lift the ban on unsafe code.
const UNSAFE: [&str; 1] = ["strategy/agent/native.rs"];

type Layers = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads the table between `<!-- layers -->` and `<!-- /layers -->`.
fn layers(text: &str) -> Layers {
    let table = text
        .split_once("<!-- layers -->")
        .and_then(|(_, rest)| rest.split_once("<!-- /layers -->"))
        .expect("ARCHITECTURE.md has a layer table")
        .0;
    let names = |cell: &str| -> BTreeSet<String> {
        cell.split(',')
            .map(|name| {
                name.trim()
                    .trim_matches('`')
                    .trim_end_matches('/')
                    .to_owned()
            })
            .filter(|name| !name.is_empty() && name != "nothing")
            .collect()
    };
    table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let room = names(cells[0]).pop_first().expect("a row names its room");
            (room, names(cells[cells.len() - 1]))
        })
        .collect()
}

/// Rooms that a file imports, by `crate::room` anywhere outside of comments.
fn imports(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in source
        .lines()
        .map(str::trim_start)
        .filter(|l| !l.starts_with("//"))
    {
        let mut rest = line;
        while let Some((_, tail)) = rest.split_once("crate::") {
            let name: String = tail
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            if !name.is_empty() {
                found.insert(name);
            }
            rest = tail;
        }
    }
    found
}

/// Everything wrong with `files` (path under src, text) under `layers`.
fn problems(files: &[(String, String)], layers: &Layers) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rooms = BTreeSet::new();
    for (path, text) in files {
        let room = path
            .split('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs")
            .to_owned();
        if !text.starts_with("//!") {
            problems.push(format!("{path}: has no module doc"));
        }
        if text.contains("expect(unsafe_code") && !UNSAFE.contains(&path.as_str()) {
            problems.push(format!("{path}: lifts the ban on unsafe code"));
        }
        if WIRING.iter().any(|w| room == w.trim_end_matches(".rs")) {
            continue;
        }
        rooms.insert(room.clone());
        let Some(allowed) = layers.get(&room) else {
            problems.push(format!(
                "{path}: room `{room}` is missing from the layer table"
            ));
            continue;
        };
        for import in imports(text) {
            if import != room && !allowed.contains(&import) && !allowed.contains("all") {
                problems.push(format!("{path}: `{room}` may not import `{import}`"));
            }
        }
    }
    for room in layers.keys().filter(|room| !rooms.contains(*room)) {
        problems.push(format!("layer table: room `{room}` does not exist"));
    }
    for start in layers.keys() {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&String> = layers[start].iter().collect();
        while let Some(next) = todo.pop() {
            if next == start {
                problems.push(format!("layer table: `{start}` can reach itself"));
                break;
            }
            if seen.insert(next) {
                todo.extend(layers.get(next).into_iter().flatten());
            }
        }
    }
    problems
}

fn sources(dir: &Path, under: &Path, out: &mut Vec<(String, String)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, under, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path
                .strip_prefix(under)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            out.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_house_is_as_architecture_says() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut files = Vec::new();
    sources(&root().join("src"), &root().join("src"), &mut files);
    let found = problems(&files, &layers(&text));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn planted(path: &str, text: &str) -> Vec<String> {
    let layers = layers(
        "<!-- layers -->\n| `domain` | words | nothing |\n| `engine` | step | `domain` |\n\
         | `tui` | screen | `domain` |\n<!-- /layers -->",
    );
    let files = [
        ("domain/mod.rs".to_owned(), "//! d".to_owned()),
        ("engine/mod.rs".to_owned(), "//! e".to_owned()),
        ("tui/mod.rs".to_owned(), "//! t".to_owned()),
        (path.to_owned(), text.to_owned()),
    ];
    problems(&files, &layers)
}

#[test]
fn a_planted_problem_is_found() {
    let good = planted("tui/view.rs", "//! v\nuse crate::domain::Price;");
    assert_eq!(good, Vec::<String>::new());
    for (path, text, expected) in [
        (
            "tui/view.rs",
            "//! v\nuse crate::engine::Engine;",
            "`tui` may not import `engine`",
        ),
        (
            "tui/view.rs",
            "//! v\nfn f(_: crate::engine::E) {}",
            "`tui` may not import `engine`",
        ),
        ("venue/mod.rs", "//! v", "room `venue` is missing"),
        ("tui/view.rs", "fn f() {}", "has no module doc"),
        ("tui/view.rs", "//! v\n#![expect(unsafe_code)]", "unsafe"),
    ] {
        let found = planted(path, text);
        assert!(
            found.iter().any(|p| p.contains(expected)),
            "{path}: {found:?}"
        );
    }
}

#[test]
fn a_cycle_in_the_table_is_found() {
    let layers = layers("<!-- layers -->\n| `a` | x | `b` |\n| `b` | x | `a` |\n<!-- /layers -->");
    let files = [
        ("a/mod.rs".to_owned(), "//! a".to_owned()),
        ("b/mod.rs".to_owned(), "//! b".to_owned()),
    ];
    assert!(
        problems(&files, &layers)
            .iter()
            .any(|p| p.contains("can reach itself"))
    );
}

#[test]
fn no_tracked_text_names_a_host_or_a_machine() {
    // Built from parts so that this file does not find itself.
    let banned = [
        ["/wo", "rk/"].concat(),
        ["/ro", "ot/"].concat(),
        ["crates", ".io"].concat(),
    ];
    let mut files = Vec::new();
    for dir in [
        "src",
        "tests",
        "benches",
        "fuzz/fuzz_targets",
        "config",
        "themes",
        "docs",
    ] {
        text_files(&root().join(dir), &mut files);
    }
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "justfile",
        "Cargo.toml",
        "fuzz/Cargo.toml",
        "fuzz/README.md",
        "fuzz/entries.rs",
    ] {
        files.push(root().join(name));
    }
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        for word in &banned {
            assert!(
                !text.contains(word.as_str()),
                "{} contains {word}",
                path.display()
            );
        }
    }
}

fn text_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            text_files(&path, out);
        } else {
            out.push(path);
        }
    }
}
