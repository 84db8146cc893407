//! `connwarden config check | show | init`, and where a configuration is found.

use crate::cli::{CheckOptions, ShowOptions};
use crate::exit::Exit;
use crate::say;

mod found;
mod init;
mod listing;
mod outside;
mod starter;

pub(crate) use found::{Given, Refusal, target};
pub(crate) use init::init;

/// `config check`.
pub(crate) fn check(options: &CheckOptions) -> Exit {
    let given = Given::file(options.file.config.clone());
    match given.load() {
        Ok(loaded) => {
            found::warn(&loaded);
            say::out(&format!("{}: ok: {}\n", loaded.source.path, listing::summary(&loaded.config)));
            Exit::Done
        }
        Err(refusal) => refusal.say(),
    }
}

/// `config show`.
pub(crate) fn show(options: &ShowOptions) -> Exit {
    let given = Given::file(options.file.config.clone());
    match given.load() {
        Ok(loaded) => {
            found::warn(&loaded);
            let text = loaded.explained.to_toml(options.changed);
            say::out(&if text.is_empty() { "# every setting is at its default\n".to_owned() } else { text });
            Exit::Done
        }
        Err(refusal) => refusal.say(),
    }
}
