//! Fault scripts: TOML files with `[[fault]]` tables and one `[chaos]` table.

use std::path::{Path, PathBuf};

use super::chaos::Chaos;
use super::fault::Fault;

/// Faults to come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// Faults with their beginnings.
    pub faults: Vec<Fault>,
    /// Faults by chance.
    pub chaos: Option<Chaos>,
}

/// Why a script cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub struct ScriptError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong, with the table and key where there is one.
    pub problem: String,
}

impl Script {
    /// Reads a script file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has a key or value that no fault has.
    pub fn read(file: &Path) -> Result<Self, ScriptError> {
        let fail = |problem| ScriptError {
            file: file.to_owned(),
            problem,
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| fail(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(fail)
    }

    /// Reads the text of a script.
    ///
    /// # Errors
    ///
    /// What is wrong, with the table and key where there is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut script = Self::default();
        for (key, value) in table {
            match key.as_str() {
                "fault" => script.faults = faults(value)?,
                "chaos" => {
                    let chaos: Chaos = value
                        .try_into()
                        .map_err(|error| format!("[chaos]: {}", one_line(&error)))?;
                    chaos.check().map_err(|error| format!("[chaos]: {error}"))?;
                    script.chaos = Some(chaos);
                }
                _ => {
                    return Err(format!(
                        "key {key} is unknown: use [[fault]] tables and one [chaos] table"
                    ));
                }
            }
        }
        Ok(script)
    }
}

fn faults(value: toml::Value) -> Result<Vec<Fault>, String> {
    let toml::Value::Array(tables) = value else {
        return Err("fault is no list of tables: write [[fault]]".to_owned());
    };
    let mut faults = Vec::new();
    for (n, table) in tables.into_iter().enumerate() {
        let fault = serde_json::to_value(table)
            .map_err(|error| error.to_string())
            .and_then(Fault::parse)
            .map_err(|error| format!("[[fault]] {}: {error}", n + 1))?;
        faults.push(fault);
    }
    Ok(faults)
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::super::fault::{Act, RequestAct};
    use super::*;

    #[test]
    fn tables_become_faults_in_their_order() {
        let script = Script::parse(
            "[[fault]]\nkind = \"hold\"\nms = 10000\npath = \"/v5/order/create\"\nnth = 2\n\
             [[fault]]\nkind = \"offline\"\nat_ms = 5000\nfor_ms = 1000\n\
             [chaos]\nseed = 9\ndrop_reply = 0.5\n",
        )
        .unwrap();
        assert_eq!(script.faults.len(), 2);
        let Act::Request(pick, RequestAct::Hold { ms: 10_000 }) = &script.faults[0].act else {
            panic!("{:?}", script.faults[0]);
        };
        assert_eq!((pick.path.as_str(), pick.nth), ("/v5/order/create", 2));
        assert_eq!(script.faults[1].when.for_ms, Some(1_000));
        let chaos = script.chaos.unwrap();
        assert_eq!((chaos.seed, chaos.drop_reply, chaos.html), (9, 0.5, 0.0));
        assert_eq!(Script::parse("").unwrap(), Script::default());
    }

    #[test]
    fn unknown_keys_are_named_with_their_place() {
        for (text, part) in [
            (
                "[[fault]]\nkind = \"heal\"\nsocet = 1",
                "[[fault]] 1: unknown field `socet`",
            ),
            ("faults = 1", "key faults is unknown"),
            ("fault = 1", "write [[fault]]"),
            ("[chaos]\nsed = 1", "[chaos]: unknown field `sed`"),
            ("[chaos]\nhtml = 3.0", "[chaos]: html 3"),
            ("[chaos", "TOML"),
        ] {
            let error = Script::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let file = Path::new("no such script.toml");
        let error = Script::read(file).unwrap_err().to_string();
        assert!(
            error.starts_with("no such script.toml: cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn the_sample_scripts_load() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/drills");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let script = Script::read(&path).unwrap();
            assert!(
                !script.faults.is_empty() || script.chaos.is_some(),
                "{} does nothing",
                path.display()
            );
            names.push(path);
        }
        assert!(4 <= names.len(), "{names:?}");
    }
}
