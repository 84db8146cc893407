//! Names that services know one another by, and which services are on.

use std::collections::BTreeSet;

use super::environment::Environment;
use super::nearest::nearest;
use super::project::Project;
use super::{UNKNOWN_NAME, merge};
use crate::read::quantity;
use crate::yaml::Node;
use crate::{Finding, Text};

/// The profiles that are on: those the command line names, or else those `COMPOSE_PROFILES` does.
fn profiles_on(project: &Project<'_>, environment: &Environment<'_>) -> Vec<String> {
    if !project.world.profiles.is_empty() {
        return project.world.profiles.to_vec();
    }
    let named = environment.value("COMPOSE_PROFILES").unwrap_or_default();
    named.split(',').map(|profile| profile.trim().to_owned()).collect()
}

/// The services that are on: those without profiles, and those with one that is on.
pub(super) fn services_on<'n>(
    project: &Project<'_>,
    services: &'n [(Text, Node)],
    environment: &Environment<'_>,
) -> Vec<&'n (Text, Node)> {
    let on = profiles_on(project, environment);
    let is_on = |service: &Node| match service.get("profiles").map(Node::items) {
        None | Some([]) => true,
        Some(profiles) => profiles
            .iter()
            .filter_map(Node::text)
            .any(|profile| on.iter().any(|on| on == profile || on == "*")),
    };
    services.iter().filter(|(_, service)| is_on(service)).collect()
}

/// Finds every service that one which is on depends on, and which is not there or not on.
pub(super) fn check(project: &mut Project<'_>, all: &[(Text, Node)], on: &[&(Text, Node)]) {
    let all: BTreeSet<&str> = all.iter().map(|(name, _)| name.text.as_str()).collect();
    let active: BTreeSet<&str> = on.iter().map(|(name, _)| name.text.as_str()).collect();
    for (name, service) in on {
        let Some(needed) = service.get("depends_on") else { continue };
        for (other, how) in merge::names(needed.clone(), true).pairs() {
            let required =
                how.get("required").and_then(Node::text).and_then(quantity::switch).unwrap_or(true);
            if project.findings.is_full() {
                return;
            }
            if active.contains(other.text.as_str()) || (all.contains(other.text.as_str()) && !required) {
                continue;
            }
            let (message, fix) = if all.contains(other.text.as_str()) {
                (
                    format!("{} depends on {}, and no profile of it is on", name.text, other.text),
                    "turn its profile on, or write required: false below the dependency".to_owned(),
                )
            } else {
                let fix = match nearest(&other.text, all.iter().copied().take(500)) {
                    Some(meant) => format!("write {meant}, if that is meant"),
                    None => "name a service of these files".to_owned(),
                };
                (format!("{} depends on {:?}, which is no service", name.text, other.text), fix)
            };
            project.findings.push(Finding::at(&UNKNOWN_NAME, &other.place, message, fix));
        }
    }
}
