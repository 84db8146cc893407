//! What a startup packet asks for, as far as we serve it.

use std::sync::Arc;

use model::config::checked::Config;
use wire::auth::scram::ClientKey;
use wire::sqlstate::SqlState;
use wire::startup::{self, OptionsError, Setting, Startup, parse_options};

use super::{Parameter, Proven, accounts};
use crate::orders::{PoolKey, Replication};
use crate::refuse::Refusal;

/// What PgBouncer keeps apart for each client, beside `track_extra_parameters`.
const TRACKED: [&str; 5] =
    ["application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"];

/// PgBouncer's words for switches that are no settings.
const ONLY_SETTINGS: &str =
    "unsupported options startup parameter: only '-c config=val' and '--config=val' are allowed";

/// A startup packet that can be served, if its sender is who it says.
pub(super) struct Asked {
    /// As the client names itself.
    pub(super) user: Arc<str>,
    /// As the client names it.
    pub(super) database: Arc<str>,
    replication: Replication,
    /// The minor version that is spoken.
    pub(super) minor: u16,
    parameters: Vec<Parameter>,
}

impl Asked {
    /// Judges what needs no proof of who is asking.
    pub(super) fn of(startup: &Startup<'_>, config: &Config) -> Result<Self, Refusal> {
        Ok(Self {
            user: name("user", startup.user)?,
            database: name("database", startup.database)?,
            replication: match startup.replication {
                startup::Replication::No => Replication::No,
                startup::Replication::Physical => Replication::Physical,
                startup::Replication::Database => Replication::Logical,
            },
            minor: startup::negotiated(startup.minor),
            parameters: parameters(startup, config)?,
        })
    }

    /// The proof is there.
    pub(super) fn proven(self, client_key: Option<ClientKey>) -> Proven {
        let Self { user, database, replication, minor, parameters } = self;
        let client_key = client_key.map(|key| *key.bytes());
        Proven { key: PoolKey { database, user, replication }, minor, parameters, client_key }
    }
}

fn name(field: &str, bytes: &[u8]) -> Result<Arc<str>, Refusal> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Refusal::BadStartup {
            code: SqlState::PROTOCOL_VIOLATION,
            text: format!("{field} name in startup packet is not UTF-8").into(),
        }),
    }
}

/// The settings of `options`, then those of the packet, which override them.
fn parameters(startup: &Startup<'_>, config: &Config) -> Result<Vec<Parameter>, Refusal> {
    let packet = &startup.settings;
    let mut all = options(startup.options.unwrap_or_default(), config)?;
    all.retain(|(early, _)| !packet.iter().any(|(late, _)| late.eq_ignore_ascii_case(early)));
    let mut parameters = Vec::with_capacity(all.len() + packet.len());
    let options = all.iter().map(|(name, value)| (&name[..], &value[..]));
    for (name, value) in options.chain(packet.iter().copied()) {
        let folded = name.to_ascii_lowercase();
        let text = std::str::from_utf8(&folded).ok().filter(|name| is_setting(name));
        match text {
            Some(text) if accounts::ignores(config, text) => {}
            Some(text) => parameters.push((text.into(), value.into())),
            None => return Err(Refusal::UnsupportedParameter(String::from_utf8_lossy(name).into())),
        }
    }
    Ok(parameters)
}

/// `options`, taken apart. With `options` in `ignore_startup_parameters`, only what PgBouncer tracks is kept of them,
/// and what cannot be taken apart is nothing.
fn options(text: &[u8], config: &Config) -> Result<Vec<Setting>, Refusal> {
    let ignored = accounts::ignores(config, "options");
    match parse_options(text) {
        Ok(mut settings) => {
            settings.retain(|(name, _)| !ignored || is_tracked(name, config));
            Ok(settings)
        }
        Err(_) if ignored => Ok(Vec::new()),
        Err(error) => {
            let text = match &error {
                OptionsError::Unknown { .. } => ONLY_SETTINGS.into(),
                OptionsError::NoValue { .. } | OptionsError::NoName | OptionsError::TooMany { .. } => {
                    error.to_string().into()
                }
            };
            Err(Refusal::BadStartup { code: error.code(), text })
        }
    }
}

fn is_tracked(name: &[u8], config: &Config) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| {
        TRACKED.iter().any(|tracked| tracked.eq_ignore_ascii_case(name)) || accounts::tracks(config, name)
    })
}

/// Could it be a setting? `a`, or `a.b` of an extension.
fn is_setting(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii())
    };
    name.split('.').all(part)
}
