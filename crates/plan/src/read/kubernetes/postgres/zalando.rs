//! Zalando's `postgresql`: a server, and the poolers that are switched on.

use super::ini::Ini;
use super::{finish_server, of};
use crate::read::kubernetes::report::Report;
use crate::read::kubernetes::rollout::Rollout;
use crate::read::kubernetes::settings::Scope;
use crate::read::kubernetes::workload::replicas;
use crate::read::kubernetes::{OPERATOR, environment, pod, shape};
use crate::yaml::Node;
use crate::{Container, Number, Overlap, Replicas, Workload};

/// A Zalando server, with the poolers that are switched on.
pub(in crate::read::kubernetes) fn zalando(
    scope: &Scope<'_>,
    spec: &Node,
    report: &mut Report,
) -> Vec<Workload> {
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
