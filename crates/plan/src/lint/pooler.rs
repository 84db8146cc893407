//! PgBouncer's settings, beside the server's and the services'.

use super::rule;
use crate::budget::{Slots, total};
use crate::declared::Together;
use crate::pools::Pooler;
use crate::{Finding, Level, Looked, Place, Rule, Scene, setting};

/// Prepared statements.
pub(super) const NO_STATEMENTS: Rule = rule(
    "PGB001",
    Level::Warning,
    "PgBouncer shares servers between transactions and keeps no prepared statements.",
);

/// Timeouts that cut each other.
pub(super) const OUTLIVED: Rule =
    rule("PGB003", Level::Warning, "The server ends idle sessions sooner than PgBouncer closes them.");

/// More than the server has.
pub(super) const TOO_WIDE: Rule =
    rule("PGB004", Level::Error, "All replicas of a pooler may open more than the server's usable slots.");

/// Session mode.
pub(super) const SESSIONS: Rule = rule(
    "PGB005",
    Level::Warning,
    "In session mode each client holds a connection until it leaves, and more may come than there are.",
);

/// PgBouncer's own `server_idle_timeout`, in seconds.
const SERVER_IDLE: u64 = 600;
/// Prepared statements came with this version, and are on by default since the other.
const STATEMENTS_SINCE: (u32, u32) = (1, 21);
const STATEMENTS_ON_SINCE: (u32, u32) = (1, 24);

/// The settings of PgBouncer that a container shows: in an ini file, or in a variable that its image's start writes there.
struct Told<'s, 'a> {
    scene: &'s Scene<'a>,
    looked: &'s Looked<'a>,
}

impl Told<'_, '_> {
    fn setting(&self, name: &str) -> Option<(String, Place)> {
        self.in_file(name).or_else(|| {
            let upper = name.to_ascii_uppercase();
            let names = [format!("PGBOUNCER_{upper}"), upper];
            let (text, place) = names.iter().find_map(|name| self.looked.container.value(name))?;
            Some((text.trim().to_owned(), place.clone()))
        })
    }

    fn in_file(&self, name: &str) -> Option<(String, Place)> {
        let files = self.looked.container.files.iter().filter(|(path, _)| path.ends_with(".ini"));
        let mut said = None;
        for (_, file) in files {
            let mut at = 0;
            for line in file.text.split_inclusive('\n') {
                let own = line.split_once('=').filter(|(key, _)| key.trim() == name);
                if let Some((_, value)) = own.filter(|_| !line.trim_start().starts_with([';', '#'])) {
                    said = Some((value.trim().to_owned(), self.scene.place_in(file, at)));
                }
                at += line.len();
            }
        }
        said
    }

    /// The mode, and where somebody wrote it. Nobody's is `session`.
    fn mode(&self) -> (String, Option<Place>) {
        self.setting("pool_mode")
            .map_or_else(|| ("session".to_owned(), None), |(mode, place)| (mode, Some(place)))
    }

    /// The version in the image's tag.
    fn version(&self) -> Option<(u32, u32)> {
        let image = self.looked.container.image.as_ref()?;
        let (name, tag) = image.text.rsplit_once(':')?;
        if !name.contains("pgbouncer") {
            return None;
        }
        let digits = tag.trim_start_matches('v');
        let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let mut parts = digits.get(..end)?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

fn bouncers<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = (Told<'s, 'a>, &'s Pooler)> {
    let poolers =
        scene.poolers().filter(|(_, pooler)| pooler.what.to_ascii_lowercase().contains("pgbouncer"));
    poolers.map(move |(looked, pooler)| (Told { scene, looked }, pooler))
}

pub(super) fn no_statements(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (told, _) in bouncers(scene) {
        let (mode, mode_at) = told.mode();
        if !matches!(mode.as_str(), "transaction" | "statement") {
            continue;
        }
        let version = told.version();
        let (place, what) = match told.setting("max_prepared_statements") {
            Some((value, place)) if value == "0" => (Some(place), "max_prepared_statements is 0"),
            Some(_) => continue,
            None if version.is_some_and(|it| it < STATEMENTS_SINCE) => (mode_at, "this version knows none"),
            None if version.is_some_and(|it| it < STATEMENTS_ON_SINCE) => {
                (mode_at, "max_prepared_statements is not set, and this version's own value is 0")
            }
            None => continue,
        };
        found.push(Finding::at(
            &NO_STATEMENTS,
            place.as_ref().unwrap_or(&told.looked.container.place),
            format!(
                "{} runs in {mode} mode without prepared statements ({what}): drivers that prepare get \"prepared statement does \
                 not exist\"",
                told.looked.name()
            ),
            "max_prepared_statements = 200 (1.21 and later), or turn preparing off in every driver",
        ));
    }
    found
}

pub(super) fn outlived(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (told, pooler) in bouncers(scene) {
        let limits =
            scene.servers().filter(|(looked, _)| scene.leads_to(pooler.to.as_ref(), looked.workload));
        let limit = limits
            .filter_map(|(_, server)| {
                setting::millis(&server.setting("idle_session_timeout")?.text, setting::MILLISECOND)
            })
            .find(|limit| *limit > 0);
        let Some(limit) = limit else { continue };
        let idle = told.setting("server_idle_timeout");
        let seconds = match &idle {
            Some((text, _)) => text.parse::<u64>().ok(),
            None => Some(SERVER_IDLE),
        };
        // 0 keeps them for ever.
        let Some(seconds) = seconds.filter(|seconds| *seconds == 0 || seconds.saturating_mul(1000) > limit)
        else {
            continue;
        };
        let kept = if seconds == 0 { "for ever".to_owned() } else { format!("for {seconds} s") };
        found.push(Finding::at(
            &OUTLIVED,
            idle.as_ref().map_or(&told.looked.container.place, |(_, place)| place),
            format!(
                "{} keeps idle servers {kept}, and PostgreSQL ends them after {} s (idle_session_timeout): the next client gets 57P05",
                told.looked.name(),
                limit / 1000
            ),
            "set idle_session_timeout for the roles of people only, or server_idle_timeout below it",
        ));
    }
    found
}

pub(super) fn too_wide(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for server in &scene.budget.servers {
        let Some(usable) = server.slots.as_ref().map(Slots::usable) else { continue };
        for row in server.rows.iter().filter(|row| row.kind == "pooler" && row.via.is_none()) {
            if row.sums.peak <= u64::from(usable) {
                continue;
            }
            found.push(Finding::at(
                &TOO_WIDE,
                &row.place,
                format!(
                    "{} may open {} connections over all its replicas and pools, and the server has {usable} usable slots",
                    row.name, row.sums.peak
                ),
                "lower default_pool_size, or cap the sum with max_db_connections: each replica has pools of its own",
            ));
        }
    }
    found
}

pub(super) fn sessions(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (told, pooler) in bouncers(scene) {
        let (mode, mode_at) = told.mode();
        if mode != "session" {
            continue;
        }
        // The mode of one database may be another.
        let some_differ =
            told.looked.container.files.values().any(|file| file.text.matches("pool_mode").count() > 1);
        let rows = || scene.budget.servers.iter().flat_map(|server| &server.rows);
        let own = |name: &str| name == told.looked.workload.name || name == told.looked.name();
        let clients: u64 = total(
            &rows()
                .filter(|row| row.via.as_deref().is_some_and(own))
                .map(|row| crate::budget::Row { via: None, ..row.clone() })
                .collect::<Vec<_>>(),
            Together::All,
        )
        .peak;
        let replicas = u64::from(told.looked.workload.replicas.most.value.max(1));
        let room = u64::from(pooler.most.value)
            .saturating_mul(u64::from(pooler.processes.value))
            .saturating_mul(replicas);
        if clients <= room || some_differ {
            continue;
        }
        found.push(Finding::at(
            &SESSIONS,
            mode_at.as_ref().unwrap_or(&told.looked.container.place),
            format!(
                "{} runs in session mode with {room} server connections, and its services may open {clients}: each holds one until \
                 it leaves, and the rest wait for query_wait_timeout",
                told.looked.name()
            ),
            "pool_mode = transaction, if the services use nothing that lasts beyond one (SET, LISTEN, advisory locks)",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;

    fn bouncer(ini: &str) -> World {
        World::default().server(&[]).pooler(20, 1000).file(
            "/etc/pgbouncer/pgbouncer.ini",
            "pgbouncer.ini",
            ini,
        )
    }

    #[test]
    fn transactions_without_prepared_statements_are_found_at_the_setting() {
        let found =
            bouncer("[pgbouncer]\npool_mode = transaction\nmax_prepared_statements = 0\n").found("PGB001");
        assert_eq!(found.iter().map(|it| it.0).collect::<Vec<_>>(), [3]);
        for ini in [
            "pool_mode = transaction\n",
            "pool_mode = session\nmax_prepared_statements = 0\n",
            "pool_mode = transaction\n;max_prepared_statements = 0\n",
        ] {
            assert_eq!(bouncer(ini).found("PGB001"), [], "{ini}");
        }
    }

    #[test]
    fn an_old_versions_own_value_counts() {
        let of =
            |image| bouncer("").image(image).variable("POOL_MODE", Some("transaction")).found("PGB001").len();
        assert_eq!(
            (
                of("edoburu/pgbouncer:1.20.1"),
                of("bitnami/pgbouncer:1.23"),
                of("edoburu/pgbouncer:v1.24.0-p1")
            ),
            (1, 1, 0)
        );
        assert_eq!((of("edoburu/pgbouncer:latest"), of("edoburu/pgbouncer")), (0, 0));
    }

    #[test]
    fn the_servers_patience_is_longer_than_the_poolers() {
        let world = |ini: &str, limit| {
            World::default()
                .server(&[("idle_session_timeout", limit)])
                .pooler(20, 100)
                .file("/p.ini", "p.ini", ini)
                .found("PGB003")
                .len()
        };
        assert_eq!((world("", "5min"), world("server_idle_timeout = 0\n", "1h")), (1, 1));
        assert_eq!((world("server_idle_timeout = 60\n", "5min"), world("", "0"), world("", "1h")), (0, 0, 0));
    }

    #[test]
    fn session_mode_is_a_matter_where_more_clients_come_than_there_are_connections() {
        let world = |ini: &str, pool| {
            World::default()
                .server(&[])
                .pooler(20, 1000)
                .file("/p.ini", "p.ini", ini)
                .through("pgbouncer", pool)
                .found("PGB005")
                .len()
        };
        assert_eq!((world("", 50), world("", 20), world("pool_mode = transaction\n", 50)), (1, 0, 0));
    }

    #[test]
    fn replicas_of_a_pooler_add_up() {
        let world = |replicas| {
            World::default()
                .server(&[("max_connections", "100")])
                .pooled_rows(replicas, 30)
                .found("PGB004")
                .len()
        };
        assert_eq!((world(4), world(3)), (1, 0));
    }
}
