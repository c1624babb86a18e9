//! Reads theme files: inheritance, palette names, colours, and errors that say where.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use super::{Role, Theme, Variant, color};

/// Longest chain of parents.
const MAX_PARENTS: usize = 8;

const KEYS: [&str; 6] = ["name", "variant", "inherits", "cvd", "palette", "roles"];

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

/// Why a text is not a theme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThemeError {
    /// Not TOML.
    #[error("theme {file}: line {line}: {message}")]
    Syntax {
        /// What the caller called the text.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What the TOML reader says.
        message: String,
    },
    /// A key nobody knows.
    #[error("theme {file}: unknown key {key:?}{hint}")]
    UnknownKey {
        /// What the caller called the text.
        file: String,
        /// Key, with its table.
        key: String,
        /// The nearest known one, in words; may be empty.
        hint: String,
    },
    /// A value of the wrong kind.
    #[error("theme {file}: {key} = {value}: use {remedy}")]
    BadValue {
        /// What the caller called the text.
        file: String,
        /// Key, with its table.
        key: String,
        /// The value as written.
        value: String,
        /// What would be right.
        remedy: String,
    },
    /// Roles that neither the file nor its parents give.
    #[error(
        "theme {file}: role {role:?} has no {what}: give it under [roles] or inherit from \"dark\""
    )]
    MissingRole {
        /// What the caller called the text.
        file: String,
        /// The role.
        role: &'static str,
        /// `colour`, `fg` or `bg`.
        what: &'static str,
    },
    /// A key every theme needs.
    #[error("theme {file}: key {key:?} is missing")]
    MissingKey {
        /// What the caller called the text.
        file: String,
        /// The key.
        key: &'static str,
    },
    /// A parent nobody has.
    #[error("theme {file}: inherits = {parent:?}: there is no such theme")]
    UnknownParent {
        /// What the caller called the text.
        file: String,
        /// Name of the parent.
        parent: String,
    },
    /// Themes that inherit from each other.
    #[error("theme {file}: inherits in a circle: {chain}")]
    Cycle {
        /// What the caller called the text.
        file: String,
        /// The names, in order.
        chain: String,
    },
}

/// A value of `[roles]`, with the file it is from, for messages.
struct Entry {
    file: String,
    value: Value,
}

#[derive(Default)]
struct Layers {
    name: Option<String>,
    variant: Option<Variant>,
    cvd: Option<bool>,
    palette: BTreeMap<String, Entry>,
    roles: BTreeMap<Role, Entry>,
}

/// Theme of a text and its parents.
pub(super) fn theme(
    file: &str,
    text: &str,
    parents: &dyn Fn(&str) -> Option<String>,
) -> Result<Theme, ThemeError> {
    let mut layers = Layers::default();
    let mut chain = vec![file.to_owned()];
    let mut text = text.to_owned();
    loop {
        let here = chain.last().cloned().unwrap_or_default();
        let Some(parent) = layers.add(&here, &text)? else {
            break;
        };
        let own_name = layers.name.as_deref() == Some(parent.as_str());
        let known = own_name || chain.contains(&parent);
        chain.push(parent.clone());
        if known || MAX_PARENTS < chain.len() {
            return Err(ThemeError::Cycle {
                file: file.to_owned(),
                chain: chain.join(" -> "),
            });
        }
        text = parents(&parent).ok_or(ThemeError::UnknownParent { file: here, parent })?;
    }
    layers.finish(file)
}

impl Layers {
    /// Adds what `text` says and nobody below it has said; returns its parent.
    fn add(&mut self, file: &str, text: &str) -> Result<Option<String>, ThemeError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let upto = error.span().map_or(0, |span| span.start);
            ThemeError::Syntax {
                file: file.to_owned(),
                line: text.bytes().take(upto).filter(|b| *b == b'\n').count() + 1,
                message: error.message().replace('\n', ", "),
            }
        })?;
        let mut parent = None;
        for (key, value) in table {
            match key.as_str() {
                "name" => {
                    let name = string(file, &key, &value, "a text")?;
                    self.name.get_or_insert(name);
                }
                "variant" => {
                    let variant = match value.as_str() {
                        Some("dark") => Variant::Dark,
                        Some("light") => Variant::Light,
                        _ => return Err(bad(file, &key, &value, "\"dark\" or \"light\"")),
                    };
                    self.variant.get_or_insert(variant);
                }
                "inherits" => parent = Some(string(file, &key, &value, "the name of a theme")?),
                "cvd" => {
                    let cvd = value
                        .as_bool()
                        .ok_or_else(|| bad(file, &key, &value, "true or false"))?;
                    self.cvd.get_or_insert(cvd);
                }
                "palette" => self.add_palette(file, &value)?,
                "roles" => self.add_roles(file, &value)?,
                _ => return Err(unknown(file, "", &key, KEYS.into_iter())),
            }
        }
        // A promise about colours is not inherited: the child may have changed them.
        self.cvd.get_or_insert(false);
        Ok(parent)
    }

    fn add_palette(&mut self, file: &str, value: &Value) -> Result<(), ThemeError> {
        let table = value
            .as_table()
            .ok_or_else(|| bad(file, "palette", value, "a table of colours"))?;
        for (key, value) in table {
            let full = format!("palette.{key}");
            let text = string(file, &full, value, COLOUR_REMEDY)?;
            if color::parse(&text).is_none() {
                return Err(bad(file, &full, value, COLOUR_REMEDY));
            }
            self.palette.entry(key.clone()).or_insert_with(|| Entry {
                file: file.to_owned(),
                value: value.clone(),
            });
        }
        Ok(())
    }

    fn add_roles(&mut self, file: &str, value: &Value) -> Result<(), ThemeError> {
        let table = value
            .as_table()
            .ok_or_else(|| bad(file, "roles", value, "a table of roles"))?;
        for (key, value) in table {
            let role = Role::of_name(key).ok_or_else(|| {
                unknown(
                    file,
                    "roles.",
                    key,
                    Role::ALL.iter().map(|role| role.name()),
                )
            })?;
            self.roles.entry(role).or_insert_with(|| Entry {
                file: file.to_owned(),
                value: value.clone(),
            });
        }
        Ok(())
    }

    fn finish(self, file: &str) -> Result<Theme, ThemeError> {
        let missing = |key| ThemeError::MissingKey {
            file: file.to_owned(),
            key,
        };
        let mut styles = [Style::new(); Role::COUNT];
        for (role, style) in Role::ALL.iter().zip(&mut styles) {
            let lacks = |what| ThemeError::MissingRole {
                file: file.to_owned(),
                role: role.name(),
                what,
            };
            let entry = self.roles.get(role).ok_or_else(|| lacks("colour"))?;
            *style = self.style(*role, entry)?;
            if style.fg.is_none() {
                return Err(lacks("fg"));
            }
            if role.needs_ground() && style.bg.is_none() {
                return Err(lacks("bg"));
            }
        }
        Ok(Theme::new(
            self.name.ok_or_else(|| missing("name"))?,
            self.variant.ok_or_else(|| missing("variant"))?,
            self.cvd.unwrap_or(false),
            &styles,
        ))
    }

    fn style(&self, role: Role, entry: &Entry) -> Result<Style, ThemeError> {
        let key = format!("roles.{}", role.name());
        let file = &entry.file;
        match &entry.value {
            Value::String(_) => Ok(Style::new().fg(self.color(file, &key, &entry.value)?)),
            Value::Table(table) => {
                let mut style = Style::new();
                for (part, value) in table {
                    let full = format!("{key}.{part}");
                    match part.as_str() {
                        "fg" => style.fg = Some(self.color(file, &full, value)?),
                        "bg" => style.bg = Some(self.color(file, &full, value)?),
                        "mods" => style = style.add_modifier(modifiers(file, &full, value)?),
                        _ => {
                            let known = ["fg", "bg", "mods"].into_iter();
                            return Err(unknown(file, &format!("{key}."), part, known));
                        }
                    }
                }
                Ok(style)
            }
            other => Err(bad(
                file,
                &key,
                other,
                "a colour or a table of fg, bg, mods",
            )),
        }
    }

    fn color(&self, file: &str, key: &str, value: &Value) -> Result<Color, ThemeError> {
        let text = string(file, key, value, COLOUR_REMEDY)?;
        let text = match self.palette.get(&text) {
            Some(entry) => entry.value.as_str().unwrap_or_default(),
            None => &text,
        };
        color::parse(text).ok_or_else(|| {
            let known = self
                .palette
                .keys()
                .map(String::as_str)
                .chain(color::names());
            let hint = nearest(text, known);
            bad(file, key, value, &format!("{COLOUR_REMEDY}{hint}"))
        })
    }
}

const COLOUR_REMEDY: &str = "#RRGGBB, a palette name, or a terminal colour such as bright-red";

fn modifiers(file: &str, key: &str, value: &Value) -> Result<Modifier, ThemeError> {
    let remedy = "a list of bold, dim, italic, underlined, reversed, crossed-out";
    let list = value
        .as_array()
        .ok_or_else(|| bad(file, key, value, remedy))?;
    list.iter().try_fold(Modifier::empty(), |all, item| {
        MODIFIERS
            .iter()
            .find(|(name, _)| item.as_str() == Some(name))
            .map(|(_, modifier)| all | *modifier)
            .ok_or_else(|| bad(file, key, item, remedy))
    })
}

fn string(file: &str, key: &str, value: &Value, remedy: &str) -> Result<String, ThemeError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| bad(file, key, value, remedy))
}

fn bad(file: &str, key: &str, value: &Value, remedy: &str) -> ThemeError {
    ThemeError::BadValue {
        file: file.to_owned(),
        key: key.to_owned(),
        value: value.to_string(),
        remedy: remedy.to_owned(),
    }
}

fn unknown<'a>(
    file: &str,
    table: &str,
    key: &str,
    known: impl Iterator<Item = &'a str>,
) -> ThemeError {
    ThemeError::UnknownKey {
        file: file.to_owned(),
        key: format!("{table}{key}"),
        hint: nearest(key, known),
    }
}

/// `: did you mean "..."?` for the nearest known word, or nothing when none is near.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| 0.7 < *score)
        .map_or_else(String::new, |(_, candidate)| {
            format!(": did you mean {candidate:?}?")
        })
}
