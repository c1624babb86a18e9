//! "Did you mean": the key or value that was probably meant.

use super::settings::Settings;

/// Keys that are not set by default and therefore not among the effective ones.
const OPTIONAL: [&str; 12] = [
    "feed.market",
    "feed.warmup_bars",
    "venue.key_file",
    "venue.rest_url",
    "venue.ws_url",
    "venue.tls_root",
    "paper.maker_bps",
    "paper.taker_bps",
    "paper.slippage_bps",
    "agent.onnxruntime",
    "log.dir",
    "legs",
];

/// Full key that was probably meant by `field` under `parent`, where there is one.
pub(super) fn key(parent: &str, field: &str, expected: &[&str]) -> Option<String> {
    let full = |name: &str| {
        if parent.is_empty() {
            name.to_owned()
        } else {
            format!("{parent}.{name}")
        }
    };
    if let Some(name) = closest(field, expected.iter().copied()) {
        return Some(full(name));
    }
    // Secrets are no settings, but a file with them can be named.
    let lower = field.to_ascii_lowercase();
    if ["secret", "api_key", "apikey"]
        .iter()
        .any(|word| lower.contains(word))
    {
        return Some("venue.key_file".to_owned());
    }
    // The right name in the wrong place, or with one underscore where two are needed.
    let known: Vec<String> = Settings::default()
        .flat()
        .into_keys()
        .chain(OPTIONAL.map(str::to_owned))
        .collect();
    let wanted = full(field).replace('.', "_");
    known
        .iter()
        .find(|key| key.replace('.', "_") == wanted)
        .or_else(|| {
            known
                .iter()
                .find(|key| key.rsplit('.').next() == Some(field))
        })
        .cloned()
        .or_else(|| {
            let flat: Vec<_> = known.iter().map(|key| key.replace('.', "_")).collect();
            let best = closest(&wanted, flat.iter().map(String::as_str))?;
            let at = flat.iter().position(|name| name == best)?;
            known.get(at).cloned()
        })
}

/// Message about a value that is none of `names`.
pub(super) fn value(found: &str, names: &[&str]) -> String {
    let hint = closest(found, names.iter().copied())
        .map_or_else(String::new, |name| format!("; did you mean {name:?}?"));
    let found: String = found.chars().take(40).collect();
    format!("{found:?} is none of {}{hint}", names.join(", "))
}

/// The closest of `names`, if it is close at all.
fn closest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    names
        .map(|name| (strsim::damerau_levenshtein(&wanted, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(wanted.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
