//! What the operators of PostgreSQL make of their custom resources: CloudNativePG's `Cluster` and `Pooler`, Zalando's
//! `postgresql`.
//!
//! A server becomes a container whose command gives its parameters, a pooler one with the `pgbouncer.ini` the operator
//! would write: so both are recognised as those written by hand are.

use super::environment;
use super::objects::Object;
use super::report::Report;
use super::rollout::Rollout;
use super::scaling::Scaling;
use super::settings::Scope;
use super::workload::{replicas, workload};
use super::{pod, shape};
use crate::yaml::Node;
use crate::{Container, Life, Overlap, Replicas, Text, Workload};

mod ini;
mod zalando;

use ini::Ini;
pub(super) use zalando::zalando;

/// A CloudNativePG server: one pod after the other is replaced, each after its end.
pub(super) fn cluster(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Workload {
    let mut server = Container::new("postgres", spec.place.clone());
    server.image = report.word(spec, "imageName");
    environment::read(scope, spec, &mut server, report);
    finish_server(&mut server, spec, report);
    let count = replicas(scope.object, spec, "instances", None, report);
    of(scope.object, count, Overlap::None, server)
}

/// A CloudNativePG pooler: a Deployment of PgBouncer.
pub(super) fn pooler(
    scope: &Scope<'_>,
    spec: &Node,
    scaling: Option<&Scaling>,
    report: &mut Report,
) -> Workload {
    let object = scope.object;
    let template = report.map(spec, "template", &shape::TEMPLATE);
    let pod = template.and_then(|template| report.map(template, "spec", &shape::POD));
    let grace = pod.and_then(|pod| report.count(pod, "terminationGracePeriodSeconds"));
    let given = pod
        .into_iter()
        .flat_map(|pod| report.list(pod, "containers"))
        .find(|container| container.get("name").and_then(Node::text) == Some("pgbouncer"));
    let mut container = given
        .and_then(|node| pod::alone(scope, node, report))
        .unwrap_or_else(|| Container::new("pgbouncer", spec.place.clone()));

    let cluster =
        report.map(spec, "cluster", &shape::REFERENCE).and_then(|cluster| report.word(cluster, "name"));
    if cluster.is_none() {
        report.refuse(
            &spec.place,
            format!("{} has no cluster", object.called()),
            "write cluster: with name: below it",
        );
    }
    let service = report.word(spec, "type").map_or_else(|| "rw".to_owned(), |service| service.text);
    let host = cluster.map(|cluster| format!("{}-{service}", cluster.text));
    let mut ini = Ini::new(object, host.as_deref());
    if let Some(pgbouncer) = report.map(spec, "pgbouncer", &shape::PGBOUNCER) {
        match report.word(pgbouncer, "poolMode") {
            Some(mode) => ini.set(&mode.place, "pool_mode", &mode.text),
            None => ini.set(&pgbouncer.place, "pool_mode", "session"),
        }
        for (name, value) in parameters(pgbouncer, report) {
            ini.set(&name.place, &name.text, &value.text);
        }
    }
    ini.put(&mut container, "/controller/configs/pgbouncer.ini", report);

    let called = object.called();
    let rollout = Rollout { called: &called, lingers: grace.is_none_or(|grace| grace.value > 0) };
    let strategy = report.map(spec, "deploymentStrategy", &shape::STRATEGY);
    let overlap = rollout.of_deployment(strategy, report);
    let count = replicas(object, spec, "instances", scaling, report);
    of(object, count, overlap, container)
}

/// Command and limits of a server's container.
fn finish_server(server: &mut Container, spec: &Node, report: &mut Report) {
    server.command.push(Text::new("postgres", spec.place.clone()));
    if let Some(postgresql) = report.map(spec, "postgresql", &shape::POSTGRESQL) {
        for (name, value) in parameters(postgresql, report) {
            server.command.push(Text::new("-c", name.place.clone()));
            server.command.push(Text::new(format!("{}={}", name.text, value.text), value.place));
        }
    }
    pod::limits(spec, server, report);
}

/// `parameters`, which operators take as text only.
fn parameters(parent: &Node, report: &mut Report) -> Vec<(Text, Text)> {
    let Some(map) = report.free_map(parent, "parameters") else { return Vec::new() };
    let mut all = Vec::new();
    for (name, node) in map.pairs() {
        if let Some(value) = report.string(&name.text, node) {
            all.push((name.clone(), value));
        }
    }
    all
}

fn of(object: &Object<'_>, replicas: Replicas, overlap: Overlap, container: Container) -> Workload {
    Workload { containers: vec![container], ..workload(object, replicas, Life::Service(overlap), None) }
}
