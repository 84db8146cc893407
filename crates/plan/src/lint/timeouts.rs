//! Timeouts that nobody sets, and those that cut each other.

use std::time::Duration;

use model::preset::{Keepalives, Preset};
use model::size::span_setting;

use super::django::{Age, kept};
use super::{place_or, rule};
use crate::pools::Server;
use crate::{Finding, Level, Looked, Rule, Scene, setting};

/// `idle_in_transaction_session_timeout`
pub(super) const IN_TRANSACTION: Rule =
    rule("TIMEOUT001", Level::Warning, "Sessions may stay idle in transaction for ever.");

/// `statement_timeout`
pub(super) const STATEMENT: Rule =
    rule("TIMEOUT002", Level::Note, "Nothing limits how long a statement runs.");

/// `connect_timeout`
pub(super) const CONNECT: Rule =
    rule("TIMEOUT003", Level::Note, "A service waits without limit for a server that does not answer.");

/// `idle_session_timeout`
pub(super) const IDLE_SESSION: Rule = rule(
    "TIMEOUT004",
    Level::Warning,
    "The server ends idle sessions sooner than the service lets go of them.",
);

/// `tcp_keepalives_idle`
pub(super) const KEEPALIVES: Rule =
    rule("TIMEOUT005", Level::Note, "A client that vanished keeps its slot for hours.");

/// Whether anything among the files speaks of a setting: a role's, a session's or a client's own value counts.
fn is_spoken_of(scene: &Scene<'_>, name: &str) -> bool {
    let in_container = |looked: &Looked<'_>| {
        let container = looked.container;
        container.files.values().any(|file| file.text.contains(name))
            || container.command.iter().any(|word| word.text.contains(name))
            || container.environment.iter().any(|(key, variable)| {
                key.to_ascii_lowercase().contains(name)
                    || variable.value.as_deref().is_some_and(|text| text.contains(name))
            })
    };
    scene.texts.values().any(|text| text.contains(name)) || scene.looked.iter().any(in_container)
}

/// Servers whose settings are all seen: one that names a file nobody has may say anything there.
fn seen<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = (&'s Looked<'a>, &'s Server)> {
    scene.servers().filter(|(looked, _)| {
        let files = &looked.container.files;
        let hides = looked.container.command.iter().any(|word| {
            let file = word.text.split_once("config_file=").map(|(_, file)| file);
            file.is_some_and(|file| !files.contains_key(file))
        });
        !hides
    })
}

/// A setting that nothing sets, with the servers that lack it.
fn missing<'s, 'a>(scene: &'s Scene<'a>, name: &str) -> Vec<(&'s Looked<'a>, &'s Server)> {
    let off = |value: &str| setting::millis(value, setting::MILLISECOND) == Some(0);
    let lacks = |(_, server): &(&Looked<'_>, &Server)| match server.setting(name) {
        Some(value) => off(&value.text),
        None => !is_spoken_of(scene, name),
    };
    seen(scene).filter(lacks).collect()
}

pub(super) fn in_transaction(scene: &Scene<'_>) -> Vec<Finding> {
    const NAME: &str = "idle_in_transaction_session_timeout";
    let wanted =
        Preset::Production.server().idle_in_transaction_timeout.map(span_setting).unwrap_or_default();
    let of = |(looked, server): (&Looked<'_>, &Server)| {
        Finding::at(
            &IN_TRANSACTION,
            place_or(server.setting(NAME).map(|value| &value.place), &looked.container.place),
            format!(
                "sessions may stay idle in transaction for ever in {}: each keeps its slot, its row locks, and vacuum from cleaning up",
                looked.name()
            ),
            format!("{NAME} = {wanted}"),
        )
    };
    missing(scene, NAME).into_iter().map(of).collect()
}

pub(super) fn statement(scene: &Scene<'_>) -> Vec<Finding> {
    const NAME: &str = "statement_timeout";
    let of = |(looked, server): (&Looked<'_>, &Server)| {
        Finding::at(
            &STATEMENT,
            place_or(server.setting(NAME).map(|value| &value.place), &looked.container.place),
            format!(
                "no statement_timeout for {}, on the server or in a service: under load statements pile up until the slots are gone",
                looked.name()
            ),
            "ALTER ROLE ... SET statement_timeout = '60s' for the application's role; backups and migrations have other roles",
        )
    };
    missing(scene, NAME).into_iter().map(of).collect()
}

/// Only of services whose connection string is seen: it is where the setting stands.
pub(super) fn connect(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (looked, opener) in scene.openers() {
        let Some(to) = &opener.to else { continue };
        let environment = &looked.container.environment;
        let url = environment.iter().find(|(_, variable)| {
            let text = variable.value.as_deref().unwrap_or("");
            variable.place == to.place
                && (text.starts_with("postgres://") || text.starts_with("postgresql://"))
        });
        let Some((name, variable)) = url else { continue };
        let text = variable.value.as_deref().unwrap_or("");
        let set = text.contains("connect_timeout")
            || text.contains("connectTimeout")
            || environment.contains_key("PGCONNECT_TIMEOUT")
            || looked.container.files.values().any(|file| file.text.contains("connect_timeout"));
        if set || found.iter().any(|it| it.place.as_ref() == Some(&to.place)) {
            continue;
        }
        found.push(Finding::at(
            &CONNECT,
            &to.place,
            format!("{name} of {} has no connect_timeout: a server that does not answer is waited for for minutes", looked.name()),
            "add connect_timeout=10 to the URL's query, if its driver is libpq's",
        ));
    }
    found
}

/// A timeout of the server's beside the age at which Django lets go.
pub(super) fn idle_session(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (server_looked, server) in scene.servers() {
        let Some(value) = server.setting("idle_session_timeout") else { continue };
        let Some(limit) = setting::millis(&value.text, setting::MILLISECOND).filter(|limit| *limit > 0)
        else {
            continue;
        };
        for (looked, opener) in scene.openers().filter(|(_, one)| one.what.contains("Django")) {
            if !scene.leads_to(opener.to.as_ref(), server_looked.workload) {
                continue;
            }
            let Some((place, age)) = kept(scene, looked) else { continue };
            let longer = match age {
                Age::Unlimited => true,
                Age::Seconds(seconds) => seconds.saturating_mul(1000) > limit,
            };
            if longer {
                let limit = span_setting(Duration::from_millis(limit));
                found.push(Finding::at(
                    &IDLE_SESSION,
                    &place,
                    format!(
                        "{} keeps a connection longer than the server's idle_session_timeout of {limit}: after a quiet while the next \
                         request gets 57P05",
                        looked.name()
                    ),
                    "lower CONN_MAX_AGE below the timeout and set CONN_HEALTH_CHECKS, or set the timeout for the roles of people only",
                ));
            }
        }
    }
    found
}

pub(super) fn keepalives(scene: &Scene<'_>) -> Vec<Finding> {
    const NAME: &str = "tcp_keepalives_idle";
    let Some(wanted) = Preset::Production.server().keepalives else { return Vec::new() };
    let hours = span_setting(Duration::from_secs(Keepalives::LINUX.patience().as_secs() / 3600 * 3600));
    seen(scene)
        .filter(|(_, server)| server.setting(NAME).is_none_or(|value| value.text.trim() == "0"))
        .filter(|(_, server)| server.setting("tcp_user_timeout").is_none())
        .map(|(looked, server)| {
            Finding::at(
                &KEEPALIVES,
                place_or(server.setting(NAME).map(|value| &value.place), &looked.container.place),
                format!(
                    "a client that vanishes without a goodbye keeps its slot of {} for over {hours}",
                    looked.name()
                ),
                format!(
                    "tcp_keepalives_idle = {}, tcp_keepalives_interval = {}, tcp_keepalives_count = {}",
                    wanted.idle.as_secs(),
                    wanted.interval.as_secs(),
                    wanted.count
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;

    #[test]
    fn a_server_without_a_timeout_is_found_and_one_with_it_is_not() {
        let bare = World::default().server(&[]);
        assert_eq!((bare.found("TIMEOUT001").len(), bare.found("TIMEOUT002").len()), (1, 1));
        let set = World::default()
            .server(&[("idle_in_transaction_session_timeout", "300000"), ("statement_timeout", "60s")]);
        assert_eq!((set.found("TIMEOUT001"), set.found("TIMEOUT002")), (vec![], vec![]));
        let off = World::default().server(&[("idle_in_transaction_session_timeout", "0")]);
        assert_eq!(off.found("TIMEOUT001").len(), 1);
    }

    #[test]
    fn a_role_or_a_client_may_set_it_as_well() {
        let sql = "ALTER ROLE app SET idle_in_transaction_session_timeout = '1min';";
        assert_eq!(World::default().server(&[]).text("roles.sql", sql).found("TIMEOUT001"), []);
        let client = World::default()
            .server(&[])
            .opener("api", "Django", 1)
            .variable("PGOPTIONS", Some("-c statement_timeout=5s"));
        assert_eq!(client.found("TIMEOUT002"), []);
    }

    #[test]
    fn a_server_whose_file_nobody_has_may_have_everything() {
        let hidden = World::default().server(&[]).command(&[
            (3, "postgres"),
            (3, "-c"),
            (3, "config_file=/etc/pg.conf"),
        ]);
        assert_eq!((hidden.found("TIMEOUT001"), hidden.found("TIMEOUT005")), (vec![], vec![]));
    }

    #[test]
    fn a_url_without_a_timeout_is_noted() {
        let world = |url| {
            World::default()
                .opener("api", "node, pg", 10)
                .variable("DATABASE_URL", Some(url))
                .to("db", Some("app"))
                .found("TIMEOUT003")
                .len()
        };
        assert_eq!(world("postgres://app:secret@db/shop"), 1);
        assert_eq!(world("postgres://app:secret@db/shop?connect_timeout=5"), 0);
        assert_eq!(World::default().opener("api", "Django", 1).to("db", None).found("TIMEOUT003"), []);
    }

    #[test]
    fn no_finding_quotes_a_url() {
        let world = World::default()
            .server(&[])
            .opener("api", "Django", 1)
            .variable("DATABASE_URL", Some("postgres://app:secret@db/shop"))
            .to("db", Some("app"));
        for finding in world.lint() {
            assert!(!finding.message.contains("secret") && !finding.fix.contains("secret"), "{finding:?}");
        }
    }

    #[test]
    fn an_age_beyond_the_servers_patience_is_found() {
        let found = |age| {
            World::default()
                .server(&[("idle_session_timeout", "5min")])
                .opener("api", "gunicorn, Django", 4)
                .variable("CONN_MAX_AGE", Some(age))
                .found("TIMEOUT004")
                .len()
        };
        assert_eq!((found("600"), found("None"), found("300"), found("0")), (1, 1, 0, 0));
    }

    #[test]
    fn a_vanished_clients_slot_is_noted_unless_somebody_looks_after_it() {
        assert!(World::default().server(&[]).found("TIMEOUT005")[0].1.contains("over 2h"));
        assert_eq!(World::default().server(&[("tcp_keepalives_idle", "600")]).found("TIMEOUT005"), []);
        assert_eq!(World::default().server(&[("tcp_user_timeout", "60s")]).found("TIMEOUT005"), []);
    }
}
