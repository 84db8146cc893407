//! Statements among the files that do not do what they say.

use super::rule;
use crate::{Finding, Level, Place, Rule, Scene, Text};

/// `ALTER SYSTEM` for what only a start reads.
pub(super) const RESTART: Rule = rule(
    "SQL001",
    Level::Warning,
    "ALTER SYSTEM changes a setting that only a restart applies, and nothing restarts the server.",
);

/// Settings that a reload does not change.
const AT_START: &[&str] = &[
    "max_connections",
    "superuser_reserved_connections",
    "reserved_connections",
    "max_wal_senders",
    "max_worker_processes",
    "max_prepared_transactions",
    "max_locks_per_transaction",
    "shared_buffers",
    "shared_preload_libraries",
    "huge_pages",
    "wal_level",
    "port",
    "listen_addresses",
];
const STATEMENT: &str = "ALTER SYSTEM SET ";

/// In SQL and shell files, and in what commands hand to a shell.
pub(super) fn restart(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let named = |path: &str| path.ends_with(".sql") || path.ends_with(".sh");
    for (path, text) in scene.texts.iter().filter(|(path, _)| named(path)) {
        let place = |byte| Place::of_byte(&path.as_str().into(), text, byte);
        look(scene, path, text, place, &mut found);
    }
    for looked in &scene.looked {
        for (path, file) in looked.container.files.iter().filter(|(path, _)| named(path)) {
            look(scene, path, &file.text, |byte| scene.place_in(file, byte), &mut found);
        }
        for word in &looked.container.command {
            look(scene, "", &word.text, |byte| said_at(scene, word, byte), &mut found);
        }
    }
    found
}

fn said_at(scene: &Scene<'_>, word: &Text, byte: usize) -> Place {
    if word.text.contains('\n') { scene.place_in(word, byte) } else { word.place.clone() }
}

fn look(scene: &Scene<'_>, path: &str, text: &str, place: impl Fn(usize) -> Place, found: &mut Vec<Finding>) {
    let upper = text.to_ascii_uppercase();
    for (at, _) in upper.match_indices(STATEMENT) {
        let rest = text.get(at + STATEMENT.len()..).unwrap_or("").trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or("").to_ascii_lowercase();
        let line = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let commented =
            text.get(line..at).is_some_and(|before| before.contains("--") || before.contains('#'));
        if !AT_START.contains(&name.as_str()) || commented || restarts(path, &upper, at) {
            continue;
        }
        let on_command_line = scene.servers().any(|(looked, server)| {
            server.setting(&name).is_some_and(|value| looked.container.says_at(&value.place))
        });
        if path.contains("docker-entrypoint-initdb.d") && !on_command_line {
            continue;
        }
        let (message, fix) = if on_command_line {
            (
                format!("{name} stands on the server's command line, which wins over ALTER SYSTEM"),
                format!("change {name} there, and take this statement out"),
            )
        } else {
            (
                format!(
                    "a reload does not apply {name}: the old value holds until somebody restarts the server"
                ),
                format!("restart the server behind it, or give {name} where the server is started"),
            )
        };
        found.push(Finding::at(&RESTART, &place(at), message, fix));
    }
}

/// The server is started again behind the statement. The scripts of an image's first start run before the server that
/// stays: they need nothing.
fn restarts(path: &str, upper: &str, at: usize) -> bool {
    let behind = upper.get(at..).unwrap_or("");
    let words = behind.split(|c: char| !c.is_ascii_alphanumeric());
    !path.ends_with(".sql") && words.into_iter().any(|word| word == "RESTART")
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;

    const RAISE: &str = "-- more\nALTER SYSTEM SET max_connections = 400;\nSELECT pg_reload_conf();\n";

    #[test]
    fn a_limit_that_is_raised_without_a_restart_is_found_at_its_statement() {
        let found = World::default().server(&[]).text("raise.sql", RAISE).found("SQL001");
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [2]);
        assert!(found[0].1.contains("until somebody restarts"));
    }

    #[test]
    fn a_shells_command_is_read_as_well() {
        let line = "psql -c 'alter system set shared_buffers = 1' && pg_ctl reload";
        let found = World::default()
            .opener("job", "psql", 1)
            .command(&[(9, "sh"), (9, "-c"), (9, line)])
            .found("SQL001");
        assert_eq!(found.len(), 1);
        let near = format!("{line}; pg_ctl restart");
        let near = World::default().opener("job", "psql", 1).command(&[(9, "sh"), (9, "-c"), (9, &near)]);
        assert_eq!(near.found("SQL001"), []);
    }

    #[test]
    fn what_a_reload_applies_and_what_runs_before_the_first_start_is_in_order() {
        let reload = "ALTER SYSTEM SET work_mem = '8MB';\n-- ALTER SYSTEM SET max_connections = 1;\n";
        assert_eq!(World::default().server(&[]).text("a.sql", reload).found("SQL001"), []);
        let first = World::default().server(&[]).file("/docker-entrypoint-initdb.d/1.sql", "init/1", RAISE);
        assert_eq!(first.found("SQL001"), []);
    }

    #[test]
    fn the_command_line_wins_over_the_first_starts_statements_too() {
        let world = World::default()
            .server(&[("max_connections", "200")])
            .command(&[(5, "postgres"), (6, "-c"), (10, "max_connections=200")])
            .file("/docker-entrypoint-initdb.d/1.sql", "init/1", RAISE);
        let found = world.found("SQL001");
        assert_eq!(found.len(), 1);
        assert!(found[0].1.contains("command line, which wins"), "{}", found[0].1);
    }
}
