//! What was given, before anybody asks whether it makes sense: one entry per key, with its place.
//!
//! Reads TOML into entries and refuses what the catalogue doesn't know. Types and meaning are checked by `load`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::{Mistake, Place};
use super::suggest;
use super::value::Given;
use crate::catalog::{self, Kind, Section};

/// A section's identity: which, and its name where sections of the kind have names.
pub type Head = (Section, Option<Arc<str>>);

/// A value, or where a secret is to be fetched.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The value itself.
    Value(Given),
    /// A secret in this variable.
    SecretEnv(String),
    /// A secret in this file.
    SecretFile(PathBuf),
    /// Something that was refused already.
    Broken,
}

/// One key as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its section.
    pub head: Head,
    /// The key, one of the catalogue's.
    pub key: &'static str,
    /// What stands there.
    pub what: What,
    /// Where.
    pub place: Place,
}

/// Everything that was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw {
    /// Sections that stand in the file, also those without a key.
    pub heads: Vec<(Head, Place)>,
    /// The keys.
    pub entries: Vec<Entry>,
    /// Kinds of sections that somebody tried to write and got refused: nobody is told that they are missing.
    pub tried: Vec<Section>,
    /// True where the text is not TOML: what is missing may stand where nobody could read it.
    pub torn: bool,
}

impl Raw {
    /// Reads a file's text. What can be understood is kept beside the mistakes, so that one run names them all.
    pub fn from_toml(text: &str) -> (Self, Vec<Mistake>) {
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { raw: Raw::default(), mistakes: Vec::new() };
        reader.top(table.get_ref());
        // A torn line is said once: what was guessed from the rest of it is not held against anybody.
        let mut torn: Vec<usize> = Vec::new();
        let mut said = Vec::new();
        for error in &errors {
            let line = line_of(text, error.span().unwrap_or(0..0).start);
            if !torn.contains(&line) {
                torn.push(line);
                said.push(syntax(text, error));
            }
        }
        let whole = |place: &Place| match place {
            Place::File(span) => !torn.contains(&line_of(text, span.start)),
            Place::CommandLine(_) | Place::Environment(_) | Place::Whole => true,
        };
        reader.mistakes.retain(|mistake| whole(&mistake.place));
        reader.raw.entries.retain(|entry| whole(&entry.place));
        reader.raw.torn = !torn.is_empty();
        said.append(&mut reader.mistakes);
        (reader.raw, said)
    }

    /// Adds a setting that came from the command line or the environment; a later one wins over an earlier one.
    pub fn push_word(
        &mut self,
        section: Section,
        key: &str,
        text: &str,
        place: Place,
    ) -> Result<(), Mistake> {
        let Some(setting) = catalog::find(section, key) else {
            return Err(unknown(section, key, place));
        };
        let what = What::Value(Given::Word(text.to_owned()));
        self.entries.push(Entry { head: (section, None), key: setting.key, what, place });
        Ok(())
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    text.as_bytes()[..byte.min(text.len())].iter().filter(|&&b| b == b'\n').count()
}

fn syntax(text: &str, error: &toml::de::Error) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    let start = text.as_bytes()[..span.start.min(text.len())]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let line = text.get(start..).unwrap_or("").lines().next().unwrap_or("");
    let fix = if line.trim_start().starts_with('[') && line.contains(".*]") {
        Some("write the star between quotes: [database.\"*\"]".to_owned())
    } else if error.message().contains("duplicate key") {
        Some("keep one of them".to_owned())
    } else if line.trim_start().starts_with(';') {
        Some("a comment begins with #".to_owned())
    } else {
        unquoted(line)
    };
    let bare = fix.as_deref().is_some_and(|fix| fix.contains("between quotes") && !fix.contains("star"));
    let message = if bare { "a text needs quotes" } else { error.message().lines().next().unwrap_or("") };
    Mistake { place: Place::File(span), problem: format!("this is not TOML: {message}"), fix }
}

/// What to do about the value of `key = value` where it looks like a text that lacks its quotes. Never quotes a secret.
fn unquoted(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let value = value.split('#').next().unwrap_or(value).trim();
    let plain =
        value.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | '@' | '.'));
    let secret = key.to_ascii_lowercase().contains("password");
    let fix = || {
        if secret {
            "write the secret between quotes".into()
        } else {
            format!("write the value between quotes: \"{value}\"")
        }
    };
    (plain && !value.contains(['"', '\'', '[', '{'])).then(fix)
}

/// A key nobody knows, with the nearest that somebody does.
fn unknown(section: Section, key: &str, place: Place) -> Mistake {
    if let Some(why) = catalog::unbuilt::key(key) {
        return Mistake { place, problem: format!("{key} {why}"), fix: Some("take the line out".into()) };
    }
    let problem = format!("{} has no setting {key}", section.head());
    let homes = catalog::elsewhere(section, key);
    let fix = if let Some(home) = homes.first() {
        format!("it belongs into {}", home.head())
    } else if let Some(near) = suggest::nearest(key, section.settings().iter().map(|setting| setting.key)) {
        format!("did you mean {near}?")
    } else if let Some(near) = suggest::nearest(key, catalog::all().map(|setting| setting.key)) {
        let home =
            catalog::all().find(|setting| setting.key == near).map_or("", |found| found.section.head());
        format!("did you mean {near} of {home}?")
    } else if section.settings().len() > 25 {
        "connwarden config show lists its settings".into()
    } else {
        format!("its settings: {}", section.settings().iter().map(|s| s.key).collect::<Vec<_>>().join(" "))
    };
    Mistake::new(place, problem, fix)
}

struct Reader {
    raw: Raw,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn refuse(&mut self, span: Range<usize>, problem: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake::new(Place::File(span), problem, fix));
    }

    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let Some(section) = Section::ALL.into_iter().find(|section| section.word() == name) else {
                self.unknown_section(name, key.span(), value);
                continue;
            };
            match value.get_ref() {
                DeValue::Table(inner) if section.is_named() => self.named(section, inner, key.span()),
                DeValue::Table(inner) => self.section((section, None), inner, key.span()),
                _ => {
                    self.raw.tried.push(section);
                    let fix =
                        format!("write {} on a line of its own and the settings below", example(section));
                    self.refuse(key.span(), format!("{name} is a section, not a setting"), fix);
                }
            }
        }
    }

    fn unknown_section(&mut self, name: &str, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if !value.get_ref().is_table() {
            let home = catalog::all().find(|setting| setting.key == name).map(|setting| setting.section);
            let fix = match (home, catalog::unbuilt::key(name)) {
                (Some(home), _) => format!("write it below {}", home.head()),
                (None, Some(why)) => format!("take it out: it {why}"),
                (None, None) => "write it below the head of its section, like [proxy]".into(),
            };
            return self.refuse(span, format!("{name} stands before any section"), fix);
        }
        if let Some(why) = catalog::unbuilt::key(name) {
            return self.refuse(span, format!("[{name}] {why}"), "take the section out");
        }
        let meant = match name {
            "databases" | "pools" | "pool" => Some(Section::Database),
            "users" => Some(Section::User),
            "servers" => Some(Section::Server),
            "targets" => Some(Section::Target),
            _ => None,
        };
        self.raw.tried.extend(meant);
        let fix = match name {
            "pgbouncer" | "connwarden" | "general" | "global" => "its settings go into [proxy]".into(),
            _ if meant.is_some() => format!("write {}, one for each", meant.map_or("", Section::head)),
            _ => match suggest::nearest(name, Section::ALL.map(Section::word)) {
                Some(near) => format!("did you mean [{near}]?"),
                None => {
                    format!("the sections: {}", Section::ALL.map(Section::head).join(" "))
                }
            },
        };
        self.refuse(span, format!("there is no section [{name}]"), fix);
    }

    fn named(&mut self, section: Section, table: &DeTable<'_>, span: Range<usize>) {
        if table.is_empty() {
            self.raw.tried.push(section);
            let fix = format!("write {}", example(section));
            return self.refuse(span, format!("[{section}] needs a name"), fix);
        }
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let known = catalog::find(section, name).is_some();
            match value.get_ref() {
                // `[user] password = { env = "X" }` is a setting without a name above it, not a user called password.
                DeValue::Table(inner) if !(known && secret_source(inner)) => {
                    self.section((section, Some(name.into())), inner, key.span());
                }
                _ if known => {
                    self.raw.tried.push(section);
                    let fix = format!("write {} above it", example(section));
                    self.refuse(key.span(), format!("{name} stands in a [{section}] without a name"), fix);
                }
                _ => {
                    self.raw.tried.push(section);
                    let fix =
                        format!("write {} on a line of its own and the settings below", example(section));
                    self.refuse(key.span(), format!("[{section}] holds names, and {name:?} is none"), fix);
                }
            }
        }
    }

    fn section(&mut self, head: Head, table: &DeTable<'_>, span: Range<usize>) {
        self.raw.heads.push((head.clone(), Place::File(span)));
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let Some(setting) = catalog::find(head.0, name) else {
                self.mistakes.push(unknown(head.0, name, Place::File(key.span())));
                continue;
            };
            let what = match (value.get_ref(), setting.kind) {
                (DeValue::Table(inner), Kind::Secret) => self.secret(name, inner, value.span()),
                (value, _) => What::Value(given(value)),
            };
            let place = Place::File(value.span());
            self.raw.entries.push(Entry { head: head.clone(), key: setting.key, what, place });
        }
    }

    /// `{ env = "NAME" }` or `{ file = "/path" }`.
    fn secret(&mut self, key: &str, table: &DeTable<'_>, span: Range<usize>) -> What {
        let mut parts = table.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref().as_str()));
        let found = match (parts.next(), parts.next()) {
            (Some(("env", Some(name))), None) if !name.is_empty() => What::SecretEnv(name.to_owned()),
            (Some(("file", Some(path))), None) if !path.is_empty() => What::SecretFile(path.into()),
            _ => What::Broken,
        };
        if found == What::Broken {
            let fix = format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"/path\" }}");
            self.refuse(span, format!("{key}: this does not say where the secret is"), fix);
        }
        found
    }
}

fn secret_source(table: &DeTable<'_>) -> bool {
    table.iter().any(|(key, _)| matches!(key.get_ref().as_ref(), "env" | "file"))
}

/// A head as one would write it.
fn example(section: Section) -> &'static str {
    match section {
        Section::Proxy => "[proxy]",
        Section::Server => "[server.main]",
        Section::Database => "[database.shop]",
        Section::User => "[user.app]",
        Section::Admin => "[admin]",
        Section::Target => "[target.prod]",
        Section::Checks => "[checks]",
    }
}

fn given(value: &DeValue<'_>) -> Given {
    match value {
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Given::Integer(number),
            Err(_) => Given::Other("a number without end"),
        },
        DeValue::Boolean(switch) => Given::Switch(*switch),
        DeValue::Array(list) => {
            let texts = list.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map_or(Given::Other("a list with more than texts"), Given::List)
        }
        DeValue::Float(_) => Given::Other("a fraction"),
        DeValue::Datetime(_) => Given::Other("a date"),
        DeValue::Table(_) => Given::Other("a table"),
    }
}
