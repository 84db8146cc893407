//! What every room reads: plain, typed, complete. Built once from what was given, then shared and never changed.
//!
//! Each section below is declared by one macro: a line is at once the typed field, the catalogue's entry and the way a
//! text gets into the field.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::value::{Given, Refused, Typed};
use crate::catalog::{Change, Descent, Section, Setting};

mod checks;
mod database;
mod pool;
mod proxy;
mod server;
mod target;

pub use super::secret::SecretText;
pub use super::words::{
    AuthType, CheckQuery, Host, Limit, ListenAddr, LogFormat, Octal, Own, Percent, PoolMode, ServerClean,
};
pub use checks::Checks;
pub use database::{Admin, Database, User};
pub use pool::{Login, NoSuch, PoolSettings};
pub use proxy::Proxy;
pub use server::Server;
pub use target::Target;

/// Names that lead to the console, never to a server.
pub const RESERVED: [&str; 2] = ["connwarden", "pgbouncer"];
/// The database that answers for every name that has no section of its own.
pub const FALLBACK: &str = "*";

/// The whole configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[proxy]`.
    pub proxy: Proxy,
    /// `[server.NAME]`.
    pub servers: BTreeMap<Arc<str>, Arc<Server>>,
    /// `[database.NAME]`, the fallback `*` included.
    pub databases: BTreeMap<Arc<str>, Arc<Database>>,
    /// `[user.NAME]` and the user list.
    pub users: BTreeMap<Arc<str>, Arc<User>>,
    /// `[admin]`.
    pub admin: Admin,
    /// `[target.NAME]`. A DSN that is kept elsewhere is not fetched here: [`super::load::target`] does.
    pub targets: BTreeMap<Arc<str>, Arc<Target>>,
    /// `[checks]`.
    pub checks: Checks,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            proxy: Proxy::with_defaults(),
            servers: BTreeMap::new(),
            databases: BTreeMap::new(),
            users: BTreeMap::new(),
            admin: Admin::with_defaults(),
            targets: BTreeMap::new(),
            checks: Checks::with_defaults(),
        }
    }
}

impl Config {
    /// All defaults, a server `main` on 127.0.0.1:5432, every database on it, and a user `app` with the password `app`.
    pub fn for_tests() -> Self {
        let mut config = Self::default();
        config.add_server(Server {
            host: Host::Ip([127, 0, 0, 1].into()),
            ..Server::with_defaults("main".into())
        });
        config.add_database(Database { server: "main".into(), ..Database::with_defaults(FALLBACK.into()) });
        let password = Some(SecretText::new("app".into()));
        config.add_user(User { password, ..User::with_defaults("app".into()) });
        config
    }

    /// Puts a server in, in place of one of the same name.
    pub fn add_server(&mut self, server: Server) {
        self.servers.insert(server.name.clone(), Arc::new(server));
    }
    /// Puts a database in, in place of one of the same name.
    pub fn add_database(&mut self, database: Database) {
        self.databases.insert(database.name.clone(), Arc::new(database));
    }
    /// Puts a user in, in place of one of the same name.
    pub fn add_user(&mut self, user: User) {
        self.users.insert(user.name.clone(), Arc::new(user));
    }

    /// Puts a target in, in place of one of the same name.
    pub fn add_target(&mut self, target: Target) {
        self.targets.insert(target.name.clone(), Arc::new(target));
    }

    /// True where there is something for the commands that look at servers, and nothing for the proxy to serve.
    pub fn is_for_looking_only(&self) -> bool {
        (!self.targets.is_empty() || self.checks != Checks::with_defaults())
            && self.servers.is_empty()
            && self.databases.is_empty()
            && self.users.is_empty()
    }

    /// Joins the user list's `(name, secret)` entries. A password of `[user.NAME]` wins over the list's.
    pub fn add_userlist(&mut self, entries: impl IntoIterator<Item = (String, String)>) {
        for (name, secret) in entries {
            let user = self
                .users
                .entry(name.into())
                .or_insert_with_key(|name| Arc::new(User::with_defaults(name.clone())));
            if user.password.is_none() {
                Arc::make_mut(user).password =
                    Some(SecretText::new(secret)).filter(|s| !s.expose().is_empty());
            }
        }
    }

    /// The rows of SHOW CONFIG: each setting of `[proxy]` and `[admin]` with its present value, by key.
    pub fn texts(&self) -> Vec<(&'static Setting, String)> {
        let mut rows = self.proxy.texts();
        rows.extend(self.admin.texts());
        rows.sort_by_key(|(setting, _)| setting.key);
        rows
    }

    /// Keys of settings that differ in `new` and only count from the next start on.
    pub fn boot_changes(&self, new: &Config) -> Vec<&'static str> {
        let pairs = self.proxy.texts().into_iter().zip(new.proxy.texts());
        pairs
            .filter(|((setting, old), (_, new))| setting.change == Change::Boot && old != new)
            .map(|((setting, _), _)| setting.key)
            .collect()
    }

    /// Replaces the settings that only count from the next start on by those of `old`, the running process's.
    pub fn keep_boot_settings(&mut self, old: &Config) {
        self.proxy.keep_boot_settings(&old.proxy);
    }
}

/// Declares a section: its struct, its part of the catalogue, and the way from text to field and back.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $section:ident $Name:ident ( $($extra:ident : $extra_ty:ty = $extra_doc:literal)? ) {
            $($key:ident : $ty:ty = $default:literal, $change:ident, $descent:expr, $meaning:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Name {
            $(#[doc = $extra_doc] pub $extra: $extra_ty,)?
            $(#[doc = $meaning] pub $key: $ty,)*
        }

        impl $Name {
            /// Every setting of the section, in the order of the documents.
            pub const SETTINGS: &'static [Setting] = &[$(Setting {
                key: stringify!($key),
                section: Section::$section,
                kind: <$ty as Typed>::KIND,
                default: $default,
                change: Change::$change,
                descent: $descent,
                meaning: $meaning,
            }),*];

            /// Every setting at its default.
            pub fn with_defaults($($extra: $extra_ty)?) -> Self {
                Self {
                    $($extra,)?
                    $($key: super::default_of(stringify!($key), $default),)*
                }
            }

            /// Reads one value into its field. `None`: no such key here.
            pub fn set(&mut self, key: &str, given: &Given) -> Option<Result<(), Refused>> {
                Some(match key {
                    $(stringify!($key) => <$ty as Typed>::read(given).map(|value| self.$key = value),)*
                    _ => return None,
                })
            }

            /// Every setting with its present value; secrets print `***`.
            pub fn texts(&self) -> Vec<(&'static Setting, String)> {
                let texts = [$(Typed::text(&self.$key)),*];
                Self::SETTINGS.iter().zip(texts).collect()
            }

            /// Takes over what counts only from the next start on.
            pub fn keep_boot_settings(&mut self, old: &Self) {
                $(if matches!(Change::$change, Change::Boot) { self.$key = old.$key.clone(); })*
            }
        }
    };
}
use section;

/// Reads a declared default. That every one of them can be read is tested.
fn default_of<T: Typed>(key: &str, text: &'static str) -> T {
    match T::read(&Given::Word(text.into())) {
        Ok(value) => value,
        Err(refused) => panic!("the default of {key} can be read: {}", refused.problem),
    }
}

/// Short names for the declarations.
const SAME: Descent = Descent::Same;
const OURS: Descent = Descent::Ours;
const fn was(default: &'static str) -> Descent {
    Descent::Was(default)
}

#[cfg(test)]
mod tests;
