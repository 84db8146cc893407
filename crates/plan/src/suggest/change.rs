//! What services are told, and where that stands: a variable to set, or a number in a file.

use super::pools::{Sized, is_sized, is_whole, opener_of, variable_of};
use super::{Wanted, lines, proxy};
use crate::budget::{Row, Runs, ServerBudget};
use crate::lint::{Age, is_asgi, is_named, is_pooled, kept};
use crate::{Looked, Place, Scene, Variable};

/// A variable of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// Which of the scene's containers.
    pub container: usize,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A number in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Where.
    pub place: Place,
    /// What stands there.
    pub old: u32,
    /// What shall stand there.
    pub new: u32,
    /// Whose it is.
    pub name: String,
}

/// Everything to be changed in services.
#[derive(Default)]
pub(super) struct Changes {
    /// In the order of the containers.
    pub set: Vec<Set>,
    /// In the order of the rows.
    pub edits: Vec<Edit>,
    /// Sentences on variables.
    pub said: Vec<String>,
}

pub(super) fn changes(scene: &Scene<'_>, budget: &ServerBudget, wanted: &Wanted, sized: &Sized) -> Changes {
    let mut changes = Changes::default();
    for (before, after) in budget.rows.iter().zip(&sized.rows) {
        if !is_sized(before) {
            continue;
        }
        changes.pool(scene, before, after);
        if before.processes.value != after.processes.value
            && let Some((looked, _)) = opener_of(scene, before)
        {
            changes.put(scene, looked, "WEB_CONCURRENCY", after.processes.value.to_string());
        }
        if after.runs == Runs::Always {
            changes.django(scene, after, wanted);
        }
        if let Some(via) = after.via.as_deref() {
            changes.redirect(scene, after, via);
        }
    }
    changes.set.sort_by(|a, b| (a.container, &a.name).cmp(&(b.container, &b.name)));
    changes.set.dedup_by(|a, b| (a.container, &a.name) == (b.container, &b.name));
    changes.said.dedup();
    changes
}

/// Parameters of connection strings that are the size of a pool.
const PARAMETERS: [&str; 9] = [
    "connection_limit",
    "max_connections",
    "pool_max_conns",
    "max_pool_size",
    "pool_size",
    "maximumPoolSize",
    "Maximum Pool Size",
    "Max Pool Size",
    "pool",
];

/// What to change where a number is a part of a variable. Of its value nothing is repeated: it may hold a password.
fn inside(row: &str, name: &str, variable: &Variable, old: u32, new: u32) -> String {
    let value = variable.value.as_deref().unwrap_or("").to_ascii_lowercase();
    let says = |parameter: &&&str| value.contains(&format!("{}={old}", parameter.to_ascii_lowercase()));
    let what = PARAMETERS.iter().find(says).copied().unwrap_or("the size of the pool");
    let place = &variable.place;
    format!("{row}: {name}: in the connection string at {place} write {what} = {new} in place of {old}")
}

impl Changes {
    fn put(&mut self, scene: &Scene<'_>, looked: &Looked<'_>, name: &str, value: String) {
        let own = |other: &Looked<'_>| std::ptr::eq(other.container, looked.container);
        let Some(container) = scene.looked.iter().position(own) else { return };
        self.set.push(Set { container, name: name.to_owned(), value });
    }

    /// Wherever its size is written: the plan file may say it over a variable.
    fn pool(&mut self, scene: &Scene<'_>, before: &Row, after: &Row) {
        let new = after.pool.value;
        let variable = variable_of(scene, before);
        if let Some((looked, name)) = variable {
            self.put(scene, looked, name, new.to_string());
        }
        let opener = opener_of(scene, before).map(|(_, opener)| &opener.pool.most);
        let mut places: Vec<&Place> = Vec::new();
        for number in [Some(&before.pool), opener].into_iter().flatten() {
            let Some(place) = number.place().filter(|place| !places.contains(place)) else { continue };
            places.push(place);
            if number.value == new {
                continue;
            }
            let environment = opener_of(scene, before).map(|(looked, _)| &looked.container.environment);
            let held: Vec<_> =
                environment.into_iter().flatten().filter(|(_, variable)| variable.place == *place).collect();
            if held.iter().any(|(_, variable)| is_whole(variable, number)) {
                continue;
            }
            match held.first() {
                Some((name, variable)) => {
                    self.said.push(inside(&before.name, name, variable, number.value, new));
                }
                None => {
                    let edit =
                        Edit { place: place.clone(), old: number.value, new, name: before.name.clone() };
                    self.edits.push(edit);
                }
            }
        }
        self.threads(scene, before, new);
        let old = before.pool.value;
        if !places.is_empty() || old == new {
            return;
        }
        self.said.push(match before.pool.assumption() {
            Some(why) => format!("{}: write {new} where this was assumed: {why}", before.name),
            None => format!("{}: {new} instead of {old} follows from its threads: lower those", before.name),
        });
    }

    /// Without a pool Django opens a connection for each thread: no more threads than connections.
    fn threads(&mut self, scene: &Scene<'_>, row: &Row, most: u32) {
        let Some((looked, _)) =
            opener_of(scene, row).filter(|(looked, one)| one.what.contains("Django") && !is_pooled(looked))
        else {
            return;
        };
        let words = &looked.container.command;
        for (at, word) in words.iter().enumerate() {
            let Some(rest) = word.text.strip_prefix("--threads") else { continue };
            let value = match rest.strip_prefix('=') {
                Some(value) => Some((value, &word.place)),
                None => words
                    .get(at + 1)
                    .filter(|_| rest.is_empty())
                    .map(|next| (next.text.as_str(), &next.place)),
            };
            let Some((Ok(old), place)) = value.map(|(text, place)| (text.trim().parse::<u32>(), place))
            else {
                continue;
            };
            let known = self.edits.iter().any(|edit| edit.place == *place);
            if old > most && !known {
                self.said.push(format!(
                    "{}: --threads = {most}: Django opens a connection for each thread",
                    row.name
                ));
                self.edits.push(Edit { place: place.clone(), old, new: most, name: row.name.clone() });
            }
        }
    }

    /// How long Django keeps a connection, how long it waits for one, and what it is called.
    fn django(&mut self, scene: &Scene<'_>, row: &Row, wanted: &Wanted) {
        let Some((looked, opener)) = opener_of(scene, row).filter(|(_, one)| one.what.contains("Django"))
        else {
            return;
        };
        let (age, because) = match (is_pooled(looked), is_asgi(looked, opener)) {
            (true, _) => (0, "Django's pool has its own, and refuses another".to_owned()),
            (false, true) => (0, "under ASGI nobody takes a connection that stays behind".to_owned()),
            (false, false) => {
                (wanted.preset.process().connection_age_max.as_secs(), format!("{}'s", wanted.preset.name()))
            }
        };
        let name = &row.name;
        self.said.push(format!("{name}: CONN_MAX_AGE = {age}: {because}"));
        self.age(scene, looked, age, name);
        let said = looked.container.files.values().any(|file| file.text.contains("connect_timeout"));
        if !said && !looked.container.environment.contains_key("PGCONNECT_TIMEOUT") {
            self.said.push(format!(
                "{name}: PGCONNECT_TIMEOUT = 10: libpq waits for minutes for a server that does not answer"
            ));
            self.put(scene, looked, "PGCONNECT_TIMEOUT", "10".to_owned());
        }
        if !is_named(looked, opener) {
            let own = row.applications.first().filter(|own| !own.contains('*')).unwrap_or(name);
            self.said.push(format!(
                "{name}: PGAPPNAME = {own}: Django sends no name, and on a full server the name tells whose sessions they are"
            ));
            self.put(scene, looked, "PGAPPNAME", own.clone());
        }
    }

    /// In the settings file, where the number itself stands there; else in the variable.
    fn age(&mut self, scene: &Scene<'_>, looked: &Looked<'_>, age: u64, name: &str) {
        let written = kept(scene, looked).and_then(|(place, now)| {
            let Age::Seconds(now) = now else { return None };
            let now = u32::try_from(now).ok()?;
            lines::number(scene.line(&place)?, 1, now, 0).map(|_| (place, now))
        });
        let in_file = written.filter(|(place, _)| place.file.ends_with(".py"));
        match (in_file, u32::try_from(age)) {
            (Some((place, old)), Ok(new)) if old != new => {
                self.edits.push(Edit { place, old, new, name: name.to_owned() });
            }
            (Some(_), _) => {}
            (None, _) => self.put(scene, looked, "CONN_MAX_AGE", age.to_string()),
        }
    }

    /// To the proxy: where a variable is nothing but the host, it is set. A URL holds a password, and is for its owner
    /// to change.
    fn redirect(&mut self, scene: &Scene<'_>, row: &Row, via: &str) {
        let host = via.split('/').next_back().unwrap_or(via);
        let listens = proxy::port(scene, via);
        let at = format!("{host}:{listens}");
        let Some((looked, opener)) = opener_of(scene, row) else {
            self.said.push(format!("{}: connect to {at}", row.name));
            return;
        };
        let environment = &looked.container.environment;
        let variable = opener.to.as_ref().and_then(|to| {
            environment.iter().find(|(_, variable)| {
                variable.place == to.place && variable.value.as_deref() == Some(to.host.as_str())
            })
        });
        let Some((name, _)) = variable else {
            self.said.push(format!("{}: point its connection string at {at}", row.name));
            return;
        };
        self.put(scene, looked, name, host.to_owned());
        let port = [("HOST", "PORT"), ("host", "port")].into_iter().find(|(word, _)| name.contains(word));
        match port.map(|(word, with)| name.replace(word, with)) {
            Some(port) => {
                self.said.push(format!("{}: {name} = {host} and {port} = {listens}: the pooler", row.name));
                self.put(scene, looked, &port, listens.to_string());
            }
            None => self.said.push(format!("{}: {name} = {host}: the pooler, on port {listens}", row.name)),
        }
    }
}
