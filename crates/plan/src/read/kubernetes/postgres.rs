//! What the operators of PostgreSQL make of their custom resources: CloudNativePG's `Cluster` and `Pooler`, Zalando's
//! `postgresql`.
//!
//! A server becomes a container whose command gives its parameters, a pooler one with the `pgbouncer.ini` the operator
//! would write: so both are recognised as those written by hand are.

use super::environment;
use super::fields::Report;
use super::objects::Object;
use super::rollout::Rollout;
use super::scaling::Scaling;
use super::settings::Scope;
use super::workload::{replicas, workload};
use super::{OPERATOR, pod, shape};
use crate::yaml::Node;
use crate::{Container, Life, Number, Overlap, Place, Replicas, Text, Workload};

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

/// A Zalando server, with the poolers that are switched on.
pub(super) fn zalando(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Vec<Workload> {
    let object = scope.object;
    let mut server = Container::new("postgres", spec.place.clone());
    server.image = report.word(spec, "dockerImage");
    environment::read(scope, spec, &mut server, report);
    finish_server(&mut server, spec, report);
    let count = replicas(object, spec, "numberOfInstances", None, report);
    let mut made = vec![of(object, count, Overlap::None, server)];

    let settings = report.map(spec, "connectionPooler", &shape::ZALANDO_POOLER);
    let on = report.flag(spec, "enableConnectionPooler").map_or(settings.is_some(), |(on, _)| on);
    let on_replicas = report.flag(spec, "enableReplicaConnectionPooler").is_some_and(|(on, _)| on);
    let name = &object.name.text;
    let wanted = [
        (on, format!("{}-pooler", object.full_name()), name.clone()),
        (on_replicas, format!("{}-pooler-repl", object.full_name()), format!("{name}-repl")),
    ];
    for (_, called, host) in wanted.into_iter().filter(|(on, _, _)| *on) {
        let pooler = zalando_pooler(scope, settings.unwrap_or(spec), &host, settings.is_some(), report);
        made.push(Workload { name: called, ..pooler });
    }
    made
}

/// Instances and connections of the pooler where neither the manifest nor, as far as is seen, the operator's own
/// configuration says otherwise.
const ZALANDO_POOLERS: u32 = 2;
const ZALANDO_CONNECTIONS: u32 = 60;

fn zalando_pooler(
    scope: &Scope<'_>,
    settings: &Node,
    host: &str,
    written: bool,
    report: &mut Report,
) -> Workload {
    let object = scope.object;
    let mut field = |name: &str| if written { report.count(settings, name) } else { None };
    let (instances, connections) = (field("numberOfInstances"), field("maxDBConnections"));
    if connections.is_none() {
        report.say(
            &OPERATOR,
            &settings.place,
            format!(
                "the poolers of {} are taken to open {ZALANDO_CONNECTIONS} connections together: maxDBConnections is \
                 not set, and the operator's connection_pooler_max_db_connections is not shown",
                object.called()
            ),
            "write maxDBConnections: below connectionPooler:",
        );
    }
    let instances = instances.unwrap_or_else(|| {
        let why =
            format!("the operator runs 2 poolers for {}: numberOfInstances is not set", object.called());
        Number::assumed(ZALANDO_POOLERS, why)
    });
    let place = connections.as_ref().and_then(Number::place).unwrap_or(&settings.place).clone();
    let each = connections.map_or(ZALANDO_CONNECTIONS, |number| number.value) / instances.value.max(1);
    let mut container = Container::new("connection-pooler", settings.place.clone());
    let mut ini = Ini::new(object, Some(host));
    if written {
        container.image = report.word(settings, "dockerImage");
        pod::limits(settings, &mut container, report);
        if let Some(mode) = report.word(settings, "mode") {
            ini.set(&mode.place, "pool_mode", &mode.text);
        }
    }
    // The operator shares the connections out like this; they are said at the line that gives their sum.
    let (pool, quarter) = (each / 2, each / 4);
    let line = format!(
        "max_db_connections = {each}\ndefault_pool_size = {pool}\nmin_pool_size = {quarter}\n\
         reserve_pool_size = {quarter}\nmax_client_conn = 10000"
    );
    ini.line(&place, &line);
    ini.put(&mut container, "/etc/pgbouncer/pgbouncer.ini", report);
    let called = object.called();
    let overlap = Rollout { called: &called, lingers: true }.of_deployment(None, report);
    of(object, Replicas::fixed(instances), overlap, container)
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

/// The `pgbouncer.ini` an operator writes. It begins where the object begins, and each setting stands on the line that
/// gives it in the manifest, so that a reader of the file names the right lines.
struct Ini {
    begin: Place,
    text: String,
    line: u32,
}

impl Ini {
    fn new(object: &Object<'_>, host: Option<&str>) -> Self {
        let begin = object.place().clone();
        let mut ini = Self { line: begin.line, begin, text: String::new() };
        ini.push("[databases]");
        if let Some(host) = host {
            ini.push(&format!("* = host={host}"));
        }
        ini.push("[pgbouncer]");
        ini
    }

    fn set(&mut self, place: &Place, name: &str, value: &str) {
        let line = format!("{name} = {value}").replace(['\n', '\r'], " ");
        self.line(place, &line);
    }

    fn line(&mut self, place: &Place, line: &str) {
        while self.line < place.line {
            self.push("");
        }
        self.push(line);
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.line = self.line.saturating_add(1);
    }

    fn put(self, container: &mut Container, path: &str, report: &mut Report) {
        if !report.copies(self.text.len(), &self.begin) {
            return;
        }
        container.command = ["pgbouncer", path].map(|word| Text::new(word, self.begin.clone())).into();
        container.files.insert(path.to_owned(), Text::new(self.text, self.begin));
    }
}
