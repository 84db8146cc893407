//! The server's settings for a preset, and how many slots that makes.

use model::preset::{BACKEND_BYTES, MEMORY_PERCENT, RESERVED, SUPERUSER_RESERVED};
use model::size::size;

use super::Wanted;
use crate::budget::{ServerBudget, reached_as};
use crate::pools::Server;
use crate::{Looked, Scene};

/// Without a tag that says more: settings of later versions are left out.
const MAJOR_ASSUMED: u32 = 13;

/// What the server is given.
pub(super) struct Sheet<'s, 'a> {
    /// Its container, if it is among what is deployed.
    pub found: Option<(&'s Looked<'a>, &'s Server)>,
    /// Its settings, each with its sentence.
    pub settings: Vec<Line>,
    /// Slots that ordinary roles can get.
    pub usable: u32,
    /// What else is to be known.
    pub notes: Vec<String>,
}

/// A setting with the sentence why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// Its value, as PostgreSQL's files have it.
    pub value: String,
    /// Why.
    pub because: String,
}

/// The container of the server whose budget this is.
fn found<'s, 'a>(scene: &'s Scene<'a>, budget: &ServerBudget) -> Option<(&'s Looked<'a>, &'s Server)> {
    let mut servers = scene.servers();
    match &budget.host {
        Some(host) => servers.find(|(looked, _)| reached_as(looked.workload, host)),
        None => servers.next(),
    }
}

pub(super) fn sheet<'s, 'a>(scene: &'s Scene<'a>, budget: &ServerBudget, wanted: &Wanted) -> Sheet<'s, 'a> {
    let found = found(scene, budget);
    let limit =
        found.and_then(|(looked, _)| looked.container.memory_bytes_max.as_ref()).map(|(bytes, _)| *bytes);
    let memory = limit.or(wanted.memory_bytes);
    let tag =
        found.and_then(|(looked, _)| looked.container.image.as_ref()).and_then(|image| major(&image.text));
    let major = tag.unwrap_or(MAJOR_ASSUMED);
    let server = wanted.preset.server();
    let mut sized = server.sized(memory, BACKEND_BYTES);
    // A server of somebody else's keeps the slots it has.
    let given = budget.slots.as_ref().filter(|_| found.is_none());
    if let Some(slots) = given {
        sized.connections_max = slots.connections_max.value;
    }
    let because = Because {
        wanted,
        memory,
        limited: limit.is_some(),
        given: given.is_some(),
        slots: sized.connections_max,
    };
    let lines = server.settings(&sized, major).into_iter();
    let settings: Vec<Line> =
        lines.map(|(name, value)| Line { name, value, because: because.of(name) }).collect();
    let mut notes = Vec::new();
    if tag.is_none() {
        notes.push(
            "no image's tag tells the server's version: settings that came with 14 and 16 are left out"
                .to_owned(),
        );
    }
    let kept = if major >= 16 { SUPERUSER_RESERVED + RESERVED } else { SUPERUSER_RESERVED };
    let usable = match given {
        Some(slots) => slots.usable(),
        None => sized.connections_max.saturating_sub(kept),
    };
    Sheet { found, settings, usable, notes }
}

/// What the sentences depend on.
struct Because<'a> {
    wanted: &'a Wanted,
    memory: Option<u64>,
    limited: bool,
    given: bool,
    slots: u32,
}

impl Because<'_> {
    fn of(&self, name: &str) -> String {
        let preset = self.wanted.preset.name();
        match name {
            "max_connections" => self.slots(),
            "superuser_reserved_connections" => "slots for people when all others are taken".to_owned(),
            "reserved_connections" => {
                "slots for roles with pg_use_reserved_connections: monitoring gets in when it is needed".to_owned()
            }
            "shared_buffers" => self.share("a quarter"),
            "effective_cache_size" => format!("{}; it is what the planner counts on, nothing is taken", self.share("three quarters")),
            "maintenance_work_mem" => match self.memory {
                Some(memory) => format!("{preset}'s, at most a sixteenth of {}", size(memory)),
                None => format!("{preset}'s"),
            },
            "work_mem" => format!(
                "three sorts or hashes in each of {} backends share what shared_buffers leaves of {}",
                self.slots,
                self.memory.map_or_else(String::new, size)
            ),
            "idle_in_transaction_session_timeout" => {
                "a transaction whose client forgot it keeps its slot, its row locks, and vacuum from cleaning up".to_owned()
            }
            "client_connection_check_interval" => "a statement ends soon when its client is gone".to_owned(),
            _ => {
                let patience = self.wanted.preset.server().keepalives.map_or(0, |it| it.patience().as_secs());
                format!("a client that vanished gives its slot back after {patience} s, not after hours")
            }
        }
    }

    fn slots(&self) -> String {
        let preset = self.wanted.preset;
        let table = preset.server().connections_max;
        match self.memory {
            _ if self.given => "what the server has; it is not among the files, so it stays".to_owned(),
            Some(memory) if self.slots < table => format!(
                "instead of {}'s {table}: backends of {} and shared buffers shall stay below {MEMORY_PERCENT} % of {}",
                preset.name(),
                size(BACKEND_BYTES),
                size(memory)
            ),
            Some(_) | None => format!("{}'s", preset.name()),
        }
    }

    fn share(&self, part: &str) -> String {
        let preset = self.wanted.preset;
        match self.memory {
            Some(memory) => {
                let whose = if self.limited { "the container's" } else { "the" };
                match preset.server().has_its_machine {
                    true => format!("{part} of {whose} {}", size(memory)),
                    false => format!("{}'s, at most {part} of {whose} {}", preset.name(), size(memory)),
                }
            }
            None => format!(
                "{}'s for a small server: no limit says how much memory there is, and --memory 4GB scales it",
                preset.name()
            ),
        }
    }
}

/// The major version in an image's tag: `postgres:16-alpine`, `timescaledb:2.17.0-pg16`.
fn major(image: &str) -> Option<u32> {
    let image = image.split('@').next()?;
    let (name, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let digits = |text: &str| -> Option<u32> {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text.get(..end)?.parse().ok()
    };
    let said = tag.find("pg").and_then(|at| digits(tag.get(at + 2..)?));
    let named = || {
        let last = name.rsplit('/').next().unwrap_or(name);
        let own = ["postgres", "postgis", "pgvector", "spilo"].iter().any(|own| last.contains(own));
        digits(tag.trim_start_matches('v')).filter(|_| own)
    };
    said.or_else(named).filter(|major| (9..100).contains(major))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_the_major_version() {
        let of = |image| major(image);
        assert_eq!(
            (of("postgres:16"), of("postgres:15.4-alpine"), of("bitnami/postgresql:17.2.0")),
            (Some(16), Some(15), Some(17))
        );
        assert_eq!(of("timescale/timescaledb:2.17.0-pg16"), Some(16));
        assert_eq!(of("registry:5000/postgres:14@sha256:00"), Some(14));
        assert_eq!(
            (of("postgres"), of("postgres:latest"), of("registry:5000/postgres"), of("shop/db:3")),
            (None, None, None, None)
        );
    }
}
