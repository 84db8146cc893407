//! The server's slots, and who is let in.

use model::preset::SUPERUSER_RESERVED;

use super::{listed, place_or, rule};
use crate::pools::{Address, Server};
use crate::{Finding, Level, Looked, Rule, Scene};

/// An application that is a superuser.
pub(super) const SUPERUSER: Rule =
    rule("ROLE001", Level::Warning, "An application logs in as the superuser that the container creates.");

/// Slots for superusers.
pub(super) const RESERVED: Rule =
    rule("SERVER004", Level::Warning, "Fewer than 3 slots are kept back for superusers.");

/// Very many slots.
pub(super) const MANY: Rule =
    rule("SERVER005", Level::Note, "max_connections is above 500, and no pooler stands in front.");

/// More slots than a server without a pooler should need.
const SLOTS_MANY: u32 = 500;

/// The first user of the container, a superuser.
fn first_user<'s>(looked: &'s Looked<'_>) -> Option<&'s str> {
    let environment = &looked.container.environment;
    match environment.get("POSTGRES_USER") {
        Some(variable) => variable.value.as_deref().filter(|user| !user.is_empty()),
        None => environment.contains_key("POSTGRES_PASSWORD").then_some("postgres"),
    }
}

pub(super) fn superuser(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, _) in scene.servers() {
        let Some(user) = first_user(looked) else { continue };
        let is = |to: &Option<Address>| {
            let written = to.as_ref().and_then(|to| to.user.as_deref()) == Some(user);
            written && scene.leads_to(to.as_ref(), looked.workload)
        };
        let openers =
            scene.openers().filter(|(_, one)| is(&one.to)).map(|(looked, one)| (looked, one.to.as_ref()));
        let poolers =
            scene.poolers().filter(|(_, one)| is(&one.to)).map(|(looked, one)| (looked, one.to.as_ref()));
        let who: Vec<_> = openers.chain(poolers).collect();
        let Some((first, to)) = who.first() else { continue };
        let names: Vec<String> = who.iter().map(|(looked, _)| looked.name()).collect();
        found.push(Finding::at(
            &SUPERUSER,
            place_or(to.map(|to| &to.place), &first.container.place),
            format!(
                "{} logged in as {user}, the superuser that {} creates, which passes every CONNECTION LIMIT and takes the slots \
                 that are kept back for you",
                match names.len() {
                    1 => format!("{} is", names.concat()),
                    _ => format!("{} are", listed(names.iter().map(String::as_str))),
                },
                looked.name()
            ),
            "create a role for the application (CREATE ROLE ... LOGIN CONNECTION LIMIT ..., in an init script) and give it to \
             the services; keep POSTGRES_USER for people",
        ));
    }
    found
}

pub(super) fn reserved(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (looked, server) in scene.servers() {
        let kept = server.superuser_reserved.value;
        let Some(place) = server.superuser_reserved.place().filter(|_| kept < SUPERUSER_RESERVED) else {
            continue;
        };
        let slots = match kept {
            1 => "only 1 slot is".to_owned(),
            kept => format!("only {kept} slots are"),
        };
        let mut finding = Finding::at(
            &RESERVED,
            place,
            format!("{slots} kept back for superusers in {}", looked.name()),
            format!("superuser_reserved_connections = {SUPERUSER_RESERVED}"),
        );
        if kept == 0 {
            finding.level = Level::Error;
            finding.message = format!(
                "no slot is kept back for superusers: when applications hold all {} slots, nobody can log in to relieve {}",
                server.connections_max.value,
                looked.name()
            );
        }
        found.push(finding);
    }
    found
}

pub(super) fn many(scene: &Scene<'_>) -> Vec<Finding> {
    let in_front = |looked: &Looked<'_>, _: &Server| {
        scene.poolers().any(|(_, pooler)| scene.leads_to(pooler.to.as_ref(), looked.workload))
    };
    scene
        .servers()
        .filter(|(_, server)| server.connections_max.value > SLOTS_MANY)
        .filter(|(looked, server)| !in_front(looked, server))
        .map(|(looked, server)| {
            Finding::at(
                &MANY,
                place_or(server.connections_max.place(), &looked.container.place),
                format!(
                    "max_connections is {}: slots cost memory, locks and time for each snapshot even when they are idle",
                    server.connections_max.value
                ),
                "put a pooler in front (connwarden proxy) and lower max_connections to what the processors can work on",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::World;
    use crate::Level;

    fn shop() -> World {
        World::default().server(&[("max_connections", "200")]).variable("POSTGRES_USER", Some("wall"))
    }

    #[test]
    fn the_guides_application_is_the_superuser() {
        let found = shop().opener("api", "gunicorn, Django", 4).to("postgres", Some("wall")).found("ROLE001");
        assert_eq!(found.len(), 1);
        assert!(
            found[0].1.starts_with("api is logged in as wall, the superuser that postgres creates"),
            "{}",
            found[0].1
        );
        let two = shop()
            .opener("api", "Django", 4)
            .to("postgres", Some("wall"))
            .opener("worker", "celery", 4)
            .to("postgres", Some("wall"))
            .found("ROLE001");
        assert!(two.len() == 1 && two[0].1.starts_with("api, worker are logged in"));
    }

    #[test]
    fn another_user_or_another_server_is_in_order() {
        let other = shop().opener("api", "Django", 4).to("postgres", Some("wall_app"));
        assert_eq!(other.found("ROLE001"), []);
        let elsewhere = shop().opener("api", "Django", 4).to("db.example.org", Some("wall"));
        assert_eq!(elsewhere.found("ROLE001"), []);
        let hidden = shop().opener("api", "Django", 4).to("postgres", None);
        assert_eq!(hidden.found("ROLE001"), []);
    }

    #[test]
    fn no_slot_for_superusers_is_an_error_and_one_a_warning() {
        let level = |kept| {
            World::default()
                .server(&[("superuser_reserved_connections", kept)])
                .all("SERVER004")
                .first()
                .map(|it| it.level)
        };
        assert_eq!((level("0"), level("1"), level("3")), (Some(Level::Error), Some(Level::Warning), None));
        assert_eq!(World::default().server(&[]).found("SERVER004"), []);
    }

    #[test]
    fn many_slots_without_a_pooler_are_noted() {
        let many = World::default().server(&[("max_connections", "1000")]);
        assert_eq!(many.found("SERVER005").len(), 1);
        assert_eq!(many.pooler(20, 1000).found("SERVER005"), []);
        assert_eq!(World::default().server(&[("max_connections", "500")]).found("SERVER005"), []);
    }
}
