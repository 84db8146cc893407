//! How many replicas a service has, how an update replaces them, and what one may use.

use super::CONFLICT;
use super::project::Project;
use crate::read::quantity;
use crate::yaml::Node;
use crate::{Container, Finding, Number, Overlap, Place, Replicas, Share};

/// How many there are.
pub(super) fn replicas(project: &mut Project<'_>, name: &str, service: &Node) -> Replicas {
    let whole = |node: &Node| Some(Number::written(quantity::whole(node.text()?)?, &node.place));
    let scale = service.get("scale").and_then(whole);
    let replicas = service.at(&["deploy", "replicas"]).and_then(whole);
    if let (Some(scale), Some(replicas)) = (&scale, &replicas)
        && scale.value != replicas.value
        && let Some(place) = scale.place()
    {
        let message = format!(
            "scale is {} and deploy.replicas is {} for {name}: compose refuses that",
            scale.value, replicas.value
        );
        project.findings.push(Finding::at(&CONFLICT, place, message, "keep one of the two"));
    }
    if service.at(&["deploy", "mode"]).and_then(Node::text).is_some_and(|mode| mode.starts_with("global")) {
        return Replicas::fixed(Number::assumed(
            1,
            format!(
                "one node is assumed to run {name}: deploy.mode is global, and no file says how many nodes there are"
            ),
        ));
    }
    let count = scale.or(replicas).unwrap_or_else(|| {
        Number::assumed(1, format!("{name} has one replica: neither scale nor deploy.replicas is set"))
    });
    if let Some(container) = service.get("container_name").filter(|_| count.value > 1) {
        let message =
            format!("{name} has {} replicas and one container_name: they cannot share it", count.value);
        project.findings.push(Finding::at(&CONFLICT, &container.place, message, "take container_name out"));
    }
    Replicas::fixed(count)
}

/// How old and new ones stand beside each other. compose stops a container before it makes the next; a swarm does so
/// too, unless it is told to start first, and then it does not wait for the old one's end.
pub(super) fn overlap(service: &Node) -> Overlap {
    let update = |key| service.at(&["deploy", "update_config", key]);
    if update("order").and_then(Node::text) != Some("start-first") {
        return Overlap::None;
    }
    let written = update("parallelism").and_then(|node| Some((quantity::whole(node.text()?)?, &node.place)));
    let surge = match written {
        Some((0, place)) => Share::Percent(Number::written(100, place)),
        Some((count, place)) => Share::Count(Number::written(count, place)),
        None => Share::Count(Number::assumed(
            1,
            "one at a time is replaced: deploy.update_config.parallelism is not set",
        )),
    };
    let unavailable = Share::Count(Number::implied(0));
    Overlap::Rolling { surge, unavailable, lingers: true }
}

/// What one replica may use.
pub(super) fn limits(project: &mut Project<'_>, container: &mut Container, service: &Node) {
    let limit = |key| service.at(&["deploy", "resources", "limits", key]);
    let bytes = |node: &Node| Some((quantity::bytes(node.text()?)?, node.place.clone()));
    let millis = |node: &Node| Some(Number::written(quantity::millis(node.text()?)?, &node.place));
    let memory = (service.get("mem_limit").and_then(bytes), limit("memory").and_then(bytes));
    if let (Some((a, place)), Some((b, _))) = &memory
        && a != b
    {
        differ(project, place, "mem_limit", "deploy.resources.limits.memory");
    }
    let processors = (service.get("cpus").and_then(millis), limit("cpus").and_then(millis));
    if let (Some(a), Some(b)) = &processors
        && a.value != b.value
        && let Some(place) = a.place()
    {
        differ(project, place, "cpus", "deploy.resources.limits.cpus");
    }
    container.memory_bytes_max = memory.1.or(memory.0).filter(|(bytes, _)| *bytes > 0);
    container.cpu_millis_max = processors.1.or(processors.0).filter(|millis| millis.value > 0);
}

fn differ(project: &mut Project<'_>, place: &Place, one: &str, other: &str) {
    let message = format!("{one} and {other} say different things: compose refuses that");
    project.findings.push(Finding::at(&CONFLICT, place, message, "keep one of the two"));
}
