//! Where each value came from.

use std::fmt;
use std::sync::Arc;

use super::checked::Config;
use super::raw::Head;
use super::report::Place;
use crate::catalog::{Kind, Section, Setting};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// `connwarden.toml:12`.
    File(String, usize),
    /// A variable of the environment.
    Environment(String),
    /// An option of the command line.
    CommandLine(String),
    /// The user list.
    Userlist(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File(path, line) => write!(f, "{path}:{line}"),
            Origin::Environment(name) => write!(f, "${name}"),
            Origin::CommandLine(option) => f.write_str(option),
            Origin::Userlist(path) => write!(f, "user list {path}"),
        }
    }
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its section.
    pub head: Head,
    /// Which setting.
    pub setting: &'static Setting,
    /// The value as text; `***` for a secret.
    pub text: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Every value of a configuration, in the order of the documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explained {
    /// The values.
    pub rows: Vec<Row>,
}

impl Explained {
    /// Lines the configuration's values up; `origin` is asked for each.
    pub fn of(config: &Config, origin: impl Fn(&Head, &str) -> Origin) -> Self {
        let mut rows = Vec::new();
        let mut add = |head: Head, texts: Vec<(&'static Setting, String)>| {
            for (setting, text) in texts {
                let origin = origin(&head, setting.key);
                rows.push(Row { head: head.clone(), setting, text, origin });
            }
        };
        add((Section::Proxy, None), config.proxy.texts());
        for (name, server) in &config.servers {
            add((Section::Server, Some(name.clone())), server.texts());
        }
        for (name, database) in &config.databases {
            add((Section::Database, Some(name.clone())), database.texts());
        }
        for (name, user) in &config.users {
            add((Section::User, Some(name.clone())), user.texts());
        }
        add((Section::Admin, None), config.admin.texts());
        for (name, target) in &config.targets {
            add((Section::Target, Some(name.clone())), target.texts());
        }
        add((Section::Checks, None), config.checks.texts());
        Self { rows }
    }

    /// As a file that says the same, each line with its origin behind it. `changed`: without the defaults.
    pub fn to_toml(&self, changed: bool) -> String {
        let shown = |row: &&Row| {
            let inherited = row.head.0.is_named() && row.setting.default.is_empty() && row.text.is_empty();
            row.origin != Origin::Default || !(changed || inherited)
        };
        let mut out = String::new();
        let mut last: Option<&Head> = None;
        // A section with a name says something by being there, even without a value.
        for row in self.rows.iter().filter(|row| row.head.0.is_named() || shown(row)) {
            if last != Some(&row.head) {
                out.push_str(if last.is_some() { "\n" } else { "" });
                out.push_str(&format!("{}\n", head(&row.head)));
                last = Some(&row.head);
            }
            if !shown(&row) {
                continue;
            }
            let assignment = format!("{} = {}", row.setting.key, value(row.setting.kind, &row.text));
            out.push_str(&format!("{assignment:<44} # {}\n", row.origin));
        }
        out
    }
}

/// The origin that a place stands for.
pub fn origin(path: &str, line: impl Fn(usize) -> usize, place: &Place) -> Origin {
    match place {
        Place::File(span) => Origin::File(path.to_owned(), line(span.start)),
        Place::CommandLine(option) => Origin::CommandLine(option.clone()),
        Place::Environment(name) => Origin::Environment(name.clone()),
        Place::Whole => Origin::Default,
    }
}

fn head((section, name): &Head) -> String {
    match name {
        None => format!("[{section}]"),
        Some(name) => format!("[{section}.{}]", key(name)),
    }
}

/// A name as TOML takes it: bare where that is possible.
pub fn key(name: &Arc<str>) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if bare { name.to_string() } else { quote(name) }
}

/// A text between quotes.
pub fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value's text as TOML takes it.
pub fn value(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Count | Kind::Limit | Kind::Switch => text.to_owned(),
        Kind::List | Kind::Addresses => {
            let items: Vec<String> = text.split(", ").filter(|item| !item.is_empty()).map(quote).collect();
            match items.as_slice() {
                [one] if kind == Kind::Addresses => one.clone(),
                many => format!("[{}]", many.join(", ")),
            }
        }
        _ => quote(text),
    }
}
