//! What objects make pods, how many, and when they run.

use super::kind::Kind;
use super::objects::Object;
use super::pod::{self, Pod};
use super::report::Report;
use super::rollout::Rollout;
use super::scaling::Scaling;
use super::settings::Scope;
use super::shape::{self, Shape};
use super::{LEFT_OUT, postgres};
use crate::yaml::Node;
use crate::{Life, Number, Overlap, Place, Replicas, Workload};

mod hook;
mod job;

use hook::hook;

/// The workloads of an object; none if its kind runs nothing.
pub(super) fn read(scope: &Scope<'_>, scaling: Option<&Scaling>, report: &mut Report) -> Vec<Workload> {
    let object = scope.object;
    let Some(shape) = shape_of(object.kind) else { return Vec::new() };
    let Some(spec) = report.map(object.node, "spec", shape) else {
        if object.node.get("spec").is_none() {
            report.refuse(
                object.place(),
                format!("{} has no spec", object.called()),
                "write spec: and its fields",
            );
        }
        return Vec::new();
    };
    if let Some(hook) = hook(object).filter(|hook| !hook.in_rollouts) {
        leave_out(object, &hook.word.place, &format!("its hook is {}", hook.word.text), report);
        return Vec::new();
    }
    let one = |workload: Option<Workload>| workload.into_iter().collect();
    match object.kind {
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Rollout => {
            one(replicated(scope, spec, scaling, report))
        }
        Kind::Pod => vec![bare_pod(scope, spec, report)],
        Kind::Job => one(job::job(scope, spec, report)),
        Kind::CronJob => one(job::cron(scope, spec, report)),
        Kind::ScaledJob => one(job::scaled_job(scope, spec, report)),
        Kind::Cluster => vec![postgres::cluster(scope, spec, report)],
        Kind::Pooler => vec![postgres::pooler(scope, spec, scaling, report)],
        Kind::Postgresql => postgres::zalando(scope, spec, report),
        Kind::HorizontalPodAutoscaler | Kind::ScaledObject | Kind::ConfigMap | Kind::Secret => Vec::new(),
    }
}

fn shape_of(kind: Kind) -> Option<&'static Shape> {
    match kind {
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Rollout => {
            Some(&shape::REPLICATED)
        }
        Kind::Pod => Some(&shape::POD),
        Kind::Job => Some(&shape::JOB),
        Kind::CronJob => Some(&shape::CRON),
        Kind::ScaledJob => Some(&shape::SCALED_JOB),
        Kind::Cluster => Some(&shape::CLUSTER),
        Kind::Pooler => Some(&shape::POOLER),
        Kind::Postgresql => Some(&shape::ZALANDO),
        Kind::HorizontalPodAutoscaler | Kind::ScaledObject | Kind::ConfigMap | Kind::Secret => None,
    }
}

/// A workload of an object, without its containers' details.
pub(super) fn workload(object: &Object<'_>, replicas: Replicas, life: Life, pod: Option<Pod>) -> Workload {
    Workload {
        name: object.full_name(),
        aliases: Vec::new(),
        standbys: Vec::new(),
        kind: object.kind.word(),
        place: object.place().clone(),
        replicas,
        life,
        containers: pod.map_or_else(Vec::new, |pod| pod.containers),
    }
}

fn replicated(
    scope: &Scope<'_>,
    spec: &Node,
    scaling: Option<&Scaling>,
    report: &mut Report,
) -> Option<Workload> {
    let object = scope.object;
    let pod = match report.map(spec, "workloadRef", &shape::TARGET) {
        Some(reference) if object.kind == Kind::Rollout => referred_pod(scope, reference, report),
        Some(_) | None => template(scope, spec, report),
    }?;
    let called = object.called();
    let rollout = Rollout { called: &called, lingers: pod.lingers };
    let overlap = match object.kind {
        Kind::Deployment => {
            let strategy = report.map(spec, "strategy", &shape::STRATEGY);
            rollout.of_deployment(strategy, report)
        }
        Kind::DaemonSet => {
            let strategy = report.map(spec, "updateStrategy", &shape::STRATEGY);
            rollout.of_daemon_set(strategy, report)
        }
        Kind::Rollout => rollout.of_argo(spec, report),
        // A StatefulSet's new pod has its old one's name, so it waits for its end; nobody replaces a ReplicaSet's.
        _ => Overlap::None,
    };
    let replicas = if object.kind == Kind::DaemonSet {
        Replicas::fixed(Number::assumed(
            1,
            format!(
                "{called} runs on every node, and no file says how many there are: 1 is counted until \
                 replicas in the plan file says more"
            ),
        ))
    } else {
        replicas(object, spec, "replicas", scaling, report)
    };
    Some(workload(object, replicas, Life::Service(overlap), Some(pod)))
}

/// How many there are by a field, and by what scales them.
pub(super) fn replicas(
    object: &Object<'_>,
    spec: &Node,
    field: &str,
    scaling: Option<&Scaling>,
    report: &mut Report,
) -> Replicas {
    let written = report.count(spec, field);
    match (scaling, written) {
        (Some(scaling), written) => scaling.apply(written),
        (None, Some(written)) => Replicas::fixed(written),
        (None, None) => {
            Replicas::fixed(Number::assumed(1, format!("{} runs 1 pod: {field} is not set", object.called())))
        }
    }
}

/// The pods of the Deployment that an Argo Rollout has taken over.
fn referred_pod(scope: &Scope<'_>, reference: &Node, report: &mut Report) -> Option<Pod> {
    let name = report.word(reference, "name")?;
    let kind = report.word(reference, "kind").map_or(Kind::Deployment.word().to_owned(), |kind| kind.text);
    let kind = Kind::of(&kind, None)?;
    let Some((_, target)) = scope.objects.find(kind, scope.object, &name.text) else {
        scope.objects.report_missing(kind, scope.object, &name, report);
        return None;
    };
    let scope = Scope { object: target, ..*scope };
    pod::of_template(&scope, target.node.get("spec")?, report)
}

/// A spec's pod template, which must be there.
fn template(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Option<Pod> {
    let template = spec.get("template");
    if template.is_none_or(|template| !template.pairs().is_empty() && template.get("spec").is_none()) {
        report.refuse(
            template.map_or(&spec.place, |template| &template.place),
            format!("{} has no pod: template.spec is missing", scope.object.called()),
            "write template: with spec: and containers: below it",
        );
    }
    pod::of_template(scope, spec, report)
}

fn bare_pod(scope: &Scope<'_>, spec: &Node, report: &mut Report) -> Workload {
    let pod = pod::of_spec(scope, spec, report);
    let life = match (hook(scope.object), pod.restarts) {
        (Some(_), _) => Life::Job { with_rollout: true },
        (None, true) => Life::Service(Overlap::None),
        (None, false) => Life::Job { with_rollout: false },
    };
    workload(scope.object, Replicas::fixed(Number::implied(1)), life, Some(pod))
}

fn leave_out(object: &Object<'_>, place: &Place, why: &str, report: &mut Report) {
    report.say(
        &LEFT_OUT,
        place,
        format!("{} is not counted: {why}", object.called()),
        "declare it in the plan file if it opens connections all the same",
    );
}
