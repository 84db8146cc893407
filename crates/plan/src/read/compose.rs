//! Compose files, as the Compose specification and `docker compose` read them.
//!
//! The way of a file: its YAML ([`load`]), variables filled in ([`fill`]), its shape held against the known keys
//! ([`schema`]), what it includes and extends brought in, and then merged over the files before it ([`merge`]). What
//! comes out is one tree of services, of which [`service`] makes workloads.

use super::{Found, World};
use crate::{Finding, Level, Place, Rule};

mod command;
mod deploy;
mod environment;
mod extends;
mod fill;
mod include;
mod life;
mod load;
mod merge;
mod mounts;
mod nearest;
mod project;
mod references;
mod schema;
mod service;
mod tags;

/// A variable in a compose file.
pub const VARIABLE: Rule = Rule {
    id: "COMPOSE101",
    level: Level::Warning,
    summary: "A compose file names a variable that is not set, or names it wrongly.",
};

/// A key that means nothing.
pub const UNKNOWN_KEY: Rule = Rule {
    id: "COMPOSE102",
    level: Level::Warning,
    summary: "A compose file holds a key that compose does not know.",
};

/// A value of a wrong kind.
pub const WRONG_TYPE: Rule = Rule {
    id: "COMPOSE103",
    level: Level::Error,
    summary: "A value in a compose file is of a kind it cannot be.",
};

/// A file that is named and is not there.
pub const MISSING_FILE: Rule = Rule {
    id: "COMPOSE104",
    level: Level::Error,
    summary: "A compose file names a file that could not be read.",
};

/// Files or services that need themselves.
pub const CYCLE: Rule = Rule {
    id: "COMPOSE105",
    level: Level::Error,
    summary: "Services or files extend or include themselves.",
};

/// A name nobody has.
pub const UNKNOWN_NAME: Rule = Rule {
    id: "COMPOSE106",
    level: Level::Error,
    summary: "A compose file names a service, a config or a secret that is not there, or is switched off.",
};

/// A command that cannot be split, or loses its end.
pub const COMMAND: Rule = Rule {
    id: "COMPOSE107",
    level: Level::Error,
    summary: "A command given as one string is not split into the words it seems to hold.",
};

/// Two settings that cannot both be meant.
pub const CONFLICT: Rule = Rule {
    id: "COMPOSE108",
    level: Level::Error,
    summary: "Two settings of a service contradict each other.",
};

/// Nothing to run.
pub const NO_SERVICE: Rule =
    Rule { id: "COMPOSE109", level: Level::Error, summary: "The compose files given run no service." };

/// Too much.
pub const TOO_LARGE: Rule = Rule {
    id: "COMPOSE110",
    level: Level::Error,
    summary: "Compose files, with all they include and extend, are beyond the limits of a deployment's description.",
};

/// Every rule of this reader.
pub const RULES: [&Rule; 10] = [
    &VARIABLE,
    &UNKNOWN_KEY,
    &WRONG_TYPE,
    &MISSING_FILE,
    &CYCLE,
    &UNKNOWN_NAME,
    &COMMAND,
    &CONFLICT,
    &NO_SERVICE,
    &TOO_LARGE,
];

/// What compose files deploy together: later ones are merged over earlier ones, as `docker compose -f A -f B` does.
pub fn read(paths: &[&str], world: &World<'_>) -> Found {
    let mut project = project::Project::new(world);
    let Some((tree, environment)) = load::all(&mut project, paths) else {
        if let Some(path) = paths.first().filter(|_| project.findings.is_empty()) {
            let fix = "name the file that holds services:";
            let place = Place::whole(&(*path).into());
            project.findings.push(Finding::at(&NO_SERVICE, &place, "nothing stands in these files", fix));
        }
        return project.found(Vec::new());
    };
    let workloads = service::workloads(&mut project, &tree, &environment);
    project.found(workloads)
}
