//! systemd units.

use std::collections::BTreeMap;
use std::sync::Arc;

use self::unit::{Unit, Value};
use super::dotenv::{self, Dialect};
use super::findings::Findings;
use super::{Found, World};
use crate::deployed::Deployed;
use crate::place::{FILE_BYTES_MAX, beside};
use crate::{
    Container, Finding, Level, Life, Number, Overlap, Place, Replicas, Rule, Stage, Text, Variable, Workload,
};

mod command;
mod limits;
mod unit;

/// A unit that could not be read, or a line of one.
pub const UNREADABLE: Rule = Rule {
    id: "SYSTEMD001",
    level: Level::Error,
    summary: "A systemd unit, or a line of it, could not be read.",
};

/// What a unit is told and no file given shows.
pub const UNSEEN: Rule = Rule {
    id: "SYSTEMD002",
    level: Level::Warning,
    summary: "A systemd unit is told something that is not among the files given.",
};

/// How many commands of a unit are read. Each gets a copy of the environment.
const COMMANDS_MAX: usize = 50;
/// Bytes of all those copies, at most.
const COPIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What a unit runs, with the environment files it names.
pub fn read(path: &str, world: &World<'_>) -> Found {
    read_with(path, &[], world)
}

/// What a unit runs with drop-ins (`NAME.service.d/*.conf`) laid over it, in their order.
pub fn read_with(path: &str, drop_ins: &[&str], world: &World<'_>) -> Found {
    let mut reading = Reading { world, findings: Findings::default() };
    let file: Arc<str> = path.into();
    let mut unit = Unit::default();
    let mut readable = true;
    for path in std::iter::once(&path).chain(drop_ins) {
        let file: Arc<str> = (*path).into();
        match reading.text(&file) {
            Ok(text) => unit.add(&file, &text, &mut reading.findings),
            Err(why) => {
                let message = format!("{file} could not be read: {why}");
                let place = Place::whole(&file);
                reading.findings.push(Finding::at(&UNREADABLE, &place, message, "name a .service file"));
                readable = false;
            }
        }
    }
    let workloads: Vec<Workload> =
        if readable { reading.workload(&file, &unit).into_iter().collect() } else { Vec::new() };
    Found { deployed: Deployed { workloads }, findings: reading.findings.into_vec() }
}

struct Reading<'w> {
    world: &'w World<'w>,
    findings: Findings,
}

impl Reading<'_> {
    fn text(&self, file: &str) -> Result<Arc<str>, String> {
        let text = self.world.files.text(file)?;
        match u64::try_from(text.len()) {
            Ok(bytes) if bytes <= FILE_BYTES_MAX => Ok(text),
            _ => Err("it is longer than 4 MiB".into()),
        }
    }

    fn wrong(&mut self, place: &Place, message: impl Into<String>, fix: &'static str) {
        self.findings.push(Finding::at(&UNREADABLE, place, message, fix));
    }

    fn workload(&mut self, file: &Arc<str>, unit: &Unit) -> Option<Workload> {
        let Some(place) = unit.service.clone() else {
            self.wrong(&Place::whole(file), "this file has no [Service] section", "name a .service file");
            return None;
        };
        let base = file.rsplit('/').next().unwrap_or(file);
        let name = base.strip_suffix(".service").unwrap_or(base);
        let oneshot = unit.last("Type").is_some_and(|value| value.text.trim() == "oneshot");
        let timer = beside(file, &format!("{name}.timer"));
        let life = match (self.world.files.text(&timer).is_ok(), oneshot) {
            (true, _) => Life::Cron { overlaps: false },
            (false, true) => Life::Job { with_rollout: false },
            (false, false) => Life::Service(Overlap::None),
        };
        let count = match name.strip_suffix('@') {
            Some(stem) => Number::assumed(
                1,
                format!(
                    "one instance of {name}.service is assumed: no file says which of {stem}@... are enabled"
                ),
            ),
            None => Number::implied(1),
        };
        Some(Workload {
            name: name.into(),
            aliases: Vec::new(),
            standbys: Vec::new(),
            kind: "unit",
            place: place.clone(),
            replicas: Replicas::fixed(count),
            life,
            containers: self.containers(name, &place, unit, oneshot),
        })
    }

    fn containers(&mut self, name: &str, place: &Place, unit: &Unit, oneshot: bool) -> Vec<Container> {
        let mut told = Container::new(name, place.clone());
        self.environment(&mut told, unit);
        limits::put(&mut told, unit, &mut self.findings);
        let mut commands: Vec<(Stage, String, &Value)> = Vec::new();
        for (at, value) in unit.all("ExecStartPre").iter().enumerate() {
            commands.push((Stage::Init, format!("{name} ExecStartPre {}", at + 1), value));
        }
        let mains = unit.all("ExecStart");
        if mains.is_empty() {
            self.wrong(place, format!("{name} has no ExecStart"), "write ExecStart=/path/to/program");
        }
        for (at, value) in mains.iter().enumerate() {
            let last = at + 1 == mains.len();
            if !last && !oneshot {
                let fix = "keep one, or write Type=oneshot; in a drop-in, empty it first: ExecStart=";
                self.wrong(
                    &value.place(0),
                    "a second ExecStart follows, and systemd allows only one here",
                    fix,
                );
            }
            // The commands of a oneshot run one after the other.
            let (stage, name) = match last {
                true => (Stage::Main, name.to_owned()),
                false => (Stage::Init, format!("{name} ExecStart {}", at + 1)),
            };
            commands.push((stage, name, value));
        }
        let told_bytes = told.environment.iter().map(|(name, variable)| {
            // What a map of them takes beside their letters.
            size_of::<(String, Variable)>() + name.len() + variable.value.as_ref().map_or(0, String::len)
        });
        let copies_max = COPIES_BYTES_MAX / told_bytes.sum::<usize>().max(1);
        let commands_max = COMMANDS_MAX.min(copies_max.max(1));
        if commands.len() > commands_max {
            self.wrong(
                place,
                format!("{name} runs more than the {commands_max} commands that are read of such a unit"),
                "put them into a script",
            );
        }
        commands
            .into_iter()
            .take(commands_max)
            .map(|(stage, name, value)| {
                let command = command::words(value, &told, &mut self.findings);
                Container { name, stage, command, place: value.place(0), ..told.clone() }
            })
            .collect()
    }

    fn environment(&mut self, container: &mut Container, unit: &Unit) {
        for value in unit.all("Environment") {
            for word in command::split(value, &mut self.findings) {
                let place = value.place(word.begin);
                match word.text.split_once('=') {
                    Some((name, text)) => {
                        let variable = Variable { value: Some(text.into()), place };
                        container.environment.insert(name.into(), variable);
                    }
                    None => self.wrong(
                        &place,
                        "a word of Environment has no '='",
                        "write \"NAME=value\", in quotes if the value holds blanks",
                    ),
                }
            }
        }
        for value in unit.all("PassEnvironment") {
            for word in command::split(value, &mut self.findings) {
                let place = value.place(word.begin);
                container.environment.entry(word.text).or_insert(Variable { value: None, place });
            }
        }
        for value in unit.all("EnvironmentFile") {
            self.environment_file(container, value);
        }
    }

    fn environment_file(&mut self, container: &mut Container, value: &Value) {
        let named = value.text.trim();
        let optional = named.starts_with('-');
        let path: Arc<str> = named.trim_start_matches('-').into();
        let place = value.place(0);
        match self.text(&path) {
            Ok(text) => {
                let settings = dotenv::literal(&path, &text, Dialect::Systemd, &mut self.findings);
                let variable = |setting: dotenv::Setting| {
                    (setting.key.text, Variable { value: setting.value, place: setting.key.place })
                };
                container.environment.extend(settings.into_iter().map(variable).collect::<BTreeMap<_, _>>());
            }
            Err(why) => {
                if !optional {
                    self.findings.push(Finding::at(
                        &UNSEEN,
                        &place,
                        format!("the environment file {path} could not be read: {why}"),
                        "give a copy of it at that path, or begin the path with - if it may be missing",
                    ));
                }
                container.unseen.push(Text::new(format!("environment file {path}"), place));
            }
        }
    }
}

#[cfg(test)]
mod tests;
