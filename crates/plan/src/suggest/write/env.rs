//! Environment files: those that are read, and the preset's own.

use super::{Out, Set, Sized, Wanted, head, near, proxy};
use crate::suggest::lines::{self, Style};
use crate::suggest::pools::{opener_of, variable_of};

/// Sets variables where an environment file sets them now. Those that stand elsewhere are left over, and those of a line
/// that two services want to have differently.
pub(super) fn changed(out: &mut Out<'_, '_>, set: &[Set]) -> Vec<Set> {
    let mut rest = Vec::new();
    let mut done: Vec<(String, String, String)> = Vec::new();
    for one in set {
        let variable =
            out.scene.looked.get(one.container).and_then(|it| it.container.environment.get(&one.name));
        let Some(place) = variable.map(|variable| &variable.place) else {
            rest.push(one.clone());
            continue;
        };
        let path = place.file.to_string();
        let line = out.scene.line(place).unwrap_or("").trim_start();
        let sets = line
            .trim_start_matches("export ")
            .strip_prefix(one.name.as_str())
            .is_some_and(|it| it.starts_with('='));
        let other =
            done.iter().any(|(file, name, value)| *file == path && *name == one.name && *value != one.value);
        let text = out.now(&path).filter(|_| sets && !other && is_env(&path)).map(str::to_owned);
        let text = text.map(|text| lines::set(&text, &[(&one.name, one.value.clone())], Style::Env));
        match text.filter(|text| out.may_become(&path, text)) {
            Some(text) => {
                out.put(path.as_str(), text);
                done.push((path, one.name.clone(), one.value.clone()));
            }
            None => rest.push(one.clone()),
        }
    }
    rest
}

fn is_env(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".env") || name.starts_with(".env") || name.ends_with("environment")
}

/// The preset's file: what one process of the application is given.
pub(super) fn preset(out: &mut Out<'_, '_>, wanted: &Wanted, sized: &Sized, why: &mut Vec<String>) -> Given {
    let name = format!("{}.env", wanted.preset.name());
    let known = out.scene.texts.keys().find(|path| path.rsplit('/').next() == Some(name.as_str())).cloned();
    let path = known.unwrap_or_else(|| near(out.scene, &name));
    let given = wanted.preset.process();
    let asks = |row: &&crate::budget::Row| {
        variable_of(out.scene, row).is_some_and(|(_, name)| name.ends_with("MAX_CONNS"))
            || opener_of(out.scene, row).is_some_and(|(_, opener)| opener.what.contains("Django"))
    };
    let pools = sized.rows.iter().filter(|row| row.scales).filter(asks).map(|row| row.pool.value);
    let connections = pools.max().unwrap_or(given.connections_max);
    let mut entries = vec![
        ("DB_MAX_CONNS", connections.to_string()),
        ("CONN_MAX_AGE", given.connection_age_max.as_secs().to_string()),
        ("DEBUG", given.debug.to_string()),
    ];
    why.push(format!(
        "{path}: DB_MAX_CONNS = {connections}: the most that one process of a service is given"
    ));
    let age = given.connection_age_max.as_secs();
    why.push(format!(
        "{path}: CONN_MAX_AGE = {age}: {}'s, for services under WSGI without a pool",
        wanted.preset.name()
    ));
    let via = sized.rows.iter().filter(asks).find_map(|row| row.via.as_deref());
    if let Some(via) = via {
        entries.push(("DB_HOST", via.rsplit('/').next().unwrap_or(via).to_owned()));
        entries.push(("DB_PORT", proxy::port(out.scene, via).to_string()));
    }
    let before = out.now(&path).map(str::to_owned);
    let text = before.unwrap_or_else(|| {
        head(
            wanted,
            "For whoever reads it: docker compose --env-file, a unit's EnvironmentFile, a ConfigMap.",
        )
    });
    out.put(path.as_str(), lines::set(&text, &entries, Style::Env));
    Given { path, entries }
}

/// The preset's file, and what it gives.
pub(super) struct Given {
    /// Its path.
    pub path: String,
    /// Names and values.
    pub entries: Vec<(&'static str, String)>,
}

impl Given {
    /// Whether a line of a compose file takes a variable's value from here: `DB_MAX_CONNS: ${DB_MAX_CONNS:?}`.
    pub(super) fn reaches(&self, out: &Out<'_, '_>, one: &Set) -> bool {
        let variable =
            out.scene.looked.get(one.container).and_then(|it| it.container.environment.get(&one.name));
        let line = variable.and_then(|variable| out.scene.line(&variable.place)).unwrap_or("");
        self.entries.iter().any(|(name, value)| *value == one.value && reads(line, name))
    }
}

/// Whether a line reads a variable: `${NAME`, `$NAME`.
pub(super) fn reads(line: &str, name: &str) -> bool {
    line.match_indices('$').any(|(at, _)| {
        let rest = line.get(at + 1..).unwrap_or("");
        let rest = rest.strip_prefix('{').unwrap_or(rest).strip_prefix(name);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_what_it_names() {
        assert!(
            reads("DB_MAX_CONNS: ${DB_MAX_CONNS:?}", "DB_MAX_CONNS")
                && reads("x: $A", "A")
                && reads("${A}", "A")
        );
        assert!(!reads("DB_MAX_CONNS: ${DB_MAX_CONNS_API:-1}", "DB_MAX_CONNS") && !reads("A: B", "A"));
    }

    #[test]
    fn files_of_variables_are_known_by_their_names() {
        assert!(
            is_env(".env")
                && is_env("a/production.env")
                && is_env(".env.local")
                && is_env("/etc/environment")
        );
        assert!(!is_env("compose.yaml") && !is_env("env.py"));
    }
}
