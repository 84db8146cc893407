//! Every setting, once: the same entry serves the file's check, SHOW CONFIG, `config show` and the documents.
//!
//! An entry is declared where its typed field is (`config::checked`), by one macro, so a setting without a field or a
//! field without an entry can't be written. This module only lines the entries up and finds them.

use std::fmt;

use crate::config::checked::{Admin, Checks, Database, Proxy, Server, Target, User};

pub mod metrics;
pub mod unbuilt;

/// The part of the file a setting stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// `[proxy]`: the process, and what holds where nobody says otherwise.
    Proxy,
    /// `[server.NAME]`: one PostgreSQL server.
    Server,
    /// `[database.NAME]`: what clients ask for.
    Database,
    /// `[user.NAME]`: who may log in, and what they may use.
    User,
    /// `[admin]`: who may use the console.
    Admin,
    /// `[target.NAME]`: a server that the commands look at.
    Target,
    /// `[checks]`: where warning and critical begin.
    Checks,
}

impl Section {
    /// All of them, in the order of the file.
    pub const ALL: [Section; 7] = [
        Section::Proxy,
        Section::Server,
        Section::Database,
        Section::User,
        Section::Admin,
        Section::Target,
        Section::Checks,
    ];

    /// The word in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Section::Proxy => "proxy",
            Section::Server => "server",
            Section::Database => "database",
            Section::User => "user",
            Section::Admin => "admin",
            Section::Target => "target",
            Section::Checks => "checks",
        }
    }

    /// True where the section stands once per name.
    pub const fn is_named(self) -> bool {
        match self {
            Section::Server | Section::Database | Section::User | Section::Target => true,
            Section::Proxy | Section::Admin | Section::Checks => false,
        }
    }

    /// How the section's head looks in the file.
    pub const fn head(self) -> &'static str {
        match self {
            Section::Proxy => "[proxy]",
            Section::Server => "[server.NAME]",
            Section::Database => "[database.NAME]",
            Section::User => "[user.NAME]",
            Section::Admin => "[admin]",
            Section::Target => "[target.NAME]",
            Section::Checks => "[checks]",
        }
    }

    /// Its settings, in the order of the documents.
    pub fn settings(self) -> &'static [Setting] {
        match self {
            Section::Proxy => Proxy::SETTINGS,
            Section::Server => Server::SETTINGS,
            Section::Database => Database::SETTINGS,
            Section::User => User::SETTINGS,
            Section::Admin => Admin::SETTINGS,
            Section::Target => Target::SETTINGS,
            Section::Checks => Checks::SETTINGS,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// When a change of the setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At the next start.
    Boot,
    /// At a reload.
    Reload,
}

/// How the setting stands to PgBouncer's of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descent {
    /// Same name, meaning and default.
    Same,
    /// Same name and meaning; this is the default there.
    Was(&'static str),
    /// PgBouncer has no such setting.
    Ours,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `"15s"`.
    Duration,
    /// `"15s"` or `"off"`.
    DurationOrOff,
    /// `"64KiB"`.
    Size,
    /// A whole number.
    Count,
    /// A whole number, 0 for no limit.
    Limit,
    /// `"10%"`.
    Percent,
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any text.
    Text,
    /// A list of texts.
    List,
    /// A path, or empty for none.
    Path,
    /// A permission in octal digits, `"0777"`.
    Octal,
    /// Addresses to listen on.
    Addresses,
    /// `"127.0.0.1:9930"` or `"off"`.
    SocketOrOff,
    /// A host name, an address, or the directory of a unix socket.
    Host,
    /// A secret: text, `{ env = "NAME" }` or `{ file = "/path" }`.
    Secret,
}

impl Kind {
    /// The value's form in words, with an example where that is shorter.
    pub fn words(self) -> String {
        match self {
            Kind::Duration => "a duration like \"15s\"".into(),
            Kind::DurationOrOff => "a duration like \"15s\", or \"off\"".into(),
            Kind::Size => "a size like \"64KiB\"".into(),
            Kind::Count => "a whole number".into(),
            Kind::Limit => "a whole number, 0 for no limit".into(),
            Kind::Percent => "a percentage like \"10%\"".into(),
            Kind::Switch => "true or false".into(),
            Kind::Word(words) => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
            }
            Kind::Text => "a text".into(),
            Kind::List => "a list like [\"a\", \"b\"]".into(),
            Kind::Path => "a path, or \"\" for none".into(),
            Kind::Octal => "octal digits like \"0777\"".into(),
            Kind::Addresses => "addresses like \"127.0.0.1\" or [\"10.0.0.5\", \"::1\"], or \"*\"".into(),
            Kind::SocketOrOff => "an address and port like \"127.0.0.1:9930\", or \"off\"".into(),
            Kind::Host => "a host name, an address, or \"/dir\" of a unix socket".into(),
            Kind::Secret => "a text, { env = \"NAME\" } or { file = \"/path\" }".into(),
        }
    }
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// Where it stands.
    pub section: Section,
    /// What its value looks like.
    pub kind: Kind,
    /// The default as it would be written; empty where a wider section decides, or nothing holds.
    pub default: &'static str,
    /// When a change takes effect.
    pub change: Change,
    /// How it stands to PgBouncer's.
    pub descent: Descent,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

/// Every setting, section by section.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    Section::ALL.into_iter().flat_map(|section| section.settings())
}

/// The setting of this key in this section.
pub fn find(section: Section, key: &str) -> Option<&'static Setting> {
    section.settings().iter().find(|setting| setting.key == key)
}

/// Sections other than this one that know the key.
pub fn elsewhere(section: Section, key: &str) -> Vec<Section> {
    Section::ALL.into_iter().filter(|&other| other != section && find(other, key).is_some()).collect()
}
