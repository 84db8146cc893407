//! `pgbouncer.ini` of a pooler that is there and opens too much.

use super::{Out, Set, Sized, near};
use crate::budget::Row;
use crate::suggest::lines::{self, Style};
use crate::{Looked, Text};

/// What stands in variables of the image is handed back, to be set there.
pub(super) fn write(out: &mut Out<'_, '_>, sized: &Sized, why: &mut Vec<String>) -> Vec<Set> {
    let mut set = Vec::new();
    let scene = out.scene;
    let before = || scene.budget.servers.first().into_iter().flat_map(|server| &server.rows);
    let mut found = Vec::new();
    for (looked, pooler) in
        scene.poolers().filter(|(_, it)| it.what.to_ascii_lowercase().contains("pgbouncer"))
    {
        let own = |row: &&Row| row.kind == "pooler" && row.workload == looked.workload.name;
        let (Some(old), Some(new)) = (before().find(own), sized.rows.iter().find(own)) else { continue };
        let clients: u64 = sized
            .rows
            .iter()
            .filter(|row| row.via.as_deref() == Some(new.name.as_str()))
            .map(|row| row.sums.largest())
            .fold(0, u64::saturating_add);
        // Each process lets in so many; the clients spread over all of them.
        let processes = u64::from(looked.workload.replicas.usual.value.max(1))
            .saturating_mul(u64::from(pooler.processes.value.max(1)));
        let each = clients.div_ceil(processes);
        let crowd = each.div_ceil(100).saturating_mul(100);
        let crowded = each > u64::from(pooler.clients_max.value);
        found.push((looked, old.pool.value, new.pool.value, crowded.then_some(crowd)));
    }
    for (looked, old, new, crowd) in found {
        let file =
            looked.container.files.iter().find(|(path, _)| path.ends_with(".ini")).map(|(_, file)| file);
        let mut entries: Vec<(&str, String)> = Vec::new();
        if new < old {
            let databases = file.map_or(1, databases);
            let each = (new / databases).max(1);
            let name = looked.name();
            let shared =
                if databases == 1 { String::new() } else { format!(", shared by {databases} databases") };
            why.push(format!(
                "{name}: max_db_connections = {each}: {new} server connections for each process{shared}"
            ));
            why.push(format!(
                "{name}: default_pool_size = {each}: no pool is larger than its database's share"
            ));
            entries.push(("default_pool_size", each.to_string()));
            entries.push(("max_db_connections", each.to_string()));
        }
        if let Some(crowd) = crowd {
            why.push(format!(
                "{}: max_client_conn = {crowd}: as many as its services may open",
                looked.name()
            ));
            entries.push(("max_client_conn", crowd.to_string()));
        }
        if !entries.is_empty() {
            match prefix(looked).filter(|_| file.is_none()) {
                Some(prefix) => set.extend(variables(out, looked, prefix, &entries)),
                None => put(out, looked, file, &entries),
            }
        }
    }
    set
}

/// How the image's variables begin that its start writes into the file.
fn prefix(looked: &Looked<'_>) -> Option<&'static str> {
    let known = ["DEFAULT_POOL_SIZE", "POOL_MODE", "MAX_CLIENT_CONN", "MAX_DB_CONNECTIONS"];
    let environment = &looked.container.environment;
    ["", "PGBOUNCER_"]
        .into_iter()
        .find(|prefix| known.iter().any(|name| environment.contains_key(&format!("{prefix}{name}"))))
}

fn variables(out: &Out<'_, '_>, looked: &Looked<'_>, prefix: &str, entries: &[(&str, String)]) -> Vec<Set> {
    let own = |other: &Looked<'_>| std::ptr::eq(other.container, looked.container);
    let Some(container) = out.scene.looked.iter().position(own) else { return Vec::new() };
    let set = |(name, value): &(&str, String)| Set {
        container,
        name: format!("{prefix}{}", name.to_ascii_uppercase()),
        value: value.clone(),
    };
    entries.iter().map(set).collect()
}

fn put(out: &mut Out<'_, '_>, looked: &Looked<'_>, file: Option<&Text>, entries: &[(&str, String)]) {
    let own = file.map(|file| (file.place.file.to_string(), file));
    let own = own.filter(|(path, file)| out.scene.texts.get(path).is_some_and(|known| **known == *file.text));
    match own {
        Some((path, _)) => {
            let text = out.now(&path).map(str::to_owned).unwrap_or_default();
            out.put(path, lines::set(&text, entries, Style::Ini));
        }
        // It stands in a config map, or in variables of the image: the lines, to be put there.
        None => {
            let path = near(out.scene, &format!("{}.ini", looked.workload.name.replace('/', "-")));
            out.put(path, lines::set("", entries, Style::Ini));
        }
    }
}

/// Entries of `[databases]`; `*` stands for at least one.
fn databases(file: &Text) -> u32 {
    let lines = file.text.lines().map(str::trim);
    let inside = lines.skip_while(|line| !line.eq_ignore_ascii_case("[databases]")).skip(1);
    let own = inside.take_while(|line| !line.starts_with('['));
    let count = own.filter(|line| !line.starts_with([';', '#']) && line.contains('=')).count();
    u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    #[test]
    fn databases_are_counted_in_their_section() {
        let of = |text: &str| databases(&Text::new(text, Place::new(&"f".into(), 1, 1)));
        assert_eq!(of("[databases]\na = host=db\n;b = host=db\n* = host=db\n[pgbouncer]\nx = 1\n"), 2);
        assert_eq!((of(""), of("[databases]\n")), (1, 1));
    }
}
